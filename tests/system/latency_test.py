"""Unloaded latencies against closed forms: exact where one controller is alone, within a few percent through a whole package."""
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
CHANNEL = "reference/hbm3_6400"
ROW = 1 << 14  # of the reference channel's address map: the next row of the same bank


class Package(cowosim_binary.CowosimTest):
    def chase(self, footprint, *settings):
        return self.shared_run(PACKAGE, "pointer_chase", "-s", f"workload.footprint={footprint}", "-s", "workload.count=2000", *settings)

    def test_a_warm_chase_takes_a_near_hit(self):
        latency = self.chase("1MiB", "-s", "workload.warm=yes")["streams.pointer_chase.latency_ns"]
        expected = cowosim_binary.show(PACKAGE)["near_hit_ns"]
        self.assertEqual(latency["count"], 2000, "warming up is outside the statistics")
        self.assertAlmostEqual(latency["mean"] / expected, 1, delta=0.02)
        self.assertAlmostEqual(latency["p50"] / expected, 1, delta=0.02)

    def test_without_copies_of_far_lines_half_of_the_chase_is_far(self):
        without = ("-s", "dies.die_0.cache_far=false")
        latency = self.chase("1MiB", "-s", "workload.warm=yes", *without)["streams.pointer_chase.latency_ns"]
        facts = cowosim_binary.show(PACKAGE, *without)
        self.assertAlmostEqual(latency["min"] / facts["near_hit_ns"], 1, delta=0.02)
        self.assertAlmostEqual(latency["p90"] / facts["far_hit_ns"], 1, delta=0.02)
        self.assertAlmostEqual(latency["mean"] / ((facts["near_hit_ns"] + facts["far_hit_ns"]) / 2), 1, delta=0.05)

    def test_a_chase_through_memory_lies_between_near_and_far_home(self):
        latency = self.chase("8GiB")["streams.pointer_chase.latency_ns"]
        facts = cowosim_binary.show(PACKAGE)
        conflict = facts["hbm_conflict_ns"] - facts["hbm_closed_ns"]
        self.assertEqual(latency["count"], 2000)
        self.assertGreaterEqual(latency["min"], facts["near_memory_ns"])
        self.assertGreater(latency["mean"], facts["near_memory_ns"])
        self.assertLess(latency["mean"], facts["far_memory_ns"] + conflict)
        # Homes are half near, half far; now and then a refresh is in the way.
        between = (facts["near_memory_ns"] + facts["far_memory_ns"]) / 2
        self.assertAlmostEqual(latency["mean"] / between, 1, delta=0.05)

    def test_a_nanosecond_more_anywhere_on_the_path_is_a_nanosecond_more(self):
        # Planted latencies; each counts as often as the path passes it.
        shorter = self.chase("1MiB", "-s", "workload.warm=yes")["latency_ns.p50"]
        for parameter, value, more in (("slice.hit_latency", "61ns", 1), ("core.issue_latency", "26ns", 1), ("core.receive_latency", "27ns", 2)):
            with self.subTest(parameter=parameter):
                longer = self.chase("1MiB", "-s", "workload.warm=yes", "-s", f"dies.die_0.{parameter}={value}")["latency_ns.p50"]
                self.assertAlmostEqual(longer - shorter, more, delta=0.01 * shorter)  # a bin of the histogram


class Channel(cowosim_binary.CowosimTest):
    """One access after the other: each latency to the femtosecond."""

    def latency(self, *addresses):
        trace = self.trace(*(f",R,{address},32" for address in addresses))
        run = self.run_cowosim(CHANNEL, "trace", "-s", f"workload.file={trace}", "-s", "workload.max_outstanding=1",
                               "-s", "workload.think_time=100ns", "--quiet")
        return run["latency_ns"]

    def test_a_first_access_opens_a_row(self):
        self.assertEqual(self.latency(0)["mean"], 33.75)

    def test_a_second_access_to_the_row_hits(self):
        latency = self.latency(0, 32)  # bank groups alternate: the first of another bank
        self.assertEqual((latency["min"], latency["max"]), (33.75, 33.75))
        latency = self.latency(0, 128)  # the next column of the same bank
        self.assertEqual((latency["min"], latency["max"]), (13.75, 33.75))

    def test_another_row_of_the_bank_is_a_conflict(self):
        latency = self.latency(0, ROW)
        self.assertEqual((latency["min"], latency["max"]), (33.75, 49.375))

    def test_show_prints_the_same_numbers(self):
        facts = cowosim_binary.show(CHANNEL)
        self.assertEqual([facts[f"hbm_{kind}_ns"] for kind in ("hit", "closed", "conflict")], [13.75, 33.75, 49.375])

    def test_stages_add_up_to_the_latency(self):
        latency = self.latency(0, 128, ROW, 2 * ROW)
        self.assertAlmostEqual(sum(stage["mean"] for stage in latency["stages"].values()), latency["mean"], places=9)
        self.assertEqual(set(latency["stages"]), {"bank", "data"}, "nothing waits in an idle controller")


if __name__ == "__main__":
    unittest.main()
