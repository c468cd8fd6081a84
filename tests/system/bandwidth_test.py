"""Bandwidth: what a package and a channel reach of their peak, and that every planted cause moves its own loss term."""
import subprocess
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
CHANNEL = "reference/hbm3_6400"
LOSSES = {"refresh", "turnaround", "bank_conflict", "four_activate_window", "command_bus", "column_spacing", "idle"}


def objects(value):
    """Every object inside a piece of JSON."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from objects(inner)


class Bandwidth(cowosim_binary.CowosimTest):
    def stream(self, kind="read", footprint="64MiB", *settings):
        return self.shared_run(PACKAGE, "stream", "-s", f"workload.kind={kind}", "-s", f"workload.footprint={footprint}", *settings)

    def assert_nothing_above_its_peak(self, run):
        for section in ("hbm", "fabric", "compute"):
            for thing in objects(run[section]):
                for achieved, peak in (("bandwidth_GBps", "peak_GBps"), ("l2_bandwidth_GBps", "l2_peak_GBps")):
                    if achieved in thing:
                        self.assertLessEqual(thing[achieved], thing[peak] * (1 + 1e-6), thing.get("name", section))
                if "utilization" in thing:
                    self.assertLessEqual(thing["utilization"], 1 + 1e-6, thing.get("name", section))
                if "loss" in thing:
                    self.assertAlmostEqual(thing["utilization"] + sum(thing["loss"].values()), 1, places=9, msg=thing.get("name", section))
                    self.assertGreaterEqual(min(thing["loss"].values()), 0, thing.get("name", section))

    def test_a_read_stream_reaches_92_percent_of_peak(self):
        """Silicon reads at up to 96 % of peak; refresh hidden behind other banks takes next to nothing of that."""
        run = self.stream(footprint="96MiB")
        peak = run["hbm.peak_GBps"]
        for achieved in (run["streams.stream.bandwidth_GBps"], run["hbm.bandwidth_GBps"]):
            self.assertGreaterEqual(achieved, 0.92 * peak)
            self.assertLessEqual(achieved, peak)
        self.assertEqual(run["hbm.bytes"], 96 << 20, "every byte is fetched once")
        self.assertLess(run["hbm.loss.refresh"], 0.005)
        due = run["simulated_ns"] / 3900 * 32 * 160  # banks of a pseudo-channel, pseudo-channels
        self.assertAlmostEqual(run["hbm.bank_refreshes"] / due, 1, delta=0.15, msg="hidden, not left out")

    def test_all_bank_refresh_costs_what_its_duty_cycle_says(self):
        all_bank = self.stream("read", "32MiB", "-s", "hbm.controller.refresh=all_bank", "-s", "hbm.controller.refresh_policy=strict")
        without = self.stream("read", "32MiB", "-s", "hbm.controller.refresh=none")
        self.assertEqual((without["hbm.loss.refresh"], without["hbm.refreshes"]), (0, 0), "and nothing else is called refresh")
        self.assertAlmostEqual(all_bank["hbm.loss.refresh"], 350 / 3900, delta=0.03)
        self.assertGreater(without["hbm.bandwidth_GBps"], all_bank["hbm.bandwidth_GBps"] * 1.05)

    def test_nothing_exceeds_its_peak_and_losses_add_up(self):
        for kind in ("read", "write", "copy", "triad"):
            with self.subTest(kind=kind):
                self.assert_nothing_above_its_peak(self.stream(kind, "8MiB"))

    def test_written_back_data_reach_the_memory(self):
        run = self.stream("write", "64MiB")  # more than the caches hold
        self.assertGreater(run["hbm.writes"], 0)
        self.assert_nothing_above_its_peak(run)

    def test_fewer_stacks_are_proportionally_slower(self):
        full = self.stream("read", "64MiB")
        two = self.stream("read", "16MiB", "-s", "hbm.stacks=2")
        self.assertAlmostEqual(two["hbm.peak_GBps"] / full["hbm.peak_GBps"], 2 / 5, places=6)
        self.assertLess(two["hbm.bandwidth_GBps"], 0.45 * full["hbm.bandwidth_GBps"])
        self.assertEqual(len(two["hbm.stacks"]), 2)


class PlantedCauses(cowosim_binary.CowosimTest):
    """One channel, one cause at a time."""

    @classmethod
    def setUpClass(cls):
        cls.traces = {}

    def loss(self, pattern, *settings, lines=None):
        """hbm of a run of scripts/make_trace's PATTERN (or of these lines)."""
        if lines is not None:
            trace = self.trace(*lines)
        else:
            trace = self.directory / f"{pattern.replace(' ', '_')}.csv"
            subprocess.run([cowosim_binary.SOURCE_DIR / "scripts/make_trace", *pattern.split(), "-n", "5000", "-o", trace], check=True)
        run = self.run_cowosim(CHANNEL, "trace", "-s", f"workload.file={trace}", *settings, "--quiet")
        hbm = run["hbm"]
        self.assertEqual(set(hbm["loss"]), LOSSES)
        self.assertAlmostEqual(hbm["utilization"] + sum(hbm["loss"].values()), 1, places=9)
        return {**hbm["loss"], "utilization": hbm["utilization"]}

    def test_each_cause_moves_its_own_term(self):
        ideal = self.loss("seqbg r sat")
        self.assertGreater(ideal["utilization"], 0.8)
        one_bank = [f",R,{row << 14},32" for row in range(1000)]
        for cause, term, least, found in (
                ("reads and writes in turn", "turnaround", 0.1, self.loss("seqbg m sat")),
                ("one bank group after the other's end", "column_spacing", 0.1, self.loss("seqco r sat")),
                ("random rows", "four_activate_window", 0.4, self.loss("rand r sat")),
                ("rows of one bank", "bank_conflict", 0.7, self.loss("", lines=one_bank)),
                ("a request a microsecond", "idle", 0.8, self.loss("", lines=[f"{i}000,R,{32 * i},32" for i in range(100)]))):
            with self.subTest(cause=cause):
                self.assertGreater(found[term], least)
                self.assertLess(ideal[term], least / 2, "and without the cause it is small")
                others = {key: value for key, value in found.items() if key in LOSSES and key != term}
                self.assertLess(max(others.values()), found[term], f"{term} is the largest loss")

    def test_refresh_costs_what_the_timing_says(self):
        # Saturated for long enough, refresh takes tRFC (260 ns) and the precharge before it of every tREFI (3900 ns).
        refreshed = self.loss("rand r sat")["refresh"]
        self.assertAlmostEqual(refreshed, 0.08, delta=0.02)
        self.assertEqual(self.loss("rand r sat", "-s", "hbm.controller.refresh=none")["refresh"], 0)


if __name__ == "__main__":
    unittest.main()
