"""Installs the build, builds a foreign project against the installed CMake package, and gets the command line's hashes."""
import os
import subprocess
import unittest

import cowosim_binary

COMMAND_LINE = {
    "package_0": ["h100_sxm5", "stream", "-s", "workload.footprint=1MiB"],
    "package_1": ["reference/hbm3_6400", "pointer_chase", "-s", "workload.footprint=64KiB"],
}


class OutOfTree(cowosim_binary.CowosimTest):
    def must(self, *command, **more):
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def test_two_packages_beside_a_clocked_module_give_the_command_lines_hashes(self):
        prefix = self.directory / "prefix"
        project = self.directory / "project"
        self.must("cmake", "--install", os.environ["COWOSIM_BUILD_DIR"], "--prefix", prefix)
        self.must("cmake", "-S", cowosim_binary.SOURCE_DIR / "tests/system/out_of_tree", "-B", project, "-G", "Ninja",
                  f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={os.environ['CXX']}", "-DCMAKE_BUILD_TYPE=Release")
        self.must("cmake", "--build", project)
        printed = self.must(project / "two_packages", timeout=300)
        hashes = dict(line.split() for line in printed.splitlines() if line.startswith("package_"))
        for package, arguments in COMMAND_LINE.items():
            expected = self.run_cowosim(*arguments)["completion_hash"]
            self.assertEqual(int(hashes[package], 16), int(expected, 16), package)

    def test_the_installed_binary_finds_its_platforms(self):
        prefix = self.directory / "prefix"
        self.must("cmake", "--install", os.environ["COWOSIM_BUILD_DIR"], "--prefix", prefix)
        self.assertIn("h100_sxm5", self.must(prefix / "bin/cowosim", "list", "platforms").split())


if __name__ == "__main__":
    unittest.main()
