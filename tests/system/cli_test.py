"""Everything but `run`: help, version, list, show, schema, validate; as text and as JSON."""
import collections
import json
import re
import unittest

import cowosim_binary

COMMANDS = ("run", "validate", "list", "show", "schema", "check", "diverge")
PRESETS = ("h100_sxm5", "reference/hbm2_2000", "reference/hbm3_6400", "reference/hbm4_8000")
WORKLOADS = {"gemm", "llama3_70b_decode", "llama3_70b_prefill", "llama3_8b_decode", "llama3_8b_prefill", "pointer_chase", "random_access",
             "stream", "trace"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None)}


def violations(value, schema, path="$"):
    """Where `value` breaks the JSON Schema, for the part of JSON Schema that cowosim writes."""
    if "anyOf" in schema:
        each = [list(violations(value, option, path)) for option in schema["anyOf"]]
        yield from [] if [] in each else sum(each, [])
        return
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool)) for name in types):
        yield f"{path}: {value!r} is none of {types}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: {value!r} is out of range"
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from violations(item, schema.get("items", {}), f"{path}[{i}]")
    if isinstance(value, dict):
        others = schema.get("additionalProperties", {})
        for key, inner in value.items():
            known = schema.get("properties", {}).get(key, others)
            if known is False:
                yield f"{path}: unknown key {key}"
            else:
                yield from violations(inner, {} if known is True else known, f"{path}.{key}")


