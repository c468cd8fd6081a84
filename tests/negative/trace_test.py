"""Traces that are malformed, unsorted or outside memory: file, line, column and the exact message; nothing half written."""
import gzip
import unittest

import cowosim_binary

HEADER = "time_ns,op,address,bytes"
HELP = "the header is `time_ns,op,address,bytes` and optionally `stream,id,depends_on,think_ns`"

TRACES = {
    "an empty file": ("", f"1:1: error: the trace is empty; {HELP}"),
    "no header": ("0,R,0,32\n", f"1:1: error: the header is missing; {HELP}"),
    "a column missing": ("op,address,bytes\nR,0,32\n", f"1:1: error: column `time_ns` is missing; {HELP}"),
    "a column twice": (f"{HEADER},op\n", "1:26: error: column `op` is there twice"),
    "no requests": (f"{HEADER}\n", "1:1: error: the trace has a header but no requests"),
    "an unknown operation": (f"{HEADER}\n0,R,0,32\n0,X,0,32\n", "3:3: error: op: unknown operation `X`: R or W"),
    "no time": (f"{HEADER}\nsoon,R,0,32\n", "2:1: error: time_ns: `soon` is not a time: decimal nanoseconds from 0 to 9e12 such as 12.5, or empty"),
    "no address": (f"{HEADER}\n0,R,zero,32\n", "2:5: error: address: `zero` is not an address: decimal or 0x... below 2^64"),
    "too few fields": (f"{HEADER}\n0,R,0\n", "2:6: error: 3 fields, but the header names 4"),
    "too many fields": (f"{HEADER}\n0,R,0,32,1\n", "2:9: error: more fields than the 4 the header names"),
    "times that decrease": (f"{HEADER}\n10,R,0,32\n5,R,0,32\n",
                            "3:1: error: time_ns: 5 ns is before the 10 ns of an earlier line; times must not decrease"),
    "an address outside memory": (
        f"{HEADER}\n0,R,0x10000000,32\n",
        "2:5: error: address: 32 bytes at 0x10000000 lie outside memory, which ends at 0x10000000 (268435456 bytes)"),
    "a request across the end of memory": (
        f"{HEADER}\n0,R,0xffffff0,32\n",
        "2:5: error: address: 32 bytes at 0xffffff0 lie outside memory, which ends at 0x10000000 (268435456 bytes)"),
    "an unknown dependency": (
        f"{HEADER},id,depends_on\n0,R,0,32,1,\n0,R,0,32,2,7\n",
        "3:12: error: depends_on: no line before this one has id 7 and none after it either; depends_on is the id of an earlier line"),
    "an id twice": (f"{HEADER},id\n0,R,0,32,1\n0,R,0,32,1\n", "3:10: error: id: id 1 is there twice; ids are unique"),
}


class Traces(cowosim_binary.CowosimTest):
    def reject(self, file, message):
        self.assert_rejected("reference/hbm3_6400", "trace", "-s", f"workload.file={file}", message=message)

    def test_bad_traces(self):
        for what, (text, message) in TRACES.items():
            with self.subTest(what=what):
                file = self.write("trace.csv", text)
                self.reject(file, f"{file}:{message}")

    def test_an_error_late_in_a_long_trace_leaves_nothing_behind(self):
        lines = [f"{i},R,{32 * i},32" for i in range(5000)] + ["4000,R,0,32"]
        file = self.trace(*lines)
        self.reject(file, f"{file}:5002:1: error: time_ns: 4000 ns is before the 4999 ns of an earlier line; times must not decrease")

    def test_a_file_that_is_not_there(self):
        self.reject("nowhere.csv", "nowhere.csv: error: cannot read the trace: No such file or directory")

    def test_a_compressed_file_that_is_cut_off(self):
        good = self.directory / "trace.csv.gz"
        good.write_bytes(gzip.compress(f"{HEADER}\n0,R,0,32\n".encode()))
        self.run_cowosim("reference/hbm3_6400", "trace", "-s", f"workload.file={good}", "--quiet")
        cut = self.directory / "cut.csv.gz"
        cut.write_bytes(good.read_bytes()[:-9])
        out = self.directory / "rejected"
        done = cowosim_binary.call("run", "reference/hbm3_6400", "trace", "-s", f"workload.file={cut}", "--out", out)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(f"{cut}", done.stderr)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
