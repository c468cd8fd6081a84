"""Platform files, workload files and settings that are wrong: the exact message, exit code 2, nothing half written."""
import unittest

import cowosim_binary

# What is written (below `extends: h100_sxm5`) -> line:column and the message.
PLATFORM_FILES = {
    "an unknown key": (
        "hbm:\n  data_rat: 5Gb/s\n", "3:3: error: hbm.data_rat: unknown key; did you mean 'data_rate'?"),
    "a key given twice": (
        "hbm:\n  data_rate: 5Gb/s\n  data_rate: 6Gb/s\n", "4:3: error: hbm.data_rate: is given twice, first in line 3; keep one"),
    "a missing unit": (
        "phy:\n  latency_up: 20\n", "3:15: error: phy.latency_up: '20' has no unit; expected a time, such as 48ns"),
    "another quantity's unit": (
        "phy:\n  latency_up: 20GB/s\n", "3:15: error: phy.latency_up: '20GB/s' is a bandwidth; expected a time, such as 48ns"),
    "a value out of range": (
        "hbm:\n  stacks: 0\n", "3:11: error: hbm.stacks: '0' is out of range; expected 1 to 256"),
    "a word for a number": (
        "hbm:\n  stacks: many\n", "3:11: error: hbm.stacks: 'many' is not an integer; expected an integer, such as 32"),
    "an unknown choice": (
        "hbm:\n  generation: hmb3\n", "3:15: error: hbm.generation: 'hmb3' is not a choice; did you mean 'hbm3'? expected one of hbm2, hbm2e, hbm3, "
        "hbm3e, hbm4"),
    "a platform nobody knows": (
        "extends: h100\n", "1:10: error: extends: 'h100' is not a known platform; did you mean 'h100_sxm5'?"),
    "nothing at all": ("", "1:1: error: is empty; expected 'name: value' lines"),
    "no YAML": ("a: [1\nb: 2\n", "2:2: error: not valid YAML: end of sequence flow not found"),
    "itself": ("extends: platform.yaml\n", "1:10: error: extends: extends itself: platform.yaml -> platform.yaml"),
    "an organisation another generation has": (
        "hbm:\n  generation: hbm2e\n  organisation: 8hi_8gb\n",
        "4:17: error: hbm.organisation: hbm2e has no '8hi_8gb'; it has 4hi_16gb, 8hi_16gb, 12hi_16gb"),
    "rows beside an organisation": (
        "hbm:\n  organisation: 8hi_16gb\n  rows: 8192\n",
        "4:9: error: hbm.rows: is 8192, but hbm.organisation '8hi_16gb' of hbm3 has 16384; leave one of the two out"),
    "a low watermark above the high one": (
        "hbm:\n  controller:\n    write_low_watermark: 0.9\n",
        "4:26: error: hbm.controller.write_low_watermark: lies above write_high_watermark, must be at most as high"),
    "management thresholds in the wrong order": (
        "hbm:\n  controller:\n    refresh_management: true\n    raaimt: 100\n",
        "5:13: error: hbm.controller.raaimt: 100 must lie below raammt (96)"),
    "more banks than a pseudo-channel has": (
        "hbm:\n  bank_groups: 16\n  banks: 8\n",
        "4:10: error: hbm.banks: sids x bank_groups x banks are 256 banks of a pseudo-channel, must be at most 64"),
    "more memory than a refresh cycle is defined for": (
        "hbm:\n  generation: hbm4\n  rows: 65536\n", "4:9: error: hbm.rows: hbm4: no tRFC is defined for 32 Gb, only up to 16 Gb"),
    "an address map without rows": (
        "hbm:\n  address_map: [sid, bank, column, bank_group, pseudo_channel, offset]\n",
        "3:16: error: hbm.address_map: field 'row' is missing and has 16384 values"),
    "a hash nobody can undo": (
        "hbm:\n  hashes: ['bank[0] ^= row[0]', 'bank_group[0] ^= bank[1]', 'bank[1] ^= bank_group[0]']\n",
        "3:11: error: hbm.hashes: 'bank_group[0] ^= bank[1]', 'bank[1] ^= bank_group[0]' would put two addresses at one place: "
        "bank_group[0] ^ bank[1] would always be 0; take sources that no hash changes, such as row bits"),
    "a hash of a field that is none": (
        "hbm:\n  hashes: ['bnak[0] ^= row[0]']\n",
        "3:11: error: hbm.hashes: 'bnak[0] ^= row[0]': there is no target 'bnak'; did you mean 'bank'?; there are column_low, "
        "pseudo_channel, bank_group, column_high, bank, sid, row"),
    "regions with a hole": (
        "hbm:\n  regions:\n    near: {stacks: [0..3]}\n",
        "4:5: error: hbm.regions: leave a hole: 1GiB of each channel of stack 4 are in none; give them to one (size: rest)"),
    "regions that overlap": (
        "hbm:\n  regions:\n    near: {stacks: [0, 1]}\n    far:\n      stacks: [1..4]\n      size: 64GiB\n",
        "7:13: error: hbm.regions.far.size: regions overlap: 64GiB takes 1GiB of each channel, but 0B are left of those of stack 1"),
    "a region of a stack that is none": (
        "hbm:\n  regions:\n    near: {stacks: [5]}\n", "4:20: error: hbm.regions.near.stacks: there is no stack 5; must be 0..4"),
    "a masked unit that is none": (
        "hbm:\n  masked: [hbm_stack_0.channel_16]\n",
        "3:11: error: hbm.masked: there is no 'hbm_stack_0.channel_16'; channel_16 must be channel_0..channel_15"),
    "everything masked": (
        "hbm:\n  stacks: 2\n  masked: [hbm_stack_0, hbm_stack_1]\n",
        "4:11: error: hbm.masked: nothing is left; leave at least one pseudo-channel"),
    "half a channel masked": (
        "hbm:\n  masked: [hbm_stack_1.channel_4.pseudo_channel_1]\n",
        "3:11: error: hbm.masked: hbm_stack_1.channel_4 keeps one of its pseudo-channels; that needs interleave: pseudo_channel"),
    "registers inside memory": (
        "registers:\n  base: 64GiB\n",
        "3:9: error: registers.base: 0x1000000000 to 0x1000ffffff overlaps all (0x0 to 0x13ffffffff); expected a base from 80GiB on"),
    "a foreign target inside memory": (
        "foreign:\n  npu: {role: target, at: die_0, base: 1GiB, size: 1MiB}\n",
        "3:40: error: foreign.npu.base: 0x40000000 to 0x400fffff overlaps all (0x0 to 0x13ffffffff); expected a base from 80GiB on"),
    "a foreign target on the registers": (
        "foreign:\n  npu: {role: target, at: off_package, base: 8TiB, size: 9TiB}\n",
        "3:46: error: foreign.npu.base: 0x80000000000 to 0x10ffffffffff overlaps registers (0x100000000000 to 0x100000ffffff); "
        "expected a base from 16777232MiB on"),
    "two foreign targets at one place": (
        "foreign:\n  npu: {role: target, at: die_0, base: 1TiB, size: 1GiB}\n  nic:\n    role: target\n    at: off_package\n"
        "    size: 2TiB\n    base: 512GiB\n",
        "8:11: error: foreign.nic.base: 0x8000000000 to 0x27fffffffff overlaps npu (0x10000000000 to 0x1003fffffff); expected a base from "
        "1025GiB on"),
    "a foreign target without a size": (
        "foreign:\n  npu: {role: target, at: die_0, base: 1TiB, size: 0B}\n",
        "3:52: error: foreign.npu.size: must be above 0: a target answers at addresses of its own (base, size)"),
    "a foreign initiator with addresses": (
        "foreign:\n  cpu: {role: initiator, at: die_0, base: 1TiB}\n",
        "3:43: error: foreign.cpu.base: an initiator has no addresses; leave it out"),
    "a stack's stand-in with a size": (
        "foreign:\n  mem: {role: target, in_place_of: hbm_stack_1, size: 16GiB}\n",
        "3:55: error: foreign.mem.size: what stands in place of something has its addresses; leave it out"),
}
WHOLE = ("a platform nobody knows", "nothing at all", "no YAML", "itself")  # files of their own, not extending anything

