"""Plug-ins that do not fit: the exact message at the place in the platform file, exit code 2, and nothing of them is run."""
import os
import pathlib
import shutil
import struct
import unittest

import cowosim_binary

LIBRARY = pathlib.Path(os.environ["COWOSIM_BUILD_DIR"]) / "plugins/libmyip.so"
# What is written below `npu:` -> line:column and the message. {here}: the directory of file and plug-in, relative to nothing.
ENTRIES = {
    "a library that does not exist": (
        "plugin: libmyiq.so\n    type: my_npu", "4:13: error: foreign.npu.plugin: 'libmyiq.so' does not exist; did you mean 'libmyip.so'?"),
    "a path that does not exist": (
        "plugin: ./elsewhere/x.so\n    type: my_npu",
        "4:13: error: foreign.npu.plugin: './elsewhere/x.so' does not exist; looked in '{here}'"),
    "some other library, where the dynamic loader looks": (
        "plugin: libz.so.1\n    type: my_npu", None),  # the message has the system's path: see test_another_library
    "a file that is no library": (
        "plugin: platform.yaml\n    type: my_npu",
        "4:13: error: foreign.npu.plugin: '{here}/platform.yaml' is no plug-in of cowosim: nothing in it comes from COWOSIM_PLUGIN "
        "(platforms/plugin.h)"),
    "a type it does not have": (
        "plugin: libmyip.so\n    type: my_nup",
        "5:11: error: foreign.npu.type: the plug-in has no model 'my_nup'; did you mean 'my_npu'?; it has my_npu, my_memory"),
    "no type": (
        "plugin: libmyip.so", "4:5: error: foreign.npu.type: is empty; the plug-in has my_npu, my_memory"),
    "a type of nothing": (
        "type: my_npu\n    parameters: {lanes: 4}",
        "4:11: error: foreign.npu.type: 'my_npu' is a plug-in's model; name its library: plugin: FILE.so"),
    "another role": (
        "plugin: libmyip.so\n    type: my_npu\n    role: target\n    base: 1TiB\n    size: 1MiB",
        "6:11: error: foreign.npu.role: is target, but the plug-in's my_npu is not; expected initiator"),
    "another role than the default": (
        "plugin: libmyip.so\n    type: my_memory",
        "4:5: error: foreign.npu.role: is initiator, but the plug-in's my_memory is not; expected target"),
    "an unknown parameter": (
        "plugin: libmyip.so\n    type: my_npu\n    parameters: {lnes: 4}",
        "6:18: error: foreign.npu.parameters.lnes: unknown key; did you mean 'lanes'?"),
    "a parameter without its unit": (
        "plugin: libmyip.so\n    type: my_npu\n    parameters: {period: 3}",
        "6:26: error: foreign.npu.parameters.period: '3' has no unit; expected a time, such as 48ns"),
    "a parameter out of range": (
        "plugin: libmyip.so\n    type: my_npu\n    parameters: {lanes: 2000}",
        "6:25: error: foreign.npu.parameters.lanes: '2000' is out of range; expected 1 to 1024"),
    "parameters that do not go together": (
        "plugin: libmyip.so\n    type: my_npu\n    parameters: {footprint: 100B}",
        "6:29: error: foreign.npu.parameters.footprint: must be a multiple of bytes (64B)"),
    "parameters that are no section": (
        "plugin: libmyip.so\n    type: my_npu\n    parameters: 4",
        "6:17: error: foreign.npu.parameters: is a single value; expected a section"),
}
SETTINGS = {
    "foreign.npu.parameters.lnes=4":
        "--set:1:1: error: foreign.npu.parameters.lnes: no such parameter; did you mean 'foreign.npu.parameters.lanes', "
        "'foreign.npu.parameters.base' or 'foreign.npu.parameters.bytes'?",
    "foreign.npu.parameters.period=3": "--set:1:31: error: foreign.npu.parameters.period: '3' has no unit; expected a time, such as 48ns",
    "foreign.npu.type=npu": "--set:1:18: error: foreign.npu.type: the plug-in has no model 'npu'; did you mean 'my_npu'?; it has my_npu, my_memory",
    "foreign.npu.plugin=libmyiq.so": None,  # looked for in the current directory
}
# Of the text that COWOSIM_PLUGIN leaves in a library: what another build would have there, and what is said about it.
BUILDS = {
    (b"interface 1;", b"interface 2;"): "was built for interface 2, but this is interface 1: build it against the headers of this cowosim "
                                        "(platforms/plugin.h)",
    (b"SystemC 2.", b"SystemC 9."): "was built for SystemC 9.{systemc}, but this is SystemC 2.{systemc}: build it and cowosim against the same "
                                    "SystemC",
    (b"C++ 201703L", b"C++ 202002L"): "was built for C++ 202002L, but this is C++ 201703L: build it with that standard (CMAKE_CXX_STANDARD)",
    (b"the C++11 ABI", b"the old   ABI"): "was built for libstdc++ with the old   ABI, but this is libstdc++ with the C++11 ABI: build it with the "
                                          "same standard library and its settings",
    (b"cowosim plug-in: ", b"cowosim plug-on: "): "is no plug-in of cowosim: nothing in it comes from COWOSIM_PLUGIN (platforms/plugin.h)",
    (b"cowosim_plugin_1\0", b"cowosim_plugin_0\0"): "hides its entry point cowosim_plugin_1: COWOSIM_PLUGIN stands outside of namespaces, and no "
                                                    "linker script may hide it",
}


