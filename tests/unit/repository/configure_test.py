"""Which SystemC configuring takes, and what it says when it is missing, broken, another one than before, or for another C++ standard."""
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

    def stand_in_of_cmake(self, version):
        """What SystemC's CMake build installs, in front of the real library."""
        place = self.directory / "prefix/lib/cmake/SystemCLanguage"
        place.mkdir(parents=True)
        (place / "SystemCLanguageConfig.cmake").write_text(
            "find_library(real systemc REQUIRED)\nadd_library(SystemC::systemc UNKNOWN IMPORTED)\n"
            "set_target_properties(SystemC::systemc PROPERTIES IMPORTED_LOCATION ${real})\n")
        (place / "SystemCLanguageConfigVersion.cmake").write_text(
            f"set(PACKAGE_VERSION {version}.20251031)\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n")
        return f"-DCMAKE_PREFIX_PATH={self.directory / 'prefix'}"

    def configure(self, *options, **environment):
        """(succeeded, output with its white space squeezed: CMake wraps messages)"""
        done = subprocess.run(["cmake", "-S", self.directory, "-B", self.directory / "build", "-G", "Ninja", *options],
                              capture_output=True, text=True, env={**os.environ, **environment})
        return done.returncode == 0, " ".join((done.stdout + done.stderr).split())

    def test_the_real_one_is_accepted(self):
        self.assertTrue(self.configure()[0])

    def test_the_newer_one_of_cmake_is_taken(self):
        succeeded, output = self.configure(self.stand_in_of_cmake("3.0.2"))
        self.assertTrue(succeeded, output)
        self.assertIn("-- SystemC 3.0.2 (", output)

    def test_the_newer_one_of_pkg_config_is_taken(self):
        succeeded, output = self.configure(self.stand_in_of_cmake("2.3.3"))
        self.assertTrue(succeeded, output)
        self.assertRegex(output, r"-- SystemC [0-9.]+ \([^ ]*libsystemc\.so\)")

    def test_another_one_than_cowosim_was_built_with(self):
        succeeded, output = self.configure("-DCOWOSIM_BUILT_WITH_SYSTEMC=3.0.2")
        self.assertFalse(succeeded)
        self.assertIn("this cowosim was built with SystemC 3.0.2, found here is", output)

    def test_missing(self):
        succeeded, output = self.configure(PKG_CONFIG_PATH="", PKG_CONFIG_LIBDIR=str(self.systemc))
        self.assertFalse(succeeded)
        self.assertIn("cowosim needs SystemC >= 2.3.4; neither pkg-config nor CMake finds one.", output)
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
