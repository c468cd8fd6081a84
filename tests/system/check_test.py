"""The DRAM protocol checker: `run --check` watches every channel, `check` reads the trace of a run."""
import gzip
import json
import subprocess
import unittest

import cowosim_binary

PLATFORM = "reference/hbm3_6400"
HEADER = "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column"


def check(*arguments):
    return cowosim_binary.call("check", *arguments)


class Check(cowosim_binary.CowosimTest):
    def commands(self, *rows, name="commands.csv"):
        return self.write(name, "\n".join([HEADER, *rows, ""]))

    def traced(self, *arguments):
        """The trace of a run that was checked as it went, and how many commands that were."""
        run = self.run_cowosim(*arguments, "--check", "--trace", "commands", "--no-report")
        seen = json.loads((run.directory / "run.json").read_text())["checked_commands"]
        trace = run.directory / "commands.csv"
        self.assertEqual(seen, len(trace.read_text().splitlines()) - 1)
        return trace, seen

    def assert_clean(self, done, commands, channels):
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(done.stdout, f"{commands} commands, {channels} channel{'s' if channels > 1 else ''}, no violation\n")

    def test_runs_keep_the_protocol_and_so_do_their_traces(self):
        for pattern, mix in (("seqbg", "r"), ("rand", "r"), ("rand", "m"), ("seqco", "w")):
            with self.subTest(pattern=pattern, mix=mix):
                requests = self.directory / "requests.csv"
                subprocess.run([cowosim_binary.SOURCE_DIR / "scripts/make_trace", pattern, mix, "sat", "-n", "10000", "-o", requests], check=True)
                trace, seen = self.traced(PLATFORM, "trace", "-s", f"workload.file={requests}")
                self.assertGreaterEqual(seen, 10000)
                self.assert_clean(check(trace, "--platform", PLATFORM), seen, 1)

    def test_every_channel_of_a_package(self):
        trace, seen = self.traced("h100_sxm5", "stream", "-s", "workload.footprint=256KiB", "--threads", "2")
        self.assert_clean(check(trace, "--platform", "h100_sxm5"), seen, 80)

    def test_without_the_option_nothing_is_checked(self):
        run = self.run_cowosim(PLATFORM, "random_access", "-s", "workload.count=100", "--no-report", watched=False)
        self.assertNotIn("checked_commands", json.loads((run.directory / "run.json").read_text()))

    def test_a_channel_that_breaks_the_protocol_is_found(self):
        arguments = ("run", PLATFORM, "random_access", "-s", "workload.count=200", "-s", "hbm.fault.extra_rcd_read=-1", "--no-report", "--quiet")
        done = cowosim_binary.call(*arguments, "--out", self.directory / "unwatched")
        self.assertEqual((done.returncode, done.stderr), (0, ""), "nobody watches")
        done = cowosim_binary.call(*arguments, "--check", "--out", self.directory / "watched", "--trace", "commands")
        self.assertEqual(done.returncode, 3)
        first, *others = done.stderr.splitlines()
        self.assertEqual(first, "cowosim run: error: an invariant is broken")
        self.assertRegex(others[-1], r"^  broken: DRAM protocol: \d+ violations in all, the first 20 are named$")
        self.assertEqual(len(others), 21)
        for line in others[:-1]:
            self.assertRegex(line, r"^  broken: DRAM protocol: [\d.]+ ns hbm_stack_0.channel_0 pc 0: RD .*: tRCDRD: 31.5 CK .*, only 31 CK$")
        self.assertEqual(json.loads((self.directory / "watched/run.json").read_text())["exit_code"], 3)
        done = check(self.directory / "watched/commands.csv", "--platform", PLATFORM)
        self.assertEqual(done.returncode, 3)
        self.assertTrue(all(": tRCDRD: " in line for line in done.stderr.splitlines()), "the trace says the same")

    def test_nor_do_hits_in_bulk(self):
        """Two pseudo-channels, hidden refreshes and a front pipeline: where what falls due meets what comes in."""
        arguments = ("h100_sxm5", "stream", "-s", "workload.kind=copy", "-s", "workload.footprint=4MiB", "--no-report")
        runs = [self.run_cowosim(*arguments, "-s", f"hbm.controller.bulk={bulk}", watched=False) for bulk in ("true", "false")]
        self.assertEqual(*(run.hashes() for run in runs))
        self.assertEqual(*(run["hbm.loss"] for run in runs))

    def test_the_check_changes_no_result(self):
        arguments = (PLATFORM, "random_access", "-s", "workload.count=2000", "--no-report")
        runs = [self.run_cowosim(*arguments, watched=False), self.run_cowosim(*arguments, "--check")]
        self.assertEqual(runs[0].hashes(), runs[1].hashes())

    def test_a_trace_from_the_middle(self):
        run = self.run_cowosim("h100_sxm5", "stream", "-s", "workload.footprint=4MiB", "--trace", "commands,1500ns,2500ns", "--no-report")
        trace = run.directory / "commands.csv"
        done = check(trace, "--platform", "h100_sxm5", "--partial")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = check(trace, "--platform", "h100_sxm5")
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"{trace}: a trace that begins in the middle of a run is checked with --partial", done.stderr)

    def test_a_broken_trace(self):
        trace = self.commands("0,0,0,0,ACT,0,1,2,7,", "19.375,0,0,0,RD,0,1,2,7,3", "21.25,0,0,0,RD,0,1,2,8,3")
        done = check(trace, "--platform", PLATFORM)
        self.assertEqual(done.returncode, 3)
        place = "ns hbm_stack_0.channel_0 pc 0: RD sid 0 bg 1 ba 2 row"
        self.assertEqual(done.stderr.splitlines(), [
            f"{trace}:3:1: error: 19.375 {place} 7: tRCDRD: 31.5 CK (19.6875 ns) after ACT sid 0 bg 1 ba 2 at 0 ns, only 31 CK",
            f"{trace}:4:1: error: 21.25 {place} 8: tCCD_L: 4 CK (2.5 ns) after RD sid 0 bg 1 ba 2 at 19.375 ns, only 3 CK",
            f"{trace}:4:1: error: 21.25 {place} 8: RD of another row than the open one: row 7 is open"])
        self.assertEqual(done.stdout, "3 commands, 1 channel, 3 violations\n")

    def test_json(self):
        trace = self.commands("0,0,0,0,ACT,0,1,2,7,", "19.375,0,0,0,RD,0,1,2,7,3")
        done = check(trace, "--platform", PLATFORM, "--json")
        self.assertEqual(done.returncode, 3)
        result = json.loads(done.stdout)
        self.assertEqual((result["commands"], result["channels"], result["violations"]), (2, 1, 1))
        first = result["first"][0]
        self.assertEqual((first["line"], first["rule"], first["needed_ns"], first["actual_ns"]), (3, "tRCDRD", 19.6875, 19.375))

    def test_rounded_times_and_compressed_traces(self):
        rows = "0,0,0,0,ACT,0,0,0,7,", "20.0,0,0,0,RD,0,0,0,7,3", "48.4,0,0,0,PREpb,0,0,0,7,"  # 48.4375 ns
        trace = self.directory / "rounded.csv.gz"
        trace.write_bytes(gzip.compress("\n".join([HEADER, *rows]).encode()))
        self.assert_clean(check(trace, "--platform", PLATFORM), 3, 1)

    def test_the_platform_decides(self):
        rows = "0,1,0,1,ACT,1,0,0,7,", "38.241,1,0,1,RD,1,0,0,7,3"
        done = check(self.commands(*rows), "--platform", PLATFORM)
        self.assertEqual(done.returncode, 2)
        self.assertIn(":2:3: error: stack: '1' is not a number from 0 to 0", done.stderr)
        settings = [word for s in ("stacks=2", "pseudo_channels=2", "sids=2") for word in ("-s", f"hbm.{s}")]
        self.assert_clean(check(self.commands(*rows), "--platform", "h100_sxm5", *settings), 2, 1)

    def test_an_idle_end_without_refresh(self):
        done = check(self.commands("0,0,0,0,ACT,0,0,0,7,", "36000,0,0,0,RD,0,0,0,7,0"), "--platform", PLATFORM)
        self.assertEqual(done.returncode, 3)
        self.assertIn("refresh overdue: sid 0 had to be refreshed by 35100 ns (at most 8 tREFI of 3900 ns are postponed)", done.stderr)

    def test_malformed_traces(self):
        for rows, complaint in (
                (["x,0,0,0,ACT,0,0,0,7,", "1,0,0,0,ACX,0,0,0,7,"], ":2:1: error: time_ns: 'x' is not a time"),
                (["1,0,0,0,ACX,0,0,0,7,"], ":2:9: error: command: there is no command 'ACX'; did you mean 'ACT'?"),
                (["1,0,0,0,ACT"], ":2:1: error: 5 fields, there must be 10")):
            trace = self.commands(*rows)
            done = check(trace, "--platform", PLATFORM)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(f"{trace}{complaint}", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), len(rows), "every malformed line is named")
        for arguments, complaint in ((("--platform", PLATFORM), "which trace?"), ((trace,), "which platform are the commands for?"),
                                     (("no.csv", "--platform", PLATFORM), "no.csv: error: cannot read the command trace"),
                                     ((trace, "--platform", "nosuch"), "nosuch")):
            done = check(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(complaint, done.stderr)


if __name__ == "__main__":
    unittest.main()
