"""What a run leaves behind: the files and keys of the contract, traces, limits; and what it never touches."""
import json
import subprocess
import unittest

import cowosim_binary

# Short: about a quarter of a second each.
STREAM = ("h100_sxm5", "stream", "-s", "workload.footprint=256KiB")
FILES = {"run.json", "config.yaml", "results.json", "hashes.csv", "stats.csv", "summary.txt", "report.html"}

LATENCY = {"count", "mean", "min", "p50", "p90", "p99", "p999", "max"}
STAGES = {"issue", "noc", "l2", "mem_cache", "d2d", "fabric", "phy", "queue", "bank", "data", "return", "off_package", "external"}
KEYS = {  # of results.json: what scripts may rely on; "*" is every member or element
    "": {"schema", "status", "seed", "simulated_ns", "host_seconds", "cpu_seconds", "transactions", "atoms", "bytes",
         "transactions_per_host_second", "transactions_per_cpu_second", "completion_hash", "latency_ns", "streams", "hbm", "fabric",
         "compute", "workload", "capacity", "blame", "bottleneck"},
    "latency_ns": LATENCY | {"stages"},
    "latency_ns.stages.*": {"mean", "p99", "share"},
    "streams.*": {"transactions", "bytes", "bandwidth_GBps", "latency_ns"},
    "streams.*.latency_ns": LATENCY,
    "hbm": {"bandwidth_GBps", "peak_GBps", "utilization", "reads", "writes", "activates", "precharges", "refreshes", "row_hit_rate",
            "latency_ns", "loss", "stacks"},
    "hbm.latency_ns": LATENCY,
    "hbm.loss": {"refresh", "turnaround", "bank_conflict", "four_activate_window", "command_bus", "column_spacing", "idle"},
    "hbm.stacks.*": {"name", "bandwidth_GBps", "channels"},
    "hbm.stacks.*.channels.*": {"name", "bandwidth_GBps", "utilization", "loss"},
    "fabric": {"packets", "flits", "hops_mean", "links"},
    "fabric.links.*": {"name", "bytes", "bandwidth_GBps", "peak_GBps", "utilization", "stall_fraction", "replays"},
    "compute": {"flops", "peak_flops", "utilization", "loss", "dies"},
    "compute.loss": {"tile_quantisation", "wave_tail", "launch", "dependency", "imbalance", "wait_l2", "wait_noc", "wait_hbm_bandwidth",
                     "wait_hbm_latency", "wait_d2d", "wait_collective", "wait_off_package", "no_work"},
    "compute.dies.*": {"name", "flops", "utilization", "loss", "l2_hit_rate"},
    "workload": {"name", "phase", "extrapolated", "floor_ns", "floor_gap", "operators"},
    "workload.floor_gap.*": {"term", "ns"},
    "workload.operators.*": {"name", "kind", "start_ns", "end_ns", "flops", "bytes", "bound_by"},
    "capacity": {"bytes", "used", "free"},
    "blame.*": {"resource", "victim", "aggressor", "wait_ns"},
    "bottleneck": {"bound_by", "explanation", "ranking"},
    "bottleneck.ranking.*": {"resource", "share"},
}
COMMANDS = "time_ns,stack,channel,pseudo_channel,command,sid,bank_group,bank,row,column"
TRANSACTIONS = "time_ns,component,identity,number,op,address,bytes,stream"


def select(value, path):
    """Every object a path of KEYS leads to."""
    if not path:
        return [value]
    key, _, rest = path.partition(".")
    if key != "*":
        return select(value[key], rest)
    inner = value.values() if isinstance(value, dict) else value
    return [found for one in inner for found in select(one, rest)]


