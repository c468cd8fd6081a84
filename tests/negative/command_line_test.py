"""Command lines that make no sense: a message that says what would, exit code 2, nothing simulated and nothing written."""
import unittest

import cowosim_binary

RUN = {
    ("--until", "5"): "--until: '5' has no unit; expected a time, such as 48ns",
    ("--until", "0ns"): "--until: '0ns' is not above zero",
    ("--until", "-5ns"): "--until: '-5ns' is not above zero",
    ("--wall-limit", "5GB"): "--wall-limit: '5GB' is a number of bytes; expected a time, such as 48ns",
    ("--stats-interval", "0ns"): "--stats-interval: '0ns' is not above zero",
    ("--threads", "0"): "--threads: must be 1 to 256",
    ("--seed", "-1"): "--seed: '-1' is not a number >= 0",
    ("--kpi", "hbm.utilization"): "--kpi: 'hbm.utilization' is not PATH OP NUMBER, such as 'hbm.utilization >= 0.88'",
    ("--against", "nowhere"): "--against: 'nowhere' is no run's directory: it has no results.json",
    ("--trace", "vcdd"): "--trace: 'vcdd' is not a kind of trace; there are commands and transactions",
    ("--trace", "commands,1us"): "--trace: 'commands,1us' is not KIND or KIND,FROM,TO (transactions,1us,2us)",
    ("--bogus",): "unrecognised option '--bogus' (usage: cowosim run PLATFORM [WORKLOAD] [OPTIONS])",
    ("-w", "stream"): "-w: 'stream' is not NAME=WORKLOAD",
    ("more",): "too many positional options have been specified on the command line (usage: cowosim run PLATFORM [WORKLOAD] [OPTIONS])",
}

OTHERS = {
    ("run",): "cowosim run: error: which platform? (usage: cowosim run PLATFORM [WORKLOAD] [OPTIONS]; see cowosim list platforms)",
    ("frobnicate",): "cowosim: error: there is no command 'frobnicate' (see cowosim --help)",
    ("shwo",): "cowosim: error: there is no command 'shwo'; did you mean 'show'? (see cowosim --help)",
    ("list", "things"): "cowosim list: error: list what? 'things' is none of platforms, workloads, parameters, types "
                        "(usage: cowosim list platforms|workloads|parameters|types [GLOB] [OPTIONS])",
    ("list", "parameters", "nix*"): "cowosim list: error: no parameters match 'nix*'",
    ("show",): "cowosim show: error: show what? (usage: cowosim show PLATFORM|WORKLOAD)",
    ("show", "nix"): "error: 'nix' is not a known platform; expected one of examples/io_dies_2x2, examples/two_dies_ucie, h100_sxm5, reference/hbm2_2000, reference/hbm3_6400, reference/hbm4_8000, reference/mesh, reference/torus, or a .yaml file",
    ("show", "h100_sxm5", "--decode", "nix"): "cowosim show: error: --decode: 'nix' is not an address (decimal or 0x...)",
    ("show", "h100_sxm5", "--decode", "-1"): "cowosim show: error: --decode: '-1' is not an address (decimal or 0x...)",
    ("show", "h100_sxm5", "--decode", "0x1400000000"):
        "cowosim show: error: --decode: 0x1400000000 lies in the hole between all (ends at 0x13ffffffff) and registers (begins at 0x100000000000)",
    ("show", "h100_sxm5", "--decode", "0x100001000000"):
        "cowosim show: error: --decode: 0x100001000000 lies behind registers (ends at 0x100000ffffff)",
    ("show", "reference/mesh", "--registers"): "cowosim show: error: --registers: this platform is a fabric alone, without addresses",
    ("show", "stream", "--registers"): "cowosim show: error: --registers goes with a platform, and 'stream' is a workload",
    ("schema", "nix"): "cowosim schema: error: schema of what? 'nix' is none of platform, workload",
    ("validate",): "cowosim validate: error: which file? (usage: cowosim validate FILE...)",
    ("validate", "nix.yaml"): "error: 'nix.yaml' does not exist; expected the file of a platform",
    ("diverge", "a"): "cowosim diverge: error: diverge takes the directories of two runs (usage: cowosim diverge A B)",
    ("diverge", "nix", "nix"): "cowosim diverge: error: 'nix' is no run's directory: it has no hashes.csv",
}


class CommandLine(cowosim_binary.CowosimTest):
    def test_options_of_run(self):
        for options, message in RUN.items():
            with self.subTest(options=options):
                self.assert_rejected("h100_sxm5", "stream", *options, message=f"cowosim run: error: {message}")

    def test_a_window_larger_than_the_platforms(self):
        facts = cowosim_binary.show("h100_sxm5")
        receiver = facts["window_set_by"].split(" -> ")[1]
        self.assert_rejected("h100_sxm5", "stream", "--window", "1us", message=f"error: window: 1000 ns is outside (0, {facts['window_ns']} ns]: "
                                                                               f"the platform's W is set by {receiver}")

    def test_other_commands(self):
        for arguments, message in OTHERS.items():
            with self.subTest(arguments=arguments):
                done = cowosim_binary.call(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertEqual((done.stdout, done.stderr.splitlines()), ("", [message]))

    def test_without_a_command_the_usage_is_shown(self):
        done = cowosim_binary.call()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("usage: cowosim COMMAND [ARGUMENTS]", done.stderr)


if __name__ == "__main__":
    unittest.main()
