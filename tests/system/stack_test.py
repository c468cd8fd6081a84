"""What `cowosim show` says of a stack: organisation, peaks, capacities, latencies, refresh, caps; by name or number by number."""
import unittest

import cowosim_binary

# reference platform -> peak GB/s, clock, hit, closed, conflict ns (clocks of the source table x clock), tRFC ns, random-access cap
REFERENCES = {
    "reference/hbm2_2000": (16.0, 1.0, 14 + 2, 14 + 1 + 16, 14 - 1 + 31, 260, 8 / 16),
    "reference/hbm3_6400": (25.6, 0.625, 22 * 0.625, 54 * 0.625, 79 * 0.625, 260, 8 / 24),
    "reference/hbm4_8000": (32.0, 0.5, 22 * 0.5, (39 + 1 + 22) * 0.5, (33 - 1 + 62) * 0.5, 400, 8 / 30),
}
STACK = """hbm:
  generation: {}
  organisation: {}
  data_rate: {}
  stacks: 2
  controller:
    return_latency: 10ns
  address_map: [row, sid, bank, column, bank_group, pseudo_channel, offset]
phy:
  latency_down: 10ns
  latency_up: 10ns
dies:
  die_0:
    cores: 2
"""
# generation, organisation, data rate -> channels, SIDs, rows, GiB of a stack, GB/s of a stack
STACKS = {
    ("hbm2", "8hi_8gb", "2.4Gb/s"): (8, 2, 16384, 8, 307.2),
    ("hbm2e", "8hi_16gb", "3.2Gb/s"): (8, 2, 32768, 16, 409.6),
    ("hbm3", "8hi_16gb", "6.4Gb/s"): (16, 2, 16384, 16, 819.2),
    ("hbm3e", "16hi_32gb", "9.6Gb/s"): (16, 4, 32768, 64, 1228.8),
    ("hbm4", "16hi_32gb", "8Gb/s"): (32, 4, 16384, 64, 2048.0),
}


class Stack(cowosim_binary.CowosimTest):
    def platform(self, *values):
        return self.write("stack.yaml", STACK.format(*values))

    def test_of_the_reference_platforms(self):
        for name, (peak, clock, hit, closed, conflict, cycle, cap) in REFERENCES.items():
            with self.subTest(platform=name):
                facts = cowosim_binary.show(name)
                self.assertAlmostEqual(facts["pseudo_channel_peak_GBps"], peak, places=9)
                self.assertEqual(facts["hbm_peak_GBps"], facts["pseudo_channel_peak_GBps"])
                self.assertEqual([facts[key] for key in ("hbm_clock_ns", "hbm_hit_ns", "hbm_closed_ns", "hbm_conflict_ns")],
                                 [clock, hit, closed, conflict])
                self.assertEqual((facts["refresh_cycle_ns"], facts["refresh_interval_ns"]), (cycle, 3900))
                self.assertAlmostEqual(facts["random_access_cap"], cap, places=9)
                # The refresh cycle alone, and no more than one closing and opening of a row besides.
                self.assertLess(facts["refresh_cap"], 1 - cycle / 3900)
                self.assertGreater(facts["refresh_cap"], 1 - (cycle + conflict) / 3900)

    def test_an_organisation_sets_what_it_means(self):
        for (generation, organisation, rate), (channels, sids, rows, capacity, peak) in STACKS.items():
            with self.subTest(generation=generation):
                facts = cowosim_binary.show(self.platform(generation, organisation, rate))
                hbm = facts["config"]["hbm"]
                self.assertEqual((hbm["channels"], hbm["sids"], hbm["rows"], hbm["columns"]), (channels, sids, rows, 32))
                self.assertEqual(facts["stack_capacity_bytes"], capacity << 30)
                self.assertEqual(facts["capacity_bytes"], 2 * capacity << 30)
                self.assertAlmostEqual(facts["stack_peak_GBps"] / peak, 1, places=4)
                self.assertAlmostEqual(facts["hbm_peak_GBps"], 2 * facts["stack_peak_GBps"], places=6)
                self.assertAlmostEqual(facts["stack_peak_GBps"], 2 * channels * facts["pseudo_channel_peak_GBps"], places=6)
                self.assertIn(organisation, facts["stack_organisation"])
                self.assertIn(f"{float(rate[:-4]):g} Gb/s", facts["timings_from"])

    def test_what_show_prints_of_an_organisation_is_a_platform_file(self):
        file = self.platform("hbm4", "8hi_32gb", "8Gb/s")
        again = self.write("again.yaml", cowosim_binary.call("show", file).stdout)
        self.assertEqual(cowosim_binary.show(again), {**cowosim_binary.show(file), "platform": str(again)})

    def test_heat_halves_the_refresh_interval(self):
        cool, warm, hot = (cowosim_binary.show("reference/hbm3_6400", "-s", f"hbm.temperature={t}") for t in (85, 95, 105))
        self.assertEqual([f["refresh_interval_ns"] for f in (cool, warm, hot)], [3900, 1950, 975])
        self.assertEqual(cool["refresh_cycle_ns"], hot["refresh_cycle_ns"])

    def test_heat_costs_a_stream_bandwidth(self):
        stream = ("reference/hbm3_6400", "stream", "-s", "workload.kind=read", "-s", "workload.footprint=2MiB", "--quiet")
        for temperature in (85, 95):
            run = self.run_cowosim(*stream, "-s", f"hbm.temperature={temperature}")
            cap = cowosim_binary.show("reference/hbm3_6400", "-s", f"hbm.temperature={temperature}")["refresh_cap"]
            self.assertLess(run["hbm.utilization"], cap)
            self.assertAlmostEqual(run["hbm.loss.refresh"], 1 - cap, delta=0.005)


if __name__ == "__main__":
    unittest.main()
