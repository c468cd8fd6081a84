"""Latency under load: its two ends are a pointer chase and a stream, between them it only grows. And: many channels without a die."""
import unittest

import cowosim_binary

LOADS = (0, 0.3, 0.6, 0.9, 1)
MANY = ("-s", "hbm.channels=16", "-s", "hbm.pseudo_channels=2",
        "-s", "hbm.address_map=[row,sid,bank,column,bank_group,pseudo_channel,offset]")


class Curve:
    """The laws; what differs is the platform, how long its chase is and how long a stream until its ends no longer show."""

    def curve(self, load, *settings):
        return self.shared_run(self.platform, "loaded_latency", "-s", f"workload.load={load}", "-s", f"workload.count={self.count}", *settings)

    def latency(self, load):
        return self.curve(load)["streams.loaded_latency.latency_ns.mean"]

    def test_without_a_load_it_is_a_pointer_chase(self):
        chase = self.shared_run(self.platform, "pointer_chase", "-s", "workload.footprint=128MiB", "-s", f"workload.count={self.count}")
        self.assertEqual(self.curve(0)["streams.loaded_latency.latency_ns"], chase["streams.pointer_chase.latency_ns"])
        self.assertNotIn("loaded_latency_load", self.curve(0)["streams"])

    def test_a_full_load_is_a_stream(self):
        stream = self.shared_run(self.platform, "stream", "-s", f"workload.footprint={self.stream}")["streams.stream.bandwidth_GBps"]
        self.assertAlmostEqual(self.curve(1)["streams.loaded_latency_load.bandwidth_GBps"] / stream, 1, delta=0.02)

    def test_latency_grows_with_the_load(self):
        latencies = [self.latency(load) for load in LOADS]
        for less, more in zip(latencies, latencies[1:]):
            self.assertGreaterEqual(more, 0.99 * less, latencies)
        self.assertGreater(latencies[-1], 1.5 * latencies[0])
        self.assertLess(latencies[1] - latencies[0], 0.2 * (latencies[-1] - latencies[0]), "far from saturation little waits")

    def test_what_is_offered_is_what_passes_until_it_saturates(self):
        for load in (0.3, 0.6):
            run = self.curve(load)
            passed = run["streams.loaded_latency_load.bandwidth_GBps"] / run["hbm.peak_GBps"]
            self.assertAlmostEqual(passed / load, 1, delta=0.05)  # the last answers come after the last launch

    def test_every_nanosecond_has_an_owner(self):
        for stream in self.curve(0.9)["streams"].values():
            latency = stream["latency_ns"]
            self.assertAlmostEqual(sum(stage["mean"] for stage in latency["stages"].values()) / latency["mean"], 1, places=9)
        self.assertIn(("loaded_latency", "loaded_latency_load"), {(row["victim"], row["aggressor"]) for row in self.curve(0.9)["blame"]})


class OneChannel(Curve, cowosim_binary.CowosimTest):
    platform, count, stream = "reference/hbm3_6400", 1000, "16MiB"

    def test_writes_in_the_load_cost_more(self):
        mixed = self.curve(0.6, "-s", "workload.read_fraction=0.5")
        self.assertGreater(mixed["streams.loaded_latency.latency_ns.mean"], 1.2 * self.latency(0.6))
        reads, writes = mixed["hbm.reads"], mixed["hbm.writes"]
        self.assertAlmostEqual(writes / (reads + writes), 0.5, delta=0.03)

    def test_a_random_load_saturates_earlier(self):
        random = self.curve(1, "-s", "workload.pattern=random", "-s", "workload.load_bytes=64B")
        self.assertLess(random["streams.loaded_latency_load.bandwidth_GBps"], 0.8 * self.curve(1)["streams.loaded_latency_load.bandwidth_GBps"])


class ManyChannels(Curve, cowosim_binary.CowosimTest):
    platform, count, stream = "reference/hbm3_6400", 300, "32MiB"

    @classmethod
    def shared_run(cls, *arguments):
        return super().shared_run(*arguments, *MANY)


class Package(Curve, cowosim_binary.CowosimTest):
    platform, count, stream = "h100_sxm5", 50, "64MiB"

    def test_cores_take_random_accesses_at_a_rate(self):
        run = self.shared_run(self.platform, "random_access", "-s", "workload.rate=300GB/s", "-s", "workload.count=100000")
        self.assertAlmostEqual(run["streams.random_access.bandwidth_GBps"] / 300, 1, delta=0.08)


