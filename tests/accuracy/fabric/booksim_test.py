"""reference/mesh and reference/torus at flit precision against BookSim2, through the binary: latencies, saturation, allocators.

Prints every error it measures, so that model cards can quote them.
"""
import concurrent.futures
import csv
import itertools
import pathlib
import statistics
import tempfile
import typing
import unittest

import cowosim_binary

REFERENCE = pathlib.Path(__file__).parent / "reference"

# What must hold below saturation, of the mean over SEEDS: never tighter than twice BookSim2's own spread over its seeds.
MEAN = 0.02
P99 = 0.06
SPREADS = 2
# Of the saturation throughput: BookSim2's rows of one seed and 12 to 48 thousand cycles scatter by less than 1 %.
THROUGHPUT = 0.02
# Below this share of saturation a sweep of one seed is as good as the golden points: its spread is below 1 %.
LOW_LOAD = 0.5
# Of the mean with other allocators: one seed near saturation, where golden points of the same rates have up to 1.5 % of spread.
ALLOCATOR = 0.03
# Offered is what was asked for, and accepted what was offered: 95 thousand packets or more are drawn, so 1 % is three spreads.
RATE = 0.01
# Hops do not depend on load: the spread of a point's mean is 0.2 %.
HOPS = 0.01

SEEDS = (1, 2, 3)
PROCESSES = 2
ROUND_ROBIN = ("fabric.router.vc_allocator=round_robin", "fabric.router.switch_allocator=round_robin")
PLANTED = ("fabric.router.virtual_channels=3", "fabric.router.routing_cycles=2", "fabric.router.vc_allocation_cycles=2", "fabric.link.cycles=2",
           "fabric.router.iterations=3")
CURVES = {  # file -> platform's topology, k, pattern, flits of a packet
    "mesh4x4_uniform_p5": ("mesh", 4, "uniform", 5),
    "mesh4x4_uniform_p1": ("mesh", 4, "uniform", 1),
    "mesh4x4_transpose_p5": ("mesh", 4, "transpose", 5),
    "mesh8x8_uniform_p5": ("mesh", 8, "uniform", 5),
    "torus4x4_uniform_p5": ("torus", 4, "uniform", 5),
}


class Point(typing.NamedTuple):
    """One run of the fabric."""
    topology: str
    k: int
    pattern: str
    flits: int
    rate: float
    warmup: int
    measure: int
    seed: int = 1
    settings: tuple = ()

    def __str__(self):
        changes = "".join(f" {setting.rpartition('.')[2]}" for setting in self.settings if self.settings != ROUND_ROBIN)
        return f"{self.topology}{self.k}x{self.k} {self.pattern} p{self.flits} {self.rate:g}{changes}"

    def arguments(self):
        settings = (f"fabric.k={self.k}", f"workload.pattern={self.pattern}", f"workload.packet_flits={self.flits}",
                    f"workload.rate={self.rate}", f"workload.warmup_cycles={self.warmup}", f"workload.measure_cycles={self.measure}",
                    *self.settings)
        return [f"reference/{self.topology}", "--seed", self.seed, "--no-report", "--quiet",
                *itertools.chain.from_iterable(("-s", setting) for setting in settings)]


def rows(name):
    """A reference file as a list of dictionaries, numbers as such."""
    def number(text):
        try:
            return float(text)
        except ValueError:
            return text
    with open(REFERENCE / f"booksim_{name}.csv", newline="") as lines:
        return [{key: number(value) for key, value in row.items()} for row in csv.DictReader(line for line in lines if line[0] != "#")]


def saturation(curve):
    """The highest offered rate that was stable."""
    return max(row["offered_flits_node_cycle"] for row in curve if row["mode"] == "latency" and row["stable"] == 1)