def content(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


class Files(cowosim_binary.CowosimTest):
    def test_the_files_of_the_contract(self):
        run = self.run_cowosim(*STREAM)
        self.assertEqual({path.name for path in run.directory.iterdir()}, FILES)
        about = json.loads((run.directory / "run.json").read_text())
        for key in ("version", "git_hash", "systemc_version", "command_line", "seed", "host", "status", "exit_reason"):
            self.assertIn(key, about)
        self.assertEqual((about["status"], about["exit_code"], about["seed"]), ("completed", 0, 1))
        self.assertIn(" ".join(STREAM), about["command_line"])
        self.assertLess(about["peak_resident_bytes"], 300e6)

    def test_the_keys_of_results(self):
        results = json.loads((self.shared_run(*STREAM).directory / "results.json").read_text())
        self.assertEqual(results["schema"], "cowosim-results/1")
        for path, keys in KEYS.items():
            found = select(results, path)
            self.assertTrue(found, path)
            for one in found:
                self.assertLessEqual(keys, set(one), path)
        self.assertLessEqual(set(results["latency_ns"]["stages"]), STAGES)

    def test_a_section_that_does_not_apply_is_absent(self):
        run = self.run_cowosim("reference/hbm3_6400", "random_access", "-s", "workload.count=100", "-s", "workload.footprint=1MiB", "--quiet")
        self.assertNotIn("compute", json.loads((run.directory / "results.json").read_text()))

    def test_statistics_have_paths_below_the_package(self):
        stats = self.shared_run(*STREAM).stats()
        self.assertTrue(all(path.startswith("package_0.") for path, _ in stats))
        tiles = sum(value for (path, stat), value in stats.items() if stat == "tiles" and ".core_" in path)
        self.assertGreater(tiles, 0)

    def test_the_summary_is_printed_and_the_last_line_is_the_directory(self):
        out = self.directory / "run"
        loud = cowosim_binary.call("run", *STREAM, "--out", out)
        self.assertEqual(loud.stdout, (out / "summary.txt").read_text() + f"{out}\n")
        quiet = cowosim_binary.call("run", *STREAM, "--out", out, "--force", "--quiet", "--no-report")
        self.assertEqual((quiet.stdout, quiet.stderr), (f"{out}\n", ""))

    def test_no_report_leaves_the_report_out(self):
        run = self.run_cowosim(*STREAM, "--no-report", "--quiet")
        self.assertEqual({path.name for path in run.directory.iterdir()}, FILES - {"report.html"})

    def test_the_default_directory_names_platform_workload_and_configuration(self):
        names = []
        for arguments in (STREAM, (*STREAM, "--seed", "2")):
            done = subprocess.run([cowosim_binary.binary(), "run", *arguments, "--quiet"], cwd=self.directory, capture_output=True, text=True)
            names.append(done.stdout.strip())
            self.assertRegex(names[-1], r"(^|/)runs/h100_sxm5-stream-[0-9a-f]{8}$")
            self.assertTrue((self.directory / names[-1] / "results.json").exists())
        self.assertNotEqual(*names)

    def test_a_run_is_not_overwritten_without_force(self):
        run = self.run_cowosim(*STREAM, "--quiet")
        before = content(run.directory)
        done = cowosim_binary.call("run", *STREAM, "--seed", 2, "--out", run.directory)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, f"{run.directory}: error: holds a run: choose another --out, or --force to replace it\n")
        self.assertEqual(content(run.directory), before)
        done = cowosim_binary.call("run", *STREAM, "--seed", 2, "--out", run.directory, "--force", "--quiet")
        self.assertEqual((done.returncode, run["seed"]), (0, 2))

    def test_what_is_no_run_is_never_replaced(self):
        other = self.write("thesis/chapter.txt", "years of work").parent
        for force in ([], ["--force"]):
            done = cowosim_binary.call("run", *STREAM, "--out", other, *force)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr, f"{other}: error: is not empty and holds no run, so it is not replaced: choose another --out\n")
            self.assertEqual(content(other), {"chapter.txt": b"years of work"})


class TraceStreams(cowosim_binary.CowosimTest):
    """A trace's `stream` column: every name is a stream of the results, beside other workloads too."""

    def test_names_of_a_trace_are_streams(self):
        trace = self.write("streams.csv", "time_ns,op,address,bytes,stream\n" + "".join(
            f"{i},R,{4096 + 64 * i},32,{'abc'[i % 3]}\n" for i in range(300)))
        alone = self.run_cowosim("reference/hbm3_6400", "trace", "-s", f"workload.file={trace}", "--quiet")
        self.assertEqual(alone["transactions"], 300)
        self.assertEqual({n: s["transactions"] for n, s in alone["streams"].items() if s["transactions"]}, {"a": 100, "b": 100, "c": 100})
        beside = self.run_cowosim("h100_sxm5", "-w", "t=trace", "-w", "d=stream", "-s", f"t.file={trace}", "-s", "d.footprint=1MiB", "--quiet")
        self.assertEqual({n: beside[f"streams.{n}.transactions"] for n in "abcd"}, {"a": 100, "b": 100, "c": 100, "d": 2048})