class Crossing(cowosim_binary.CowosimTest):
    """Several sources and many channels without a die between them."""

    def run_many(self, *arguments):
        return self.run_cowosim("reference/hbm3_6400", *arguments, *MANY, "--quiet")

    def test_all_channels_work_and_are_shown(self):
        run = self.run_many("stream", "-s", "workload.footprint=8MiB", "-s", "hbm.stacks=2")
        self.assertEqual([len(stack["channels"]) for stack in run["hbm.stacks"]], [16, 16])
        self.assertEqual(run["hbm.peak_GBps"], 2 * 16 * 2 * 25.6)
        self.assertGreater(run["hbm.utilization"], 0.85)
        for stack in run["hbm.stacks"]:
            for channel in stack["channels"]:
                self.assertAlmostEqual(channel["bytes"] / (8 << 20), 1 / 32, places=3)

    def test_a_load_is_a_share_of_the_channels_that_are_left(self):
        run = self.run_cowosim("reference/hbm3_6400", "loaded_latency", "-s", "hbm.channels=2", "-s", "hbm.masked=[hbm_stack_0.channel_1]",
                               "-s", "workload.load=0.5", "-s", "workload.footprint=64MiB", "-s", "workload.load_footprint=64MiB", "--no-report")
        self.assertAlmostEqual(run["hbm.peak_GBps"], 25.6)
        self.assertAlmostEqual(run["streams.loaded_latency_load.bandwidth_GBps"] / run["hbm.peak_GBps"], 0.5, delta=0.02)

    def test_every_workload_of_sources_runs(self):
        for workload, *settings in (("random_access", "-s", "workload.count=5000"), ("pointer_chase", "-s", "workload.count=200"),
                                    ("loaded_latency", "-s", "workload.count=50")):
            with self.subTest(workload=workload):
                run = self.run_many(workload, *settings)
                self.assertEqual(run["status"], "completed")
                self.assertEqual(run["hbm.bytes"], run["bytes"])

    def test_several_workloads_share_fairly(self):
        trace = self.trace(*(f",{'RW'[i % 2]},{i * 64},64,{'xy'[i % 3 == 0]}" for i in range(4000)), header="time_ns,op,address,bytes,stream")
        run = self.run_many("-w", "a=random_access", "-w", "b=random_access", "-w", "t=trace", "-s", "a.count=20000", "-s", "b.count=20000",
                            "-s", "a.footprint=64MiB", "-s", "b.footprint=64MiB", "-s", f"t.file={trace}")
        a, b = run["streams.a"], run["streams.b"]
        self.assertAlmostEqual(a["bandwidth_GBps"] / b["bandwidth_GBps"], 1, delta=0.02)
        self.assertAlmostEqual(a["latency_ns"]["mean"] / b["latency_ns"]["mean"], 1, delta=0.05)
        self.assertEqual(run["streams.x.transactions"] + run["streams.y.transactions"], 4000)

    def test_one_channel_and_one_source_are_wired_as_ever(self):
        run = self.run_cowosim("reference/hbm3_6400", "random_access", "-s", "workload.count=100", "--quiet")
        self.assertFalse([path for path, _ in run.stats() if "crossing" in path])

    def test_windows_and_seeds(self):
        run = self.run_many("loaded_latency", "-s", "workload.count=30")
        for window in ("1ns", "333ps"):
            other = self.run_many("loaded_latency", "-s", "workload.count=30", "--window", window)
            self.assertEqual((other["completion_hash"], other["simulated_ns"], other.hashes()), (run["completion_hash"], run["simulated_ns"], run.hashes()))
        other = self.run_many("loaded_latency", "-s", "workload.count=30", "--seed", "2")
        self.assertNotEqual(other["completion_hash"], run["completion_hash"], "negative control")

    def test_a_lost_response_is_a_deadlock(self):
        out = self.directory / "stuck"
        done = cowosim_binary.call("run", "reference/hbm3_6400", "stream", "-s", "workload.footprint=1MiB", *MANY,
                                   "-s", "hbm.fault.channel=3", "-s", "hbm.fault.drop_response_after=5", "--out", out)
        self.assertEqual(done.returncode, 4)
        self.assertIn("source waits for the memory system", done.stderr)

    def test_one_core_cannot_chase_and_load(self):
        self.assert_rejected("h100_sxm5", "loaded_latency", "-s", "dies.die_0.cores=1",
                             message="error: workload.load: one core chases, the others load: there must be another one")

    def test_streams_of_one_name_are_rejected(self):
        self.assert_rejected("reference/hbm3_6400", "-w", "a=loaded_latency", "-w", "a_load=stream",
                             message="error: workloads.a_load: two streams of this run are called 'a_load'; give one another name")


if __name__ == "__main__":
    unittest.main()