class CommandLine(cowosim_binary.CowosimTest):
    def call(self, *arguments):
        done = cowosim_binary.call(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.call(*arguments, "--json"))

    def test_help_and_version(self):
        overview = self.call("--help")
        for command in COMMANDS:
            self.assertRegex(overview, rf"(?m)^  {command} ")
            self.assertTrue(self.call(command, "--help").startswith(f"usage: cowosim {command} "), command)
        self.assertRegex(self.call("--version"), r"^cowosim \d+\.\d+\.\d+ \([0-9a-f]+(-dirty)?, SystemC \d+\.\d+\.\d+.*\)\n$")

    def test_help_of_run_names_every_option(self):
        text = self.call("run", "--help")
        for option in ("--set", "--set-file", "--include", "--workload", "--out", "--seed", "--until", "--wall-limit", "--stall-limit", "--threads",
                       "--window", "--stats-interval", "--trace", "--check", "--no-report", "--force", "--quiet"):
            self.assertIn(option, text)

    def test_lists(self):
        self.assertLessEqual(set(PRESETS), {row["name"] for row in self.json("list", "platforms")})
        self.assertLessEqual(WORKLOADS, {row["name"] for row in self.json("list", "workloads")})
        for what in ("platforms", "workloads", "parameters"):
            rows = self.json("list", what)
            lines = self.call("list", what).splitlines()
            self.assertEqual(len(lines), len(rows), what)
            for line, row in zip(lines, rows):
                self.assertTrue(line.startswith(row.get("name") or row["path"]), line)

    def test_every_parameter_says_its_unit_range_default_doc_and_source(self):
        for row in self.json("list", "parameters"):
            self.assertEqual(set(row), {"path", "type", "unit", "range", "default", "doc", "source"}, row["path"])
            self.assertTrue(row["doc"] and row["source"], row["path"])
            if row["type"] in ("integer", "number"):
                self.assertTrue(row["range"], row["path"])

    def test_globs_select(self):
        paths = [row["path"] for row in self.json("list", "parameters", "*queue_entries")]
        self.assertEqual(paths, ["hbm.controller.read_queue_entries", "hbm.controller.write_queue_entries"])

    def test_directories_of_ones_own(self):
        file = self.write("mine/small.yaml", "extends: h100_sxm5\ndescription: half of it\nhbm:\n  stacks: 2\n")
        directory = file.parent
        self.assertIn("small", {row["name"] for row in self.json("list", "platforms", "-I", directory)})
        self.assertEqual(self.json("show", "small", "-I", directory)["capacity_bytes"], 32 << 30)
        done = cowosim_binary.call("show", "small", "--json", env={"COWOSIM_PATH": str(directory)})
        self.assertEqual(json.loads(done.stdout)["capacity_bytes"], 32 << 30)

    def test_show_says_what_follows(self):
        facts = self.json("show", "h100_sxm5")
        self.assertAlmostEqual(facts["hbm_peak_GBps"], 3350, delta=5)
        self.assertEqual(facts["capacity_bytes"], 80 << 30)
        self.assertAlmostEqual(facts["peak_bf16_TFLOPs"], 989.4, delta=0.1)
        self.assertAlmostEqual(facts["peak_fp8_TFLOPs"], 1979, delta=0.5)
        self.assertEqual(facts["l2_bytes"], 50 << 20)
        self.assertAlmostEqual(facts["near_hit_ns"], 142, delta=2)  # measured on this die
        self.assertAlmostEqual(facts["ridge_bf16_flop_per_byte"], 1000 * facts["peak_bf16_TFLOPs"] / facts["hbm_peak_GBps"], places=6)
        self.assertGreater(facts["window_ns"], 0)
        self.assertIn("->", facts["window_set_by"])
        text = self.call("show", "h100_sxm5")
        self.assertIn("W is set by", text)

    def test_show_needs_no_streams_to_name(self):
        self.assertEqual(cowosim_binary.call("show", "h100_sxm5", "-s", "hbm.controller.priority_streams=[stream]").returncode, 0)

    def test_what_show_prints_is_a_platform_file(self):
        for preset in PRESETS:
            file = self.write("resolved.yaml", self.call("show", preset))
            self.assertEqual(self.call("validate", file), f"{file}: valid platform\n")
            self.assertEqual(self.json("show", file)["config"], self.json("show", preset)["config"])

    def test_show_of_a_workload(self):
        for workload in WORKLOADS:
            self.assertEqual(self.json("show", workload)["name"], workload)
            self.assertTrue(self.call("show", workload).startswith(f"{workload}: "))

    def test_origins(self):
        file = self.write("settings.yaml", "hbm:\n  rows: 8192\n")
        text = self.call("show", "h100_sxm5", "--origin", "-s", "hbm.stacks=4", "--set-file", file)
        for expected in (r"cores: 132  # \S+/h100_sxm5\.yaml:\d+:\d+", r"stacks: 4  # --set:1:12", rf"rows: 8192  # {re.escape(str(file))}:2:9",
                         r"scheduler: fr_fcfs  # default"):
            self.assertRegex(text, expected)

    def test_settings_in_order_and_by_glob(self):
        config = self.json("show", "h100_sxm5", "-s", "hbm.stacks=4", "-s", "hbm.stacks=3", "-s", "phy.latency_*=7ns")["config"]
        self.assertEqual(config["hbm"]["stacks"], 3)
        self.assertEqual((config["phy"]["latency_up"], config["phy"]["latency_down"]), ("7ns", "7ns"))

    def test_decoded_addresses(self):
        text = self.call("show", "h100_sxm5", "--decode", "0x1000", "--decode", "4096")
        first, second = text.splitlines()
        self.assertEqual(first, second)
        granule = 512
        addresses = [word for i in range(400) for word in ("--decode", str(granule * i))]
        places = self.json("show", "h100_sxm5", *addresses)
        channels = collections.Counter((place["stack"], place["channel"]) for place in places)
        self.assertEqual(len(channels), 80)
        self.assertEqual(set(channels.values()), {5}, "interleaved evenly over five stacks")

    def test_schema_accepts_the_presets_and_nothing_else(self):
        schema = json.loads(self.call("schema", "platform"))
        for preset in PRESETS:
            config = self.json("show", preset)["config"]
            self.assertEqual(list(violations(config, schema)), [], preset)
        for path, value, complaint in (("stacks", 0, "out of range"), ("stacks", "5", "is none of"), ("data_rate", "5.23", "does not match"),
                                       ("generation", "hbm9", "is none of"), ("stakcs", 5, "unknown key"), ("channel_hash", 1, "is none of")):
            bad = {**config, "hbm": {**config["hbm"], path: value}}
            self.assertTrue(any(complaint in violation for violation in violations(bad, schema)), (path, value))

    def test_schema_accepts_workloads(self):
        schema = json.loads(self.call("schema", "workload"))
        self.assertEqual(list(violations({"workload": "stream", "kind": "triad", "footprint": "64MiB"}, schema)), [])
        self.assertTrue(list(violations({"workload": "strem"}, schema)))
        for rate, pattern in (("3GB/s", "sequential"), (0.25, "tornado")):  # kinds give these names a meaning each
            self.assertEqual(list(violations({"workload": "synthetic", "rate": rate, "pattern": pattern}, schema)), [])
        self.assertTrue(list(violations({"workload": "synthetic", "rate": "fast"}, schema)))
        self.assertTrue(list(violations({"workload": "synthetic", "pattern": "spiral"}, schema)))

    def test_the_schema_knows_every_parameter(self):
        schema = json.loads(self.call("schema", "platform"))
        for row in self.json("list", "parameters"):
            if ": " in row["path"]:
                continue  # of a workload
            at = schema
            for key in row["path"].split("."):
                at = at["additionalProperties"] if key == "*" else at["properties"][key]
            self.assertIn(row["doc"].split("\n")[0], at["description"], row["path"])

    def test_validate(self):
        platform = cowosim_binary.SOURCE_DIR / "platforms/presets/h100_sxm5.yaml"
        workload = self.write("workload.yaml", "workload: stream\nkind: copy\nfootprint: 1MiB\n")
        self.assertEqual(self.call("validate", platform, workload), f"{platform}: valid platform\n{workload}: valid workload\n")
        self.assertEqual([(row["kind"], row["valid"], row["errors"]) for row in self.json("validate", platform, workload)],
                         [("platform", True, []), ("workload", True, [])])
        bad = self.write("bad.yaml", "extends: h100_sxm5\nhbm:\n  stacks: many\n")
        done = cowosim_binary.call("validate", bad, platform, "--json")
        self.assertEqual(done.returncode, 2)
        errors = json.loads(done.stdout)[0]["errors"]
        self.assertEqual([(e["file"], e["line"], e["column"], e["path"]) for e in errors], [(str(bad), 3, 11, "hbm.stacks")])

    def test_a_workload_file_runs(self):
        file = self.write("workload.yaml", "workload: stream\nkind: copy\nfootprint: 64KiB\n")
        run = self.run_cowosim("h100_sxm5", file, "--quiet")
        self.assertEqual(run["bytes"], 64 << 10)

    def test_a_platform_file_may_hold_its_workloads(self):
        file = self.write("scene.yaml", "extends: h100_sxm5\nworkloads:\n  walk:\n    workload: stream\n    footprint: 64KiB\nrun:\n  seed: 7\n")
        run = self.run_cowosim(file, "--quiet")
        self.assertEqual((run["seed"], list(run["streams"])), (7, ["walk"]))


if __name__ == "__main__":
    unittest.main()
