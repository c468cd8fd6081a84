"""Maps and references that are wrong: exit code 2, file, line and column, and nothing written."""
import unittest

import cowosim_binary

PLATFORM = "reference/hbm3_6400"
MAP = "columns: {issue: t, done: d, op: o, address: a}\ntime: {unit: ns}\n"
HEADER = "t,d,o,a\n"

MAPS = {
    "an unknown key": (MAP + "tiem: {}\n", "3:1: error: tiem: unknown key; did you mean 'time'?"),
    "an unknown column": ("columns: {isue: t}\n", "1:11: error: columns.isue: unknown key; did you mean 'issue'?"),
    "a time without a unit": (MAP + "done: {read_delay: 3}\n",
                              "3:20: error: done.read_delay: '3' has no unit; expected a time, such as 48ns"),
    "no clock": ("columns: {issue: t, done: d, op: o, address: a}\ntime: {shift: 1ns}\n",
                 "2:7: error: time: 0 of period, frequency and unit; give one: what a count of time is"),
    "two clocks": (MAP.replace("unit: ns", "unit: ns, period: 1ns"),
                   "2:7: error: time: 2 of period, frequency and unit; give one: what a count of time is"),
    "an address and a place": (MAP.replace("a}", "a, row: r}"),
                               "1:46: error: columns.address: and columns of a place (stack ... column) are both named; give one"),
    "no column of done": (MAP.replace(" done: d,", ""), "1:10: error: columns.done: is not named; it says when a request was answered"),
    "latencies without a beginning": (MAP + "replay: {latency: accepted}\n", "3:19: error: replay.latency: 'accepted' needs columns.accepted"),
}

ROWS = {
    "a missing column": ("t,d,o,addr\n", "1:1: error: columns.address: there is no column 'a'; the file has t, d, o, addr"),
    "no requests": (HEADER, "1:1: error: the file has a header but no requests"),
    "too few fields": (HEADER + "1,2,R\n", "2:1: error: 3 fields, but the header names 4"),
    "no time": (HEADER + "1,2,R,0\nsoon,2,R,0\n",
                "3:1: error: issue: 'soon' is not a time: a decimal number such as 12.5, at most 2.5 hours"),
    "no address": (HEADER + "1,2,R,there\n", "2:7: error: address: 'there' is not a number from 0 to 18446744073709551615, decimal or 0x..."),
    "done before it began": (HEADER + "3,2,R,0\n", "2:3: error: done: 2 is before the issue (3) of this request"),
    "outside memory": (HEADER + "1,2,R,0x10000000\n",
                       "2:7: error: address: 32 bytes at 0x10000000 (less the offset: 0x10000000) lie outside memory, which has 0x10000000 "
                       "bytes; see address.offset of the map"),
}


class Correlate(cowosim_binary.CowosimTest):
    def reject(self, message, map_text=MAP, rows=HEADER + "1,2,R,0\n", platform=PLATFORM, extra=()):
        how, reference = self.write("map.yaml", map_text), self.write("reference.csv", rows)
        out = self.directory / "rejected"
        done = cowosim_binary.call("correlate", platform, reference, "--map", how, "-o", out, *extra)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertFalse(out.exists(), "a rejected correlation left something behind")
        self.assertIn(message.format(map=how, reference=reference), done.stderr.splitlines(), done.stderr)
        return done.stderr.splitlines()

    def test_the_good_one(self):
        how, reference = self.write("map.yaml", MAP), self.write("reference.csv", HEADER + "1,2,R,0\n")
        done = cowosim_binary.call("correlate", PLATFORM, reference, "--map", how, "-o", self.directory / "good")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_bad_maps(self):
        for what, (text, message) in MAPS.items():
            with self.subTest(what=what):
                self.reject("{map}:" + message, map_text=text)

    def test_bad_rows(self):
        for what, (text, message) in ROWS.items():
            with self.subTest(what=what):
                self.reject("{reference}:" + message, rows=text)

    def test_a_stimulus_that_does_not_say_when(self):
        open_end = "it is open when this request is made, and latencies count from there; give each a time and no dependency, or let " \
                   "replay.latency of the map be accepted"
        for rows, line in ((",R,0,32\n", 2), ("5,R,0,32\n,R,0,32\n", 3)):
            stimulus = self.write("stimulus.csv", "time_ns,op,address,bytes\n" + rows)
            self.reject(f"{stimulus}:{line}:1: error: {open_end}", extra=("--stimulus", stimulus))
        stimulus = self.write("stimulus.csv", "time_ns,op,address,bytes,id,depends_on,think_ns\n5,R,0,32,1,,\n6,R,0,32,2,1,3\n")
        self.reject(f"{stimulus}:3:1: error: {open_end}", extra=("--stimulus", stimulus))

    def test_a_foreign_model_that_nobody_is(self):
        platform = self.write("platform.yaml", "extends: h100_sxm5\nforeign: {npu: {role: initiator, at: die_0}}\n")
        self.reject("cowosim correlate: error: foreign.npu: nobody to be it; give foreign.npu.plugin, or run the platform in a SystemC program of "
                    "your own (doc/guide/virtual_platform.md)", platform=platform)

    def test_all_at_once_but_not_without_end(self):
        rows = HEADER + "x,2,R,0\n1,2,Q,0\n" + "1,y,R,0\n" * 100
        told = self.reject("{reference}:2:1: error: issue: 'x' is not a time: a decimal number such as 12.5, at most 2.5 hours", rows=rows)
        self.assertEqual(len(told), 20)

    def test_files_and_options(self):
        for arguments, message in (((), "which platform?"), ((PLATFORM,), "which reference?"), ((PLATFORM, "r.csv"), "which map?"),
                                   ((PLATFORM, "r.csv", "--map", "no.yaml"), "no.yaml"),
                                   ((PLATFORM, "no.csv", "--map", self.write("m.yaml", MAP)), "no.csv: error: cannot read the reference"),
                                   (("nosuch", "r.csv", "--map", self.write("m.yaml", MAP)), "nosuch"),
                                   (("reference/mesh", "r.csv", "--map", self.write("m.yaml", MAP)), "without memory"),
                                   ((PLATFORM, "r.csv", "--map", "m.yaml", "--tolerance", "much"), "'much' is not a share such as 5%")):
            done = cowosim_binary.call("correlate", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(message, done.stderr)

    def test_what_is_there_is_not_replaced(self):
        how, reference = self.write("map.yaml", MAP), self.write("reference.csv", HEADER + "1,2,R,0\n")
        call = lambda *more: cowosim_binary.call("correlate", PLATFORM, reference, "--map", how, "-o", self.directory / "out", *more)
        self.assertEqual(call().returncode, 0)
        again = call()
        self.assertEqual((again.returncode, again.stdout), (2, ""))
        self.assertIn("holds a run: choose another --out, or --force to replace it", again.stderr)
        self.assertEqual(call("--force").returncode, 0)


if __name__ == "__main__":
    unittest.main()
