"""The guide's plug-in as a user builds it, against an installation, and how platform files find and configure it."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

import cowosim_binary

GUIDE = cowosim_binary.SOURCE_DIR / "doc/guide"
LIBRARY = pathlib.Path(os.environ["COWOSIM_BUILD_DIR"]) / "plugins/libmyip.so"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def foreign(**entries):
    """A platform file whose section `foreign` has these entries."""
    return json.dumps({"extends": "h100_sxm5", "foreign": entries}, indent=1)


class TheGuidesPage(cowosim_binary.CowosimTest):
    def test_every_command_works_in_an_installation(self):
        prefix = self.directory / "prefix"
        subprocess.run(["cmake", "--install", os.environ["COWOSIM_BUILD_DIR"], "--prefix", prefix], check=True, capture_output=True)
        shutil.copytree(GUIDE / "plugin_template", self.directory / "plugin_template")
        environment = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "CMAKE_GENERATOR": "Ninja"}
        said = {}
        for language, text in FENCE.findall((GUIDE / "plugins.md").read_text()):
            if language == "yaml":
                (self.directory / re.match(r"# (\S+)\n", text)[1]).write_text(text)
            for line in text.splitlines() if language == "shell" else []:
                done = subprocess.run(shlex.split(line.replace("$PREFIX", str(prefix))), cwd=self.directory, env=environment,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
                said[line] = done.stdout
        self.assertEqual(len(said), 8)
        show, types, parameters, schema, run = list(said.values())[3:]
        results = json.loads((self.directory / run.splitlines()[-1] / "results.json").read_text())
        self.assertEqual(results["status"], "completed")
        self.assertEqual(results["streams"]["npu"]["transactions"], 2048)
        self.assertRegex(show, r"parameters:\n +lanes: 4\n +period: 500ps\n")
        self.assertEqual([line.split()[0] for line in types.splitlines()], ["my_npu", "my_memory"])
        self.assertIn("foreign.*.parameters.period     a time, 1fs to 1ms, default 1ns; of the clock", parameters)
        self.assertIn("lanes", json.loads(schema)["properties"]["foreign"]["additionalProperties"]["properties"]["parameters"]["properties"])
        undefined = subprocess.run(["nm", "-DC", "--undefined-only", self.directory / "build/libmyip.so"], check=True, capture_output=True,
                                   text=True).stdout
        self.assertIn("sc_core::sc_module::sc_module", undefined)
        self.assertNotIn("cowosim", undefined)


class Running(cowosim_binary.CowosimTest):
    def platform(self, **more):
        npu = {"at": "die_0", "plugin": str(LIBRARY), "type": "my_npu", "parameters": {"verify": True}}
        return self.write("npu.yaml", json.dumps({"extends": "h100_sxm5", "foreign": {"npu": npu}, **more}))

    def test_a_model_that_fails_is_named(self):
        done = cowosim_binary.call("run", self.platform(), "-o", self.directory / "run")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr, "error: foreign model npu: .*but wrote 0x")

    def test_beside_a_workload_it_is_a_stream_of_its_own(self):
        file = self.platform(memory={"data": "sparse"})
        alone = self.run_cowosim(file, "stream", "-s", "workload.footprint=1MiB")
        self.assertEqual(set(alone["streams"]), {"stream", "npu", "host_kernels"})
        self.assertEqual(alone["streams"]["npu"]["transactions"], 2048)
        self.assertEqual(alone["streams"]["stream"]["bytes"], 1 << 20)
        threads = self.run_cowosim(file, "stream", "-s", "workload.footprint=1MiB", "--threads", "2", "--shuffle-construction")
        self.assertEqual(threads["completion_hash"], alone["completion_hash"])

    def test_nobody_to_be_it(self):
        file = self.write("nobody.yaml", "extends: h100_sxm5\nforeign: {npu: {at: die_0}}\n")
        done = cowosim_binary.call("run", file, "-o", self.directory / "run")
        self.assertEqual(done.returncode, 2)
        self.assertIn("foreign.npu: nobody to be it; give foreign.npu.plugin", done.stderr)


class Finding(cowosim_binary.CowosimTest):
    NPU = {"at": "die_0", "plugin": "libmyip.so", "type": "my_npu"}

    def setUp(self):
        super().setUp()
        self.libraries = self.directory / "libraries"
        self.libraries.mkdir()
        self.library = self.libraries / "libmyip.so"
        shutil.copy(LIBRARY, self.library)

    def plugin_of(self, file, *arguments, env=None, name="npu"):
        done = cowosim_binary.call("show", file, *arguments, "--json", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["config"]["foreign"][name]["plugin"]

    def test_beside_the_file_that_names_it(self):
        self.write("libraries/base.yaml", foreign(npu=self.NPU))
        top = self.write("top.yaml", "extends: libraries/base.yaml\nforeign: {npu: {parameters: {lanes: 2}}}\n")
        self.assertEqual(self.plugin_of(top), str(self.library))
        self.assertEqual(self.plugin_of(self.write("path.yaml", foreign(npu={**self.NPU, "plugin": "libraries/libmyip.so"}))), str(self.library))

    def test_in_include_directories_and_where_the_loader_looks(self):
        file = self.write("p.yaml", foreign(npu=self.NPU))
        self.assertEqual(cowosim_binary.call("validate", file).returncode, 2)
        self.assertEqual(self.plugin_of(file, "-I", self.libraries), str(self.library))
        self.assertEqual(self.plugin_of(file, env={"COWOSIM_PATH": f"nowhere:{self.libraries}"}), str(self.library))
        self.assertEqual(self.plugin_of(file, env={"LD_LIBRARY_PATH": str(self.libraries)}), str(self.library))
        self.assertEqual(self.plugin_of(file, "-s", f"foreign.npu.plugin={self.library}"), str(self.library))

    def test_validate_takes_include_directories(self):
        file = self.write("p.yaml", foreign(npu=self.NPU))
        self.assertEqual(cowosim_binary.call("validate", file, "-I", self.libraries).returncode, 0)

    def test_list_and_schema_take_include_directories(self):
        for command in (("list", "types"), ("schema", "platform")):
            done = cowosim_binary.call(*command, "--plugin", "libmyip.so", "-I", self.libraries)
            self.assertEqual(done.returncode, 0, done.stderr)


class Configuring(cowosim_binary.CowosimTest):
    def setUp(self):
        super().setUp()
        npu = {"at": "die_0", "plugin": str(LIBRARY), "type": "my_npu", "parameters": {"lanes": 4}}
        self.file = self.write("p.yaml", foreign(
            npu=npu, other={**npu, "parameters": {"period": "3ns"}},
            memory={"at": "die_0", "plugin": str(LIBRARY), "type": "my_memory", "role": "target", "base": "1TiB", "size": "1GiB"}))

    def show(self, *arguments):
        return cowosim_binary.show(*arguments)["config"]["foreign"]

    def test_each_entry_has_its_own_values(self):
        entries = self.show(self.file, "-s", "foreign.*.parameters.period=2ns", "-s", "foreign.other.parameters.footprint=4KiB")
        self.assertEqual(entries["npu"]["parameters"],
                         {"lanes": 4, "period": "2ns", "base": "0B", "footprint": "64KiB", "bytes": "64B", "verify": False})
        self.assertEqual(entries["other"]["parameters"]["lanes"], 8)
        self.assertEqual(entries["other"]["parameters"]["footprint"], "4KiB")
        self.assertEqual(entries["memory"]["parameters"], {"latency": "40ns", "first": "0B", "bytes": "1GiB"})

    def test_the_resolved_file_means_the_same_again(self):
        once = cowosim_binary.call("show", self.file, "-s", "foreign.npu.parameters.lanes=5").stdout
        again = cowosim_binary.call("show", self.write("again.yaml", once)).stdout
        self.assertEqual(again, once)

    def test_the_origin_of_a_value_is_known(self):
        text = cowosim_binary.call("show", self.file, "--origin", "-s", "foreign.other.parameters.lanes=5").stdout
        self.assertRegex(text, rf"lanes: 4 +# {self.file}:\d+:\d+\n")
        self.assertRegex(text, r"lanes: 5 +# --set:1:\d+\n")
        self.assertRegex(text, r"footprint: 64KiB +# default\n")

    def test_parameters_are_described_only_with_their_plugin(self):
        rows = json.loads(cowosim_binary.call("list", "parameters", "*foreign.*.parameters.*", "--plugin", LIBRARY, "--json").stdout)
        self.assertEqual(len(rows), 9)
        lanes, = (row for row in rows if row["path"].endswith("lanes"))
        self.assertEqual(lanes, {"path": "my_npu: foreign.*.parameters.lanes", "type": "integer", "unit": "", "range": "1 to 1024", "default": "8",
                                 "doc": "accesses under way at once, one a lane", "source": "data sheet of the NPU"})
        self.assertEqual(cowosim_binary.call("list", "parameters", "*foreign.*.parameters.*").returncode, 2)

    def test_the_schema_is_open_for_plugins(self):
        def parameters(*arguments):
            schema = json.loads(cowosim_binary.call("schema", "platform", *arguments).stdout)
            entry = schema["properties"]["foreign"]["additionalProperties"]
            self.assertFalse(entry["additionalProperties"])
            return entry["properties"]["parameters"]
        self.assertEqual((parameters()["additionalProperties"], parameters()["properties"]), (True, {}))
        known = parameters("--plugin", LIBRARY)
        self.assertTrue(known["additionalProperties"])
        self.assertEqual(known["properties"]["lanes"]["maximum"], 1024)
        self.assertEqual(len(known["properties"]["bytes"]["anyOf"]), 2)  # the NPU's and the memory's


if __name__ == "__main__":
    unittest.main()