class Traces(cowosim_binary.CowosimTest):
    def times(self, run, name, header):
        with open(run.directory / name) as lines:
            self.assertEqual(lines.readline().strip(), header)
        rows = run.table(name)
        times = [float(row["time_ns"]) for row in rows]
        self.assertEqual(times, sorted(times))
        return rows, times

    def test_transactions(self):
        run = self.run_cowosim(*STREAM, "--trace", "transactions", "--quiet")
        rows, times = self.times(run, "transactions.csv", TRANSACTIONS)
        retired = [row for row in rows if ".core_" in row["component"]]
        self.assertEqual(len(retired), run["transactions"])
        self.assertEqual(sum(int(row["bytes"]) for row in retired), run["bytes"])
        self.assertEqual({row["stream"] for row in rows}, {"stream"})
        self.assertLessEqual(max(times), run["simulated_ns"])

    def test_commands(self):
        run = self.run_cowosim(*STREAM, "--trace", "commands", "--quiet")
        rows, _ = self.times(run, "commands.csv", COMMANDS)
        for command, counted in (("RD", "reads"), ("ACT", "activates")):
            self.assertEqual(sum(row["command"] == command for row in rows), run[f"hbm.{counted}"], command)
        self.assertEqual({row["stack"] for row in rows}, {"0", "1", "2", "3", "4"})

    def test_a_range_of_time(self):
        run = self.run_cowosim(*STREAM, "--trace", "commands,800ns,900ns", "--trace", "transactions,800ns,900ns", "--quiet")
        for name, header in (("commands.csv", COMMANDS), ("transactions.csv", TRANSACTIONS)):
            _, times = self.times(run, name, header)
            self.assertGreater(len(times), 10, name)
            self.assertTrue(800 <= min(times) and max(times) < 900, f"{name}: {min(times)} to {max(times)}")

    def test_tracing_changes_no_result(self):
        plain = self.shared_run(*STREAM)
        traced = self.run_cowosim(*STREAM, "--trace", "commands", "--trace", "transactions", "--stats-interval", "100ns", "--quiet")
        self.assertEqual(traced.hashes(), plain.hashes())

    def test_a_time_series(self):
        run = self.run_cowosim(*STREAM, "--stats-interval", "250ns", "--quiet")
        rows = run.table("series.csv")
        self.assertEqual(list(rows[0]), ["time_ns", "path", "stat", "unit", "value"])
        times = sorted({float(row["time_ns"]) for row in rows})
        self.assertEqual(times[:-1], [250.0 * (i + 1) for i in range(len(times) - 1)])
        self.assertEqual(times[-1], run["simulated_ns"], "what the last interval left is written at the end")
        self.assertEqual(len(times), -(-run["simulated_ns"] // 250))
        # Cumulative statistics add up to what stats.csv says of the whole run.
        stats = run.stats()
        path = "package_0.hbm_stack_0.channel_0"
        reads = [row for row in rows if row["path"] == path and row["stat"].endswith("reads") and row["unit"] == "count"]
        for stat in {row["stat"] for row in reads}:
            self.assertEqual(sum(float(row["value"]) for row in reads if row["stat"] == stat), stats[path, stat])
        self.assertTrue(all(row["path"].startswith("package_0.") for row in rows))


class Limits(cowosim_binary.CowosimTest):
    def test_until_is_exact_and_a_success(self):
        run = self.run_cowosim(*STREAM, "--until", "1.000003us", "--quiet")
        self.assertEqual((run["status"], run["simulated_ns"]), ("time_limit", 1000.003))
        self.assertLess(run["bytes"], 256 << 10)

    def test_until_after_the_end_changes_nothing(self):
        run = self.run_cowosim(*STREAM, "--until", "1ms", "--quiet")
        self.assertEqual(run["status"], "completed")
        self.assertEqual(run.hashes(), self.shared_run(*STREAM).hashes())

    def test_the_wall_limit_ends_a_run_with_partial_results(self):
        out = self.directory / "limited"
        done = cowosim_binary.call("run", "h100_sxm5", "stream", "-s", "workload.footprint=16GiB", "--wall-limit", "500ms", "--out", out)
        self.assertEqual(done.returncode, 5, done.stderr)
        run = cowosim_binary.Run(out)
        self.assertEqual((run["status"], run["partial"]), ("wall_limit", True))
        self.assertEqual({path.name for path in out.iterdir()}, FILES)
        self.assertTrue((out / "summary.txt").read_text().startswith("PARTIAL RESULTS"))


class Kpis(cowosim_binary.CowosimTest):
    """Bounds on results: all are checked and written, one that does not hold is exit code 6."""

    def check(self, expected, *bounds):
        arguments = [word for bound in bounds for word in ("--kpi", bound)]
        out = self.directory / f"{expected}"
        done = cowosim_binary.call("run", *STREAM, *arguments, "--out", out, "--quiet")
        self.assertEqual(done.returncode, expected, done.stderr)
        return done.stderr.splitlines(), json.loads((out / "kpi.json").read_text())

    def test_bounds_that_hold(self):
        stderr, kpis = self.check(0, "bytes == 262144", "hbm.utilization > 0", "hbm.stacks.0.reads >= 1")
        self.assertEqual((stderr, [kpi["passed"] for kpi in kpis]), ([], [True] * 3))
        self.assertEqual(kpis[0], {"kpi": "bytes == 262144", "value": 262144, "passed": True})

    def test_bounds_that_do_not(self):
        stderr, kpis = self.check(6, "bytes != 262144", "bytes == 262144", "hbm.nothing > 1")
        self.assertEqual(stderr, ["cowosim run: error: KPI failed: bytes != 262144 (it is 262144)",
                                  "cowosim run: error: KPI failed: hbm.nothing > 1 (results.json has no number there)"])
        self.assertEqual([kpi["passed"] for kpi in kpis], [False, True, False])


class Streams(cowosim_binary.CowosimTest):
    def test_several_workloads_are_named_streams(self):
        run = self.run_cowosim("h100_sxm5", "-w", "walk=stream", "-w", "noise=random_access", "-s", "walk.footprint=256KiB",
                               "-s", "noise.count=1000", "--quiet")
        streams = run["streams"]
        self.assertEqual(set(streams), {"walk", "noise"})
        self.assertEqual((streams["walk"]["bytes"], streams["noise"]["transactions"]), (256 << 10, 1000))
        self.assertEqual(run["bytes"], sum(stream["bytes"] for stream in streams.values()))
        pairs = {(row["victim"], row["aggressor"]) for row in run["blame"]}
        self.assertTrue({("walk", "noise"), ("noise", "walk")} & pairs, "they get into each other's way")

    def test_a_background_workload_lasts_as_long_as_the_others(self):
        run = self.run_cowosim("h100_sxm5", "-w", "walk=stream", "-w", "noise=stream", "-s", "walk.footprint=24MiB",
                               "-s", "noise.footprint=64KiB", "-s", "noise.background=true", "--quiet")
        self.assertEqual(run["status"], "completed")
        self.assertGreater(run["streams.noise.bytes"], 2 * (64 << 10), "it has started over")
        self.assertEqual(run["streams.walk.bytes"], 24 << 20)

    def test_the_same_workload_alone_and_in_company_moves_the_same_bytes(self):
        alone = self.shared_run(*STREAM)["streams.stream.bytes"]
        run = self.run_cowosim("h100_sxm5", "-w", "stream=stream", "-w", "other=gemm", "-s", "stream.footprint=256KiB",
                               "-s", "other.m=128", "-s", "other.n=256", "-s", "other.k=256", "--quiet")
        self.assertEqual(run["streams.stream.bytes"], alone)

    def test_what_a_stream_costs_another_is_said_against_a_run_without_it(self):
        alone = self.run_cowosim("h100_sxm5", "-w", "walk=stream", "-s", "walk.footprint=1MiB", "--quiet")
        out = self.directory / "loud"
        done = cowosim_binary.call("run", "h100_sxm5", "-w", "walk=stream", "-w", "noise=stream", "-s", "walk.footprint=24MiB",
                                   "-s", "noise.footprint=64KiB", "-s", "noise.background=true", "--against", alone.directory, "--out", out)
        self.assertIn("Where walk waited for others", done.stdout)
        self.assertIn("hbm: for noise", done.stdout)


if __name__ == "__main__":
    unittest.main()
