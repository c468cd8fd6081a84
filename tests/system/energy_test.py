"""Energy: what was counted times what it costs; streams and stacks tell the same; every figure can be set."""
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
CHANNEL = "reference/hbm3_6400"
TERMS = ["activate", "read", "write", "io", "refresh", "background"]
DYNAMIC = TERMS[:4]


class Energy(cowosim_binary.CowosimTest):
    def terms(self, run):
        return {term["name"]: term for term in run["hbm.energy.terms"]}

    def test_every_place_tells_the_same(self):
        run = self.shared_run(PACKAGE, "stream", "-s", "workload.kind=copy", "-s", "workload.footprint=16MiB")
        energy, terms = run["hbm.energy"], self.terms(run)
        self.assertEqual(list(terms), TERMS)
        for term in terms.values():
            self.assertAlmostEqual(term["pJ"], term["count"] * term["pJ_each"], delta=1e-9 * term["pJ"])
            self.assertTrue(term["source"])
        total = energy["total_pJ"]
        self.assertGreater(total, 0)
        for parts in ([t["pJ"] for t in terms.values()], [s["energy_pJ"] for s in run["hbm.stacks"]],
                      [s["hbm_energy_pJ"] for s in run["streams"].values()] + [energy["unattributed_pJ"]]):
            self.assertAlmostEqual(sum(parts), total, delta=1e-9 * total)
        self.assertEqual(run["hbm.energy_pJ"], total)
        self.assertAlmostEqual(sum(t["share"] for t in terms.values()), 1)
        self.assertAlmostEqual(energy["pJ_per_bit"], total / run["hbm.bytes"] / 8)
        self.assertAlmostEqual(energy["power_W"], total * 1e-12 / (run["simulated_ns"] * 1e-9))
        low, high = energy["pJ_per_bit_interval"]
        self.assertTrue(low < energy["pJ_per_bit"] < high)
        self.assertEqual(terms["activate"]["count"], run["hbm.activates"])
        self.assertEqual(terms["read"]["count"], 256 * run["hbm.reads"])
        self.assertEqual(terms["write"]["count"], 256 * run["hbm.writes"])
        stats = run.stats()
        for name, term in terms.items():
            stacks = [value for (path, stat), value in stats.items() if stat == f"energy_{name}"]
            self.assertEqual(len(stacks), 5)
            self.assertAlmostEqual(sum(stacks), term["pJ"], delta=1e-9 * total)
        self.assertRegex((run.directory / "summary.txt").read_text(), r"HBM energy: [\d.]+ \w+, [\d.]+ pJ/bit \[")
        self.assertIn("<h2>HBM energy</h2>", (run.directory / "report.html").read_text())

    def test_a_stream_of_full_rows_costs_the_published_energy_per_bit(self):
        run = self.shared_run(PACKAGE, "stream", "-s", "workload.kind=read", "-s", "workload.footprint=64MiB")
        self.assertGreater(run["hbm.energy.pJ_per_bit"], 3.0)
        self.assertLess(run["hbm.energy.pJ_per_bit"], 4.5)

    def test_double_bytes_take_double_energy(self):
        one, two = (self.shared_run(PACKAGE, "stream", "-s", "workload.kind=read", "-s", f"workload.footprint={size}MiB") for size in (32, 64))
        dynamic = [sum(self.terms(run)[name]["pJ"] for name in DYNAMIC) for run in (one, two)]
        self.assertAlmostEqual(dynamic[1] / dynamic[0], 2, delta=0.02)

    def test_random_accesses_cost_more_by_their_activates(self):
        run = self.shared_run(CHANNEL, "random_access", "-s", "workload.footprint=64MiB", "-s", "workload.bytes=32B", "--until", "100us")
        sequential = self.shared_run(PACKAGE, "stream", "-s", "workload.kind=read", "-s", "workload.footprint=64MiB")
        self.assertGreater(self.terms(run)["activate"]["pJ"], 0.3 * run["hbm.energy_pJ"])
        self.assertLess(self.terms(sequential)["activate"]["pJ"], 0.1 * sequential["hbm.energy_pJ"])

    def test_figures_can_be_set_and_change_nothing_else(self):
        settings = [f"hbm.energy.{name}={value}" for name, value in
                    {"activate": "1nJ", "read": "1pJ/bit", "write": "2pJ/bit", "io": "3pJ/bit", "refresh_row": "5pJ", "background": "1W"}.items()]
        plain = (PACKAGE, "stream", "-s", "workload.kind=copy", "-s", "workload.footprint=16MiB")
        run = self.run_cowosim(*plain, *(part for setting in settings for part in ("-s", setting)))
        self.assertEqual(run.hashes(), self.shared_run(*plain).hashes())
        terms = self.terms(run)
        self.assertEqual(terms["activate"]["pJ"], 1000 * run["hbm.activates"])
        self.assertEqual(terms["read"]["pJ"], 256 * run["hbm.reads"])
        self.assertEqual(terms["write"]["pJ"], 512 * run["hbm.writes"])
        self.assertEqual(terms["io"]["pJ"], 768 * (run["hbm.reads"] + run["hbm.writes"]))
        # 16384 rows of a bank over 8192 refreshes: two rows each.
        self.assertEqual(terms["refresh"]["pJ"], 10 * terms["refresh"]["count"])
        self.assertAlmostEqual(terms["background"]["pJ"] / (160 * run["simulated_ns"] * 1000), 1)
        self.assertEqual(terms["read"]["source"], "hbm.energy.read")

    def test_an_energy_has_a_unit(self):
        done = cowosim_binary.call("run", CHANNEL, "-s", "hbm.energy.background=5pJ", "--out", self.directory / "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'5pJ' is an energy; expected a power, such as 180mW", done.stderr)


if __name__ == "__main__":
    unittest.main()
