"""What configuring says when SystemC is missing, broken, or was built for another C++ standard."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE_DIR = pathlib.Path(os.environ.get("COWOSIM_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
include({0}/cmake/CowosimSystemC.cmake)
"""
PKG_CONFIG = """Name: SystemC
Description: a stand-in
Version: {version}
Libs: -L{directory} -lsystemc
Cflags: {flags}
"""


class Configure(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="cowosim-configure-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        (self.directory / "CMakeLists.txt").write_text(PROJECT.format(SOURCE_DIR))
        self.systemc = self.directory / "systemc"
        self.systemc.mkdir()

    def stand_in(self, version="2.3.4", flags=""):
        """A libsystemc without SystemC's symbols."""
        (self.systemc / "systemc.pc").write_text(PKG_CONFIG.format(directory=self.systemc, version=version, flags=flags))
        (self.systemc / "lib.cpp").write_text("int main() { return 0; }\n")
        subprocess.run([os.environ.get("CXX", "c++"), "-shared", "-fPIC", "-o", self.systemc / "libsystemc.so", self.systemc / "lib.cpp"],
                       check=True)

    def configure(self, **environment):
        """(succeeded, output with its white space squeezed: CMake wraps messages)"""
        done = subprocess.run(["cmake", "-S", self.directory, "-B", self.directory / "build", "-G", "Ninja"], capture_output=True,
                              text=True, env={**os.environ, **environment})
        return done.returncode == 0, " ".join((done.stdout + done.stderr).split())

    def test_the_real_one_is_accepted(self):
        self.assertTrue(self.configure()[0])

    def test_missing(self):
        succeeded, output = self.configure(PKG_CONFIG_PATH="", PKG_CONFIG_LIBDIR=str(self.systemc))
        self.assertFalse(succeeded)
        self.assertIn("cowosim needs SystemC >= 2.3.4 and pkg-config does not find it.", output)
        self.assertIn("apt-get install libsystemc-dev pkg-config", output)

    def test_too_old(self):
        self.stand_in(version="2.3.3")
        succeeded, output = self.configure(PKG_CONFIG_PATH="", PKG_CONFIG_LIBDIR=str(self.systemc))
        self.assertFalse(succeeded)
        self.assertIn("cowosim needs SystemC >= 2.3.4", output)

    def test_built_for_another_standard(self):
        self.stand_in()
        succeeded, output = self.configure(PKG_CONFIG_PATH=str(self.systemc))
        self.assertFalse(succeeded)
        self.assertIn("was built with another C++ standard than C++17", output)

    def test_broken(self):
        self.stand_in(flags=f"-I{self.systemc}")
        (self.systemc / "systemc").write_text("#error this header is broken\n")
        succeeded, output = self.configure(PKG_CONFIG_PATH=str(self.systemc))
        self.assertFalse(succeeded)
        self.assertIn("a minimal program does not build against it", output)
        self.assertIn("this header is broken", output)


if __name__ == "__main__":
    unittest.main()