class Booksim(cowosim_binary.CowosimTest):
    def simulate(self, point):
        """Section `fabric` of the results."""
        with tempfile.TemporaryDirectory(prefix="cowosim-test-") as directory:
            done = cowosim_binary.call("run", *point.arguments(), "--out", directory + "/run")
            self.assertEqual(done.returncode, 0, f"{point}\n{done.stderr}")
            return cowosim_binary.Run(directory + "/run")["fabric"]

    def simulate_all(self, points):
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            return list(pool.map(self.simulate, points))

    def over_seeds(self, points):
        """[(point, [a result for each of SEEDS])]"""
        results = iter(self.simulate_all([point._replace(seed=seed) for point in points for seed in SEEDS]))
        return [(point, [next(results) for _ in SEEDS]) for point in points]

    def expect(self, what, found, reference, tolerance):
        """Within `tolerance`, a fraction of the reference."""
        error = found / reference - 1
        print(f"  {what:58} {found:9.3f} {reference:9.3f} {100 * error:+7.2f} %  of {100 * tolerance:5.2f} %")
        with self.subTest(what=what):
            self.assertLessEqual(abs(error), tolerance, f"{found} instead of {reference}")

    def golden(self):
        """[(row, its point)]: as long as BookSim2 ran, so that both have seen about as many packets."""
        return [(row, Point(row["topology"], int(row["k"]), row["pattern"], int(row["packet_flits"]), row["offered"],
                            warmup=int(0.2 * row["sim_cycles_per_seed"]), measure=int(0.8 * row["sim_cycles_per_seed"])))
                for row in rows("golden")]

    @staticmethod
    def mean_tolerance(row):
        return max(MEAN, SPREADS * row["mean_sd_over_seeds"] / row["pkt_latency_mean"])

    def test_latencies_up_to_90_percent_of_saturation(self):
        print("\n  golden points, mean of three seeds                            cowosim  BookSim2     error")
        golden = self.golden()
        self.assertEqual(len(golden), 12)
        for (row, _), (point, results) in zip(golden, self.over_seeds([point for _, point in golden])):
            of = lambda key: statistics.mean(result["latency_cycles"][key] for result in results)
            self.expect(f"{point} mean", of("mean"), row["pkt_latency_mean"], self.mean_tolerance(row))
            self.expect(f"{point} p99", of("p99"), row["p99"], max(P99, SPREADS * row["p99_sd"] / row["p99"]))
            accepted = statistics.mean(result["accepted_flits_per_node_cycle"] for result in results)
            offered = statistics.mean(result["offered_flits_per_node_cycle"] for result in results)
            self.expect(f"{point} offered", offered, row["offered"], RATE)
            self.expect(f"{point} accepted", accepted, offered, RATE)
            self.expect(f"{point} hops", statistics.mean(result["hops_mean"] for result in results), row["hops"], HOPS)

    def test_low_load(self):
        print("\n  mean latency at low load                                      cowosim  BookSim2     error")
        points = []
        for name, of in CURVES.items():
            curve = rows(name)
            points += [(row["pkt_latency_mean_cyc"], Point(*of, row["offered_flits_node_cycle"], warmup=2000, measure=60000))
                       for row in curve if row["offered_flits_node_cycle"] <= LOW_LOAD * saturation(curve)]
        self.assertGreaterEqual(len(points), 20)
        for (mean, point), result in zip(points, self.simulate_all([point for _, point in points])):
            self.expect(str(point), result["latency_cycles"]["mean"], mean, MEAN)

    def test_saturation_throughput(self):
        print("\n  flits accepted per node and cycle, 1 offered                  cowosim  BookSim2     error")
        throughput = {name: next(row for row in rows(name) if row["mode"] == "throughput") for name in CURVES}
        points = [Point(*of, 1, warmup=4000, measure=8000 if of[1] > 4 else 16000) for of in CURVES.values()]
        for row, (point, results) in zip(throughput.values(), self.over_seeds(points)):
            accepted = statistics.mean(result["accepted_flits_per_node_cycle"] for result in results)
            self.expect(str(point), accepted, row["accepted_flits_node_cycle"], THROUGHPUT)

    def test_allocators(self):
        # Rows of iSLIP are points of the curves, seen above with more seeds; wavefront allocators are not there.
        print("\n  mean latency with round-robin allocators                      cowosim  BookSim2     error")
        points = []
        for row in rows("allocator_sensitivity"):
            if row["vc_allocator"] != "separable_input_first":
                continue
            cycles = {4: 96000, 8: 29000}[int(row["k"])]
            points.append((row["pkt_latency_mean"], Point(row["topology"], int(row["k"]), row["pattern"], int(row["packet_flits"]),
                                                          row["offered"], cycles // 4, cycles, settings=ROUND_ROBIN)))
        self.assertEqual(len(points), 6)
        for (mean, point), result in zip(points, self.simulate_all([point for _, point in points])):
            self.expect(str(point), result["latency_cycles"]["mean"], mean, ALLOCATOR)

    def test_another_router_leaves_the_tolerances(self):
        # The negative control: each of these is a plausible slip in a router, and each must show. More iterations of iSLIP find more
        # matches; BookSim2's rows of three equal those of one because its router never hands the number on.
        print("\n  planted changes                                               cowosim  BookSim2     error")
        planted = []
        for row, point in self.golden():
            if (point.k, point.pattern, row["frac_of_sat"]) == (4, "uniform", 0.9):
                planted += [(row, point._replace(settings=(change,))) for change in PLANTED]
        self.assertEqual(len(planted), 2 * len(PLANTED))
        for (row, point), result in zip(planted, self.simulate_all([point for _, point in planted])):
            found, reference = result["latency_cycles"]["mean"], row["pkt_latency_mean"]
            print(f"  {str(point):58} {found:9.3f} {reference:9.3f} {100 * (found / reference - 1):+7.2f} %")
            with self.subTest(point=str(point)):
                self.assertGreater(abs(found / reference - 1), self.mean_tolerance(row))


if __name__ == "__main__":
    unittest.main()