SETTINGS = {
    "hbm.stakcs=4": "--set:1:1: error: hbm.stakcs: no such parameter; did you mean 'hbm.stacks'?",
    "hbm.*x=4": "--set:1:1: error: hbm.*x: matches no parameter",
    "hbm.stacks": "--set:1:1: error: 'hbm.stacks' is not an assignment; expected path=value",
    "hbm.stacks=0": "--set:1:12: error: hbm.stacks: '0' is out of range; expected 1 to 256",
    "phy.latency_up=20": "--set:1:16: error: phy.latency_up: '20' has no unit; expected a time, such as 48ns",
    "workload.kind=reed": "--set:1:23: error: workloads.stream.kind: 'reed' is not a choice; did you mean 'read'? "
                          "expected one of read, write, copy, scale, add, triad",
    "workload.m=4": "--set:1:1: error: workloads.stream.m: no such parameter; did you mean 'workloads.stream.kind'?",
    "workload.footprint=100GiB": "error: workload: stream needs 107374182400 bytes (other 107.374 GB) but the package has "
                                 "85899345920: 21474836480 bytes (21.475 GB) are missing",
}

WORKLOADS = "collective, gemm, llama3_70b_decode, llama3_70b_prefill, llama3_8b_decode, llama3_8b_prefill, loaded_latency, pointer_chase, random_access, stream, synthetic, trace"
NAMES = {
    ("h100", "stream"): "error: 'h100' is not a known platform; did you mean 'h100_sxm5'?",
    ("nowhere.yaml", "stream"): "error: 'nowhere.yaml' does not exist; expected the file of a platform",
    ("h100_sxm5", "strem"): "command line: error: workloads.strem.workload: there is no workload 'strem'; did you mean 'stream'?; "
                            f"there are {WORKLOADS}",
    ("h100_sxm5", "nowhere.yaml"): "error: 'nowhere.yaml' does not exist; expected the file of a workload",
    ("reference/hbm3_6400", "gemm"): "command line: error: workloads.gemm.workload: 'gemm' runs on compute dies, and this platform has none",
    ("reference/hbm3_6400", "synthetic"):
        "command line: error: workloads.synthetic.workload: 'synthetic' runs between the terminals of a fabric, and this platform has none "
        "(fabric.topology)",
    ("reference/hbm3_6400", "trace"): "error: workload.file: a trace needs a file: --set workload.file=FILE",
    ("h100_sxm5", "-w", "a=stream", "-w", "a=stream"):
        "command line: error: a: two workloads have this name; give each its own with -w NAME=WORKLOAD",
    ("h100_sxm5", "llama3_70b_decode", "-s", "workload.batch=many"):
        "error: workload.batch: `many` is neither a number from 1 to 65536 nor `max`",
    ("h100_sxm5", "-w", "a=stream", "-s", "a.background=true"):
        "command line: error: workloads: all workloads are background ones: nothing would ever end; let at least one run once",
}
WORKLOAD_FILES = {
    "workload: strem\n":
        f"1:11: error: {{path}}workload: there is no workload 'strem'; did you mean 'stream'?; there are {WORKLOADS}",
    "workload: stream\nfootprint: 64\n":
        "2:12: error: {path}footprint: '64' has no unit; expected a number of bytes, such as 80GiB",
    "workload: stream\nm: 64\n": "2:1: error: {path}m: unknown key; expected one of workload, background, kind, footprint, bytes",
}