class Plugins(cowosim_binary.CowosimTest):
    def setUp(self):
        super().setUp()
        shutil.copy(LIBRARY, self.directory)

    def platform(self, entry, name="platform.yaml"):
        return self.write(name, f"extends: h100_sxm5\nforeign:\n  npu:\n    {entry}\n    at: die_0\n")

    def errors(self, *arguments):
        done = cowosim_binary.call(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        return done.stderr.splitlines()

    def test_entries(self):
        for what, (entry, message) in ENTRIES.items():
            with self.subTest(what=what):
                file = self.platform(entry)
                found = self.errors("validate", file)
                self.assertEqual(len(found), 1, found)  # and nothing that only follows from it
                if message:
                    self.assertEqual(found[0], f"{file}:{message.format(here=self.directory)}")

    def test_another_library(self):
        found, = self.errors("validate", self.platform("plugin: libz.so.1\n    type: my_npu"))
        self.assertRegex(found, r":4:13: error: foreign\.npu\.plugin: '/\S+/libz\.so\.1' is no plug-in of cowosim: nothing in it comes from ")

    def test_settings(self):
        file = self.platform("plugin: libmyip.so\n    type: my_npu")
        for setting, message in SETTINGS.items():
            with self.subTest(setting=setting):
                found = self.errors("show", file, "-s", setting)
                self.assertEqual(len(found), 1, found)
                if message:
                    self.assertEqual(found[0], message)
                else:
                    self.assertRegex(found[0], r"^--set:1:20: error: foreign\.npu\.plugin: 'libmyiq\.so' does not exist; looked in '\.'$")

    def test_settings_of_a_plugin_that_is_not_there_are_no_second_error(self):
        file = self.platform("plugin: libmyiq.so\n    type: my_npu")
        self.assertEqual(len(self.errors("show", file, "-s", "foreign.npu.parameters.lanes=4")), 1)
        self.assertEqual(len(self.errors("show", file, "-s", "foreign.npu.parmeters.lanes=4")), 2)

    def runs_code_of(self, library, file):
        """Whether the dynamic loader initialises the library while the file is checked."""
        log = self.directory / "loader.log"
        cowosim_binary.call("validate", file, env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(log)})
        said = "".join(part.read_text() for part in self.directory.glob("loader.log.*"))
        for part in self.directory.glob("loader.log.*"):
            part.unlink()
        return f"calling init: {library}\n" in said

    def test_a_good_library_is_run(self):
        self.assertTrue(self.runs_code_of(self.directory / "libmyip.so", self.platform("plugin: libmyip.so\n    type: my_npu")))

    def test_other_builds_are_refused_and_not_run(self):
        good = LIBRARY.read_bytes()
        systemc = good.split(b"; SystemC 2.")[1].split(b";")[0].decode()
        library = self.directory / "libother.so"
        for (old, new), message in BUILDS.items():
            with self.subTest(new=new):
                self.assertIn(old, good)
                library.write_bytes(good.replace(old, new))
                file = self.platform("plugin: libother.so\n    type: my_npu\n    parameters: {lanes: 4}")
                self.assertEqual(self.errors("validate", file),
                                 [f"{file}:4:13: error: foreign.npu.plugin: '{library}' {message.format(systemc=systemc)}"])
                self.assertEqual(self.runs_code_of(library, file), "entry point" in message)

    def test_a_library_that_is_cut_off(self):
        """Behind the text that says what it was built for, so that it would be loaded: at half of what is left, at its last byte but one."""
        good = LIBRARY.read_bytes()
        table, size, count = *struct.unpack_from("<Q", good, 32), *struct.unpack_from("<HH", good, 54)
        segments = [struct.unpack_from("<IIQQQQ", good, table + i * size) for i in range(count)]
        end = max(offset + bytes_there for kind, _, offset, _, _, bytes_there in segments if kind == 1)
        text = good.index(b"cowosim plug-in: ")
        library = self.directory / "libother.so"
        file = self.platform("plugin: libother.so\n    type: my_npu")
        for length in (text + 200, (text + end) // 2, end - 1):
            with self.subTest(length=length):
                library.write_bytes(good[:length])
                self.assertEqual(self.errors("validate", file),
                                 [f"{file}:4:13: error: foreign.npu.plugin: '{library}' is cut off: it ends before its segments do; build or copy it again"])
        library.write_bytes(good[:end])  # the negative control: section headers, which nobody needs, are missing
        self.assertEqual(cowosim_binary.call("validate", file).returncode, 0)

    def test_a_huge_file_takes_no_memory(self):
        """It has holes; in memory it would be 256 GiB."""
        library = self.directory / "libother.so"
        file = self.platform("plugin: libother.so\n    type: my_npu")
        for begin, message in ((b"", "is no plug-in of cowosim: nothing in it comes from COWOSIM_PLUGIN (platforms/plugin.h)"),
                               (LIBRARY.read_bytes().replace(b"interface 1;", b"interface 2;"),
                                "was built for interface 2, but this is interface 1: build it against the headers of this cowosim (platforms/plugin.h)")):
            library.write_bytes(begin)
            os.truncate(library, 1 << 38)
            self.assertEqual(self.errors("validate", file), [f"{file}:4:13: error: foreign.npu.plugin: '{library}' {message}"])

    def test_a_library_that_lacks_symbols(self):
        good = LIBRARY.read_bytes()
        self.assertIn(b"cxx201703L", good)  # in the name of SystemC's own check
        (self.directory / "libother.so").write_bytes(good.replace(b"cxx201703L", b"cxx203603L"))
        found, = self.errors("validate", self.platform("plugin: libother.so\n    type: my_npu"))
        self.assertRegex(found, r"foreign\.npu\.plugin: cannot be loaded: \S+libother\.so: undefined symbol: \S+cxx203603L\S*; what a plug-in needs besides "
                                r"SystemC it must link itself$")

    def test_the_option(self):
        for arguments, message in {
            ("list", "types"): "cowosim list: error: list types: of which plug-in? --plugin LIBRARY",
            ("list", "parameters", "--plugin", self.directory / "x.so"):
                f"cowosim list: error: --plugin: '{self.directory}/x.so' does not exist; looked in '.'",
            ("schema", "platform", "--plugin", self.directory / "x.so"):
                f"cowosim schema: error: --plugin: '{self.directory}/x.so' does not exist; looked in '.'",
        }.items():
            with self.subTest(arguments=arguments):
                self.assertEqual(self.errors(*arguments), [message])


if __name__ == "__main__":
    unittest.main()
