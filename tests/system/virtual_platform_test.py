"""The guide's virtual platform as a user builds it, against an installation: what it says, and that it can fail."""
import os
import re
import shlex
import shutil
import subprocess
import unittest

import cowosim_binary

GUIDE = cowosim_binary.SOURCE_DIR / "doc/guide"
SHELL = re.compile(r"^```shell\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_MEMORY = 60  # lines a user needs to stand in for a stack


class VirtualPlatform(cowosim_binary.CowosimTest):
    def run_shell(self, *command, expect=0):
        done = subprocess.run(list(map(str, command)), cwd=self.directory, env={**os.environ, "CMAKE_GENERATOR": "Ninja", "CMAKE_BUILD_TYPE": "Release"},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, expect, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def simulate(self, *settings, expect=0):
        return self.run_shell("build/my_platform", "virtual_platform/vp.yaml", *settings, expect=expect)

    def number(self, pattern, text):
        found = re.search(pattern, text)
        self.assertTrue(found, f"no '{pattern}' in\n{text}")
        return float(found[1])

    def test_the_pages_commands_build_and_run_it(self):
        prefix = self.directory / "prefix"
        self.run_shell("cmake", "--install", os.environ["COWOSIM_BUILD_DIR"], "--prefix", prefix)
        shutil.copytree(GUIDE / "virtual_platform", self.directory / "virtual_platform")
        lines = [line for text in SHELL.findall((GUIDE / "virtual_platform.md").read_text()) for line in text.splitlines()]
        said = {line: self.run_shell(*shlex.split(line.replace("$PREFIX", str(prefix)))) for line in lines}
        self.assertEqual(len(said), 4)
        near, far = list(said.values())[2:]

        with self.subTest("what it does"):
            self.assertRegex(near, r"(?m)^run: completed at ")
            self.assertNotRegex(near, r"(?m)^(broken|cpu): |waits for")
            reads = self.number(r"our memory: (\d+) reads", near)
            self.assertGreater(reads, 0)
            self.assertEqual(reads, self.number(r"its counter: (\d+)", near))
            self.assertEqual(self.number(r"stream host_kernels: (\d+) transactions", near), 2 * 64 * 1024 / 512)  # a copy reads and writes
        with self.subTest("the crossing is in the time"):
            untouched = r"untouched memory: ([\d.]+) ns"
            # 16 reads of 4 KiB, one after the other: each is as slow as the slowest of its eight granules, and what is added to one
            # is 80 ns each way, if our memory has any of them.
            longer = self.number(untouched, far) - self.number(untouched, near)
            self.assertGreater(longer, 2 * 80)
            self.assertLessEqual(longer, 16 * 2 * 80)
        with self.subTest("the same again"):
            self.assertEqual(self.simulate(), near)
            self.assertNotEqual(self.simulate("foreign.cpu.crossing_latency=301ns"), near)
        with self.subTest("without bytes the host finds that out"):
            self.assertIn("cpu: what was written differs in byte 1\n", self.simulate("memory.data=none", expect=1))
        with self.subTest("a crossing below W is refused"):
            self.assertRegex(self.simulate("foreign.my_memory.crossing_latency=5ns", expect=2),
                             r"foreign_my_memory.socket_0: its crossing takes 5 ns, less than the window of [\d.]+ ns")
        with self.subTest("a memory takes no more lines than the guide says"):
            self.assertLessEqual(len((GUIDE / "virtual_platform/my_memory.h").read_text().splitlines()), LONGEST_MEMORY)


if __name__ == "__main__":
    unittest.main()