class Configuration(cowosim_binary.CowosimTest):
    def test_platform_files(self):
        for what, (text, message) in PLATFORM_FILES.items():
            with self.subTest(what=what):
                file = self.write("platform.yaml", text if what in WHOLE else "extends: h100_sxm5\n" + text)
                self.assert_rejected(file, "stream", message=f"{file}:{message}")
                self.assert_rejected(file, subcommand="validate", message=f"{file}:{message}")

    def test_all_errors_are_reported_at_once(self):
        file = self.write("platform.yaml", "extends: h100_sxm5\nhbm:\n  stacks: many\nphy:\n  latency_up: 20\n  bandwith: 3GB/s\n")
        done = cowosim_binary.call("validate", file)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.splitlines(), [
            f"{file}:3:11: error: hbm.stacks: 'many' is not an integer; expected an integer, such as 32",
            f"{file}:5:15: error: phy.latency_up: '20' has no unit; expected a time, such as 48ns",
            f"{file}:6:3: error: phy.bandwith: unknown key; did you mean 'bandwidth'?"])

    def test_settings(self):
        for setting, message in SETTINGS.items():
            with self.subTest(setting=setting):
                self.assert_rejected("h100_sxm5", "stream", "-s", setting, message=message)

    def test_names(self):
        for arguments, message in NAMES.items():
            with self.subTest(arguments=arguments):
                self.assert_rejected(*arguments, message=message)

    def test_workload_files(self):
        for text, message in WORKLOAD_FILES.items():
            with self.subTest(text=text):
                file = self.write("workload.yaml", text)
                self.assert_rejected(file, subcommand="validate", message=f"{file}:{message.format(path='')}")
                self.assert_rejected("h100_sxm5", file, message=f"{file}:{message.format(path='workloads.workload.')}")

    def test_a_settings_file_that_does_not_exist_is_one_error(self):
        done = cowosim_binary.call("run", "h100_sxm5", "stream", "--set-file", "nowhere.yaml", "--out", self.directory / "rejected")
        self.assertEqual((done.returncode, done.stderr), (2, "nowhere.yaml: error: no such file\n"))


if __name__ == "__main__":
    unittest.main()
