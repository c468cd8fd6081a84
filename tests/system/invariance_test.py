"""Results depend on what is simulated, never on how: window, threads, order of construction, or having been run before."""
import pathlib
import tempfile
import unittest

import cowosim_binary

compilers = cowosim_binary.script("compilers")  # knows the short runs and what must be equal between two runs
BINARY = cowosim_binary.binary()


def variants(platform):
    """Option lists that must not change any result."""
    window = compilers.window_femtoseconds(BINARY, platform)
    return [["--window", f"{window // 2}fs"],
            ["--window", f"{window // 7}fs", "--shuffle-construction"],
            ["--threads", "2", "--shuffle-construction"]]


class Invariance(cowosim_binary.CowosimTest):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="cowosim-short-runs-")
        cls.addClassCleanup(temporary.cleanup)
        cls.short_runs = compilers.short_runs(pathlib.Path(temporary.name))

    def simulate(self, *arguments):
        self.runs += 1
        return compilers.simulate(BINARY, [str(a) for a in arguments], self.directory / str(self.runs))

    def assert_same(self, expected, found):
        self.assertIsNone(compilers.first_difference(expected, found))

    def test_windows_threads_and_construction_order_change_nothing(self):
        for arguments in self.short_runs:
            expected = self.simulate(*arguments)
            for variant in variants(arguments[0]):
                with self.subTest(run=" ".join(arguments), variant=" ".join(variant)):
                    self.assert_same(expected, self.simulate(*arguments, *variant))

    def test_a_runs_own_config_reproduces_it(self):
        for arguments in self.short_runs:
            with self.subTest(run=" ".join(arguments)):
                expected = self.simulate(*arguments)
                found = self.simulate(self.directory / str(self.runs) / "config.yaml")
                found[1]["platform"] = expected[1]["platform"]  # a file has its own name
                self.assert_same(expected, found)

    def test_what_is_simulated_changes_the_hash(self):
        # The negative control: a comparison that cannot fail would say nothing.
        run = ["h100_sxm5", "random_access", "-s", "workload.count=2000"]
        expected = self.simulate(*run)
        for change in (["--seed", 2], ["-s", "dies.die_0.slice.fill_latency=35.000001ns"], ["-s", "workload.count=2001"],
                       ["-s", "phy.latency_up=20.000001ns"]):
            with self.subTest(change=change):
                found = self.simulate(*run, *change)
                self.assertNotEqual(found[1]["completion_hash"], expected[1]["completion_hash"])
                self.assertIn("hashes.csv", compilers.first_difference(expected, found))

    def test_the_completion_hash_is_the_sum_of_the_retirements(self):
        run = self.run_cowosim("h100_sxm5", "stream", "-s", "workload.footprint=1MiB", "--epoch", "100ns", "--quiet")
        rows = run.table("hashes.csv")
        self.assertGreater(len({row["epoch"] for row in rows}), 5)
        retired = [row for row in rows if row["kind"] == "retire"]  # the cores' transactions and the slices' fetches
        self.assertEqual(f"{sum(int(row['hash'], 16) for row in retired) % 2**64:016x}", run["completion_hash"])
        by_cores = sum(int(row["events"]) for row in retired if ".core_" in row["component"])
        self.assertEqual(by_cores, run["transactions"])


if __name__ == "__main__":
    unittest.main()
