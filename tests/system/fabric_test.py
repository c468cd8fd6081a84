"""A platform that is a fabric, under synthetic traffic, from the command line: closed forms, results, invariance, precisions, deadlock."""
import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

import cowosim_binary

SHORT = ("-s", "workload.warmup_cycles=500", "-s", "workload.measure_cycles=4000")
HALF = ("-s", "workload.rate=0.36")  # of the saturation of the 4 x 4 mesh
HOST_KEYS = {"host_seconds", "cpu_seconds", "transactions_per_host_second", "transactions_per_cpu_second", "platform"}
CUSTOM = """default_workload: synthetic
fabric:
  topology: custom
  clocks:
    slow: {frequency: 750MHz}
  routers:
    left: {x: 0mm}
    middle: {x: 4mm}
    right: {x: 8mm, clock: slow}
    top: {x: 4mm, y: 3mm}
  links:
    left_middle: {from: left, to: middle}
    middle_right: {from: middle, to: right, width: 128, cycles: 3}
    left_top: {from: left, to: top, latency: 2.5ns}
    top_right: {from: top, to: right, energy_per_bit: 0.3pJ/bit}
    top_middle: {from: top, to: middle, direction: forward}
    middle_top: {from: middle, to: top, direction: forward, cycles: 4}
  terminals:
    core_0: {router: left}
    core_1: {router: middle}
    core_2: {router: right}
    core_3: {router: top}
    memory: {router: middle, width: 512}
"""


def settings(*pairs):
    return [word for pair in pairs for word in ("-s", pair)]


def alone(flits=5):
    """Packets so rare that no two of them meet: one in a node's 10,000 cycles."""
    return settings(f"workload.packet_flits={flits}", f"workload.rate={flits / 10000}", "workload.warmup_cycles=0", "workload.measure_cycles=60000")


def closed_form(hops, flits, pipeline=4, link=1):
    """Cycles of a packet alone: per router its pipeline, links between routers, injection and ejection of a cycle each, and its flits."""
    return hops * pipeline + (hops - 1) * link + 2 + flits


class Fabric(cowosim_binary.CowosimTest):
    def simulate(self, *arguments, **options):
        return self.run_cowosim(*arguments, "--no-report", "--quiet", watched=False, **options)

    def same(self, ours, theirs):
        """Hashes, and all results but what depends on the host."""
        self.assertEqual(ours.hashes(), theirs.hashes())
        results = [json.loads((run.directory / "results.json").read_text()) for run in (ours, theirs)]
        for key in results[0].keys() | results[1].keys():
            if key not in HOST_KEYS:
                self.assertEqual(results[0].get(key), results[1].get(key), key)


class ZeroLoad(Fabric):
    def test_every_topology_length_and_pipeline(self):
        # The mean over all packets is the closed form of their mean hops, because it is linear in them.
        for platform, changes, pipeline, link in (
                ("reference/mesh", [], 4, 1), ("reference/torus", ["fabric.k=5"], 4, 1),
                ("reference/mesh", ["fabric.router.routing_cycles=0", "fabric.router.vc_allocation_cycles=2"], 4, 1),
                ("reference/mesh", ["fabric.router.switch_traversal_cycles=3", "fabric.link.cycles=4"], 6, 4),
                ("reference/mesh", ["fabric.link.latency=2.5ns"], 4, 3),
                ("reference/mesh", ["fabric.frequency=2GHz", "fabric.link.cycles=2"], 4, 2),
                ("reference/mesh", ["fabric.topology=ring", "fabric.nodes=7"], 4, 1),
                ("reference/mesh", ["fabric.topology=crossbar", "fabric.routing=auto"], 4, 1),
                ("reference/mesh", ["fabric.topology=fully_connected", "fabric.routing=auto"], 4, 1),
                ("reference/mesh", ["fabric.routing=west_first"], 4, 1), ("reference/torus", ["fabric.routing=minimal_adaptive"], 4, 1)):
            for flits in (1, 5):
                with self.subTest(platform=platform, changes=changes, flits=flits):
                    run = self.simulate(platform, *settings(*changes), *alone(flits))
                    fabric = run["fabric"]
                    self.assertGreater(fabric["packets"], 50)
                    self.assertEqual(fabric["latency_cycles"]["count"], fabric["packets"])
                    self.assertAlmostEqual(fabric["latency_cycles"]["mean"], closed_form(fabric["hops_mean"], flits, pipeline, link), places=6)

    def test_every_pair(self):
        # One way each, all nodes alike: a rotation by (dx, dy) of a torus has the same distance from everywhere.
        for dx, dy in ((0, 0), (1, 0), (0, 2), (1, 1), (2, 2), (3, 0)):
            with self.subTest(dx=dx, dy=dy):
                file = self.write("rotation.txt", "".join(f"{(x + dx) % 4 + (y + dy) % 4 * 4}\n" for y in range(4) for x in range(4)))
                run = self.simulate("reference/torus", *settings("workload.pattern=permutation", f"workload.permutation_file={file}"), *alone())
                hops = 1 + min(dx, 4 - dx) + min(dy, 4 - dy)
                self.assertEqual(run["fabric.hops_mean"], hops)
                self.assertEqual(run["latency_ns.min"], closed_form(hops, 5))
                self.assertEqual(run["latency_ns.max"], closed_form(hops, 5))

    def test_show_says_what_a_run_measures(self):
        facts = cowosim_binary.show("reference/mesh")
        self.assertEqual((facts["fabric_topology"], facts["fabric_precision"], facts["fabric_routing"]), ("mesh", "flit", "dimension_order"))
        self.assertEqual((facts["fabric_terminals"], facts["fabric_links"]), (16, 48))
        self.assertEqual([facts[f"unloaded_{key}_ns"] for key in ("min", "mean", "max")],
                         [closed_form(hops, 1) for hops in (1, 3.5, 7)])
        self.assertNotIn("regions", facts, "there is no memory")
        run = self.simulate("reference/mesh", *alone(1))
        self.assertEqual(run["latency_ns.min"], facts["unloaded_min_ns"])
        self.assertLessEqual(run["latency_ns.max"], facts["unloaded_max_ns"])


class Results(Fabric):
    def test_keys(self):
        fabric = self.shared_run("reference/mesh", *SHORT)["fabric"]
        self.assertEqual(fabric["precision"], "flit")
        self.assertLessEqual({"packets", "measured_packets", "flits", "offered_flits_per_node_cycle", "accepted_flits_per_node_cycle",
                              "latency_cycles", "hops_mean", "links", "routers"}, fabric.keys())
        self.assertLessEqual({"count", "mean", "p50", "p90", "p95", "p99", "max"}, fabric["latency_cycles"].keys())
        self.assertEqual(len(fabric["links"]), 48 + 2 * 16)
        for link in fabric["links"]:
            self.assertLessEqual({"name", "kind", "bytes", "flits", "bandwidth_GBps", "peak_GBps", "utilization", "stall_fraction", "stalls",
                                  "replays"}, link.keys())
            self.assertEqual(set(link["stalls"]), {"no_credit", "lost_vc_allocation", "lost_switch_allocation", "replay"})
        self.assertEqual(len(fabric["routers"]), 16)
        for router in fabric["routers"]:
            self.assertLessEqual({"name", "flits", "buffer_occupancy"}, router.keys())
        run = self.shared_run("reference/mesh", *SHORT)
        self.assertEqual(run["bottleneck.bound_by"], "latency")
        for absent in ("hbm", "compute", "capacity"):
            with self.assertRaises(KeyError, msg=absent):
                run[absent]

    def test_flits_and_bytes_are_conserved(self):
        run = self.shared_run("reference/mesh", *SHORT, *HALF)
        fabric = run["fabric"]
        self.assertEqual(run["status"], "completed")
        self.assertEqual(fabric["flits"], 5 * fabric["packets"])
        self.assertEqual(run["bytes"], 32 * fabric["flits"])
        flits = {kind: sum(link["flits"] for link in fabric["links"] if link["kind"] == kind) for kind in ("injection", "ejection", "mesh")}
        passed = round(fabric["flits"] * fabric["hops_mean"])
        self.assertEqual(flits, {"injection": fabric["flits"], "ejection": fabric["flits"], "mesh": passed - fabric["flits"]})
        self.assertEqual(sum(router["flits"] for router in fabric["routers"]), passed)
        for link in fabric["links"]:
            self.assertEqual(link["bytes"], 32 * link["flits"])
        for router in fabric["routers"]:
            occupancy = router["buffer_occupancy"]
            self.assertLessEqual(occupancy["mean"], occupancy["peak"])
            self.assertLessEqual(occupancy["peak"], occupancy["slots"])

    def test_every_wait_for_a_link_is_charged_to_somebody(self):
        for arguments in (HALF, ("-w", "a=synthetic", "-w", "b=synthetic", *settings("a.rate=0.3", "b.rate=0.2", "b.pattern=transpose"))):
            run = self.simulate("reference/mesh", *arguments)
            waited = sum(sum(link["stalls"].values()) for link in run["fabric.links"])
            self.assertGreater(waited, 0)
            self.assertEqual(sum(row["wait_ns"] for row in run["blame"]), waited)

    def test_two_streams_add_up_to_one(self):
        one = self.simulate("reference/mesh", *HALF)
        two = self.simulate("reference/mesh", "-w", "a=synthetic", "-w", "b=synthetic", *settings("a.rate=0.24", "b.rate=0.12"))
        self.assertEqual(set(two["streams"]), {"a", "b"})
        self.assertEqual(sum(stream["transactions"] for stream in two["streams"].values()), two["fabric.packets"])
        self.assertEqual(sum(stream["bytes"] for stream in two["streams"].values()), 32 * two["fabric.flits"])
        self.assertAlmostEqual(two["fabric.accepted_flits_per_node_cycle"], 0.36, delta=0.01 * 0.36)
        # The network cannot tell who sends: the mean is that of one stream of the whole rate, within the sampling error of 23,000 packets.
        self.assertAlmostEqual(two["fabric.latency_cycles.mean"], one["fabric.latency_cycles.mean"],
                               delta=0.02 * one["fabric.latency_cycles.mean"])
        # Who waits for whom follows from the rates: a is on the links twice as often, so b waits for it twice as long as for itself.
        waits = {("a", "a"): 0, ("a", "b"): 0, ("b", "a"): 0, ("b", "b"): 0}
        for row in two["blame"]:
            waits[row["victim"], row["victim"] if row["aggressor"] == "self" else row["aggressor"]] += row["wait_ns"]
        self.assertAlmostEqual(waits["b", "a"] / waits["b", "b"], 2, delta=0.3)
        self.assertAlmostEqual(waits["a", "a"] / waits["a", "b"], 2, delta=0.3)
        self.assertAlmostEqual(waits["a", "b"] / waits["b", "a"], 1, delta=0.15)

    def test_requests_and_responses(self):
        arguments = ("reference/mesh", *settings("workload.request_response=true", "workload.response_flits=4", "workload.service_time=20ns"))
        run = self.simulate(*arguments, *alone())
        fabric = run["fabric"]
        self.assertEqual((fabric["packets"], fabric["flits"]), (2 * run["transactions"], 5 * run["transactions"]))
        ways = closed_form(fabric["hops_mean"], 1) + closed_form(fabric["hops_mean"], 4)
        self.assertAlmostEqual(fabric["latency_cycles"]["mean"], ways + 20, places=6)
        # A closed loop: a node has one request under way, and thinks between two.
        run = self.simulate(*arguments, *settings("workload.rate=1", "workload.max_outstanding=1", "workload.think_time=30ns"))
        fabric = run["fabric"]
        cycles = 5 / fabric["accepted_flits_per_node_cycle"]
        self.assertAlmostEqual(cycles, fabric["latency_cycles"]["mean"] + 30, delta=0.02 * cycles)

    def test_patterns(self):
        to = {"transpose": lambda n: n % 4 * 4 + n // 4,
              "bitcomp": lambda n: 15 - n,
              "bitrev": lambda n: int(f"{n:04b}"[::-1], 2),
              "shuffle": lambda n: 2 * n % 16 + n // 8,
              "tornado": lambda n: (n + 1) % 4 + (n // 4 + 1) % 4 * 4,
              "neighbor": lambda n: (n + 1) % 4 + (n // 4 + 1) % 4 * 4}
        for pattern, target in to.items():
            with self.subTest(pattern=pattern):
                run = self.simulate("reference/mesh", *settings(f"workload.pattern={pattern}", "workload.rate=0.1"))
                hops = sum(1 + abs(n % 4 - target(n) % 4) + abs(n // 4 - target(n) // 4) for n in range(16)) / 16
                self.assertAlmostEqual(run["fabric.hops_mean"], hops, delta=0.02 * hops)
        hot = self.simulate("reference/mesh", *settings("workload.pattern=hotspot", "workload.hotspots=[5,6]", "workload.rate=0.05"))
        used = {link["name"] for link in hot["fabric.links"] if link["kind"] == "ejection" and link["flits"] > 0}
        self.assertEqual(used, {"fabric.terminal_5.out", "fabric.terminal_6.out"})

    def test_bursts_wait_longer(self):
        steady = self.shared_run("reference/mesh", *HALF)
        bursty = self.simulate("reference/mesh", *HALF, *settings("workload.injection=bursty", "workload.measure_cycles=60000"))
        self.assertAlmostEqual(bursty["fabric.offered_flits_per_node_cycle"], 0.36, delta=0.05 * 0.36)
        self.assertGreater(bursty["fabric.latency_cycles.mean"], 1.3 * steady["fabric.latency_cycles.mean"])

    def test_beyond_saturation_it_says_so(self):
        run = self.simulate("reference/mesh", *settings("workload.rate=1"), *SHORT)
        self.assertLess(run["fabric.accepted_flits_per_node_cycle"], 0.8)
        self.assertNotEqual(run["bottleneck.bound_by"], "latency")
        self.assertIn("flits offered per node and", (run.directory / "summary.txt").read_text())


class Invariance(Fabric):
    def test_windows_threads_and_samples_change_nothing(self):
        file = self.write("custom.yaml", CUSTOM)
        # Seed 8 ends with credits under way that no packet waits for.
        for arguments in (("reference/mesh", *HALF, *SHORT),
                          ("reference/mesh", "--seed", "8", *settings("workload.warmup_cycles=100", "workload.measure_cycles=1000")), (file, *settings("workload.rate=0.3"), *SHORT),
                          ("reference/torus", "-w", "a=synthetic", "-w", "b=synthetic",
                           *settings("b.request_response=true", "a.measure_cycles=3000", "b.measure_cycles=2000")),
                          ("reference/mesh", "-s", "fabric.precision=packet", *HALF, *SHORT)):
            expected = self.simulate(*arguments)
            window = json.loads((expected.directory / "run.json").read_text())["window_ns"]
            for variant in (["--window", f"{window / 2:.6f}ns"], ["--window", f"{window / 7:.6f}ns"], ["--threads", "2"],
                            ["--shuffle-construction"], ["--stats-interval", "100ns"]):
                with self.subTest(run=arguments[0], variant=variant):
                    self.same(expected, self.simulate(*arguments, *variant))

    def test_rates_are_of_the_part_of_the_window_that_has_passed(self):
        run = self.run_cowosim("reference/mesh", *settings("workload.rate=0.3"), "--until", "15us")
        self.assertAlmostEqual(run["fabric.accepted_flits_per_node_cycle"], 0.3, delta=0.015)
        early = self.run_cowosim("reference/mesh", *settings("workload.rate=0.3"), "--until", "5us")
        self.assertNotIn("accepted_flits_per_node_cycle", early["fabric"], "the window has not begun")

    def test_headers_are_flits_of_the_load(self):
        run = self.simulate("reference/mesh", *settings("workload.rate=0.3", "fabric.header_bytes=16"))
        self.assertEqual(run["fabric.flits"], 6 * run["fabric.packets"])
        self.assertAlmostEqual(run["fabric.offered_flits_per_node_cycle"], 0.3, delta=0.01)
        self.assertAlmostEqual(run["fabric.accepted_flits_per_node_cycle"], run["fabric.offered_flits_per_node_cycle"], delta=0.005)

    def test_the_unloaded_mean_of_large_meshes_is_a_fair_sample(self):
        for k in (8, 16, 32):
            with self.subTest(k=k):
                shown = cowosim_binary.show("reference/mesh", "-s", f"fabric.k={k}")["unloaded_mean_ns"]
                self.assertAlmostEqual(shown / (5 * (1 + 2 * (k * k - 1) / (3 * k)) + 2), 1, delta=0.02)

    def test_its_own_config_reproduces_it(self):
        file = self.write("rotation.txt", "".join(f"{(n + 5) % 16}\n" for n in range(16)))
        for arguments in (("reference/mesh", *settings("workload.pattern=permutation", f"workload.permutation_file={file}"), *SHORT, "--seed", 7),
                          (self.write("custom.yaml", CUSTOM), *SHORT)):
            with self.subTest(run=arguments[0]):
                expected = self.simulate(*arguments)
                self.same(expected, self.simulate(expected.directory / "config.yaml"))

    def test_what_is_simulated_changes_the_hash(self):
        expected = self.shared_run("reference/mesh", *HALF, *SHORT)["completion_hash"]
        for change in (("--seed", 2), ("-s", "fabric.router.routing_cycles=2"), ("-s", "fabric.router.virtual_channels=3"),
                       ("-s", "workload.measure_cycles=4100"), ("-s", "fabric.router.vc_allocator=matrix")):
            with self.subTest(change=change):
                self.assertNotEqual(self.simulate("reference/mesh", *HALF, *SHORT, *change)["completion_hash"], expected)

    def test_buffers_over_time(self):
        run = self.simulate("reference/mesh", *HALF, *SHORT, "--stats-interval", "250ns")
        series = {}
        for row in run.table("series.csv"):
            if re.fullmatch(r"router\.router_\d+\.buffered", row["stat"]):
                series.setdefault(row["stat"], []).append((float(row["time_ns"]), float(row["value"])))
        self.assertEqual(len(series), 16)
        for stat, samples in series.items():
            with self.subTest(stat=stat):
                self.assertGreater(len(samples), 15)
                # What each interval adds, in flits x nanoseconds: never less than nothing, or than its slots hold.
                self.assertGreaterEqual(min(value for _, value in samples), 0)
                self.assertLess(max(value for _, value in samples) / 250, 320)
                router = next(router for router in run["fabric.routers"] if f"router.{router['name'][7:]}.buffered" == stat)
                mean = sum(value for _, value in samples) / samples[-1][0]
                self.assertAlmostEqual(mean, router["buffer_occupancy"]["mean"], delta=0.1 * mean)


class Precision(Fabric):
    def both(self, *arguments, platform="reference/mesh"):
        return [self.simulate(platform, "-s", f"fabric.precision={precision}", *arguments) for precision in ("flit", "packet")]

    def test_unloaded_they_agree(self):
        for platform, changes, flits in (("reference/mesh", [], 5), ("reference/mesh", [], 1), ("reference/torus", [], 5),
                                         ("reference/mesh", ["fabric.router.routing_cycles=3", "fabric.link.cycles=2"], 5)):
            with self.subTest(platform=platform, changes=changes, flits=flits):
                flit, packet = self.both(*settings(*changes), *alone(flits), platform=platform)
                self.assertEqual((flit["fabric.precision"], packet["fabric.precision"]), ("flit", "packet"))
                self.assertEqual(flit["fabric.hops_mean"], packet["fabric.hops_mean"])
                for key in ("mean", "min", "max"):
                    self.assertAlmostEqual(flit[f"latency_ns.{key}"], packet[f"latency_ns.{key}"], places=3)

    def test_at_half_of_saturation_packets_are_a_little_optimistic(self):
        # Links without buffers and arbitration: known to be up to 5 % fast here, and more beyond.
        flit, packet = self.both(*HALF)
        error = packet["fabric.latency_cycles.mean"] / flit["fabric.latency_cycles.mean"] - 1
        self.assertLess(error, 0)
        self.assertGreater(error, -0.05)
        self.assertIn("precision", (packet.directory / "summary.txt").read_text())

    def test_a_die_at_flit_precision(self):
        flits = ("-s", "dies.die_0.network.precision=flit")
        hits = [cowosim_binary.show("h100_sxm5", *options)["near_hit_ns"] for options in ((), flits)]
        self.assertAlmostEqual(hits[1], hits[0], delta=0.02 * hits[0])
        latencies = []
        for options in ((), flits):
            run = self.run_cowosim("h100_sxm5", "pointer_chase", "-s", "workload.footprint=256KiB", *options, "--quiet")
            self.assertEqual((run["status"], run["fabric.precision"]), ("completed", "flit" if options else "packet"))
            self.assertEqual(run["fabric.flits"] > 0, bool(options))
            latencies.append(run["latency_ns.p50"])
        self.assertAlmostEqual(latencies[1], latencies[0], delta=0.02 * latencies[0])
        run = self.run_cowosim("h100_sxm5", "stream", "-s", "workload.footprint=1MiB", *flits, "--quiet")
        self.assertEqual(run["status"], "completed")


class QualityOfService(Fabric):
    STREAMS = ("-w", "high=synthetic", "-w", "low=synthetic", *settings("high.rate=0.1", "low.rate=0.55"))

    def latencies(self, qos):
        file = self.write("platform.yaml", "extends: reference/mesh\n" + (f"fabric:\n  qos:\n{qos}" if qos else ""))
        streams = self.simulate(file, *self.STREAMS)["streams"]
        return streams["high"]["latency_ns"]["mean"], streams["low"]["latency_ns"]["mean"]

    def test_priority_and_age(self):
        alike = self.latencies("")
        self.assertAlmostEqual(alike[0], alike[1], delta=0.03 * alike[1])
        first = self.latencies("    streams:\n      high: {priority: 3}\n")
        self.assertLess(first[0], 0.85 * alike[0])
        self.assertGreater(first[1], alike[1])
        # Everything in the network is older than the limit: priority is left where packets enter it, in their first cycle.
        aged = self.latencies("    age_limit: 1ns\n    streams:\n      high: {priority: 3}\n")
        self.assertGreater(aged[0], 0.9 * alike[0])

    def test_rate_limit(self):
        # 0.2 flits of 32 bytes a nanosecond and terminal of the 0.55 that it offers.
        file = self.write("platform.yaml", "extends: reference/mesh\nfabric:\n  qos:\n    streams:\n      low: {rate_limit: 6.4GB/s}\n")
        run = self.simulate(file, *self.STREAMS, *settings("low.warmup_cycles=0", "low.measure_cycles=10000", "high.warmup_cycles=0",
                                                           "high.measure_cycles=10000"))
        injected = sum(link["flits"] for link in run["fabric.links"] if link["kind"] == "injection")
        low = run["streams.low.bytes"] / 32
        self.assertLess(low, injected)
        self.assertLessEqual(low / 16 / run["simulated_ns"], 0.2001)
        self.assertLess(run["streams.high.latency_ns.mean"], 40)


class Deadlock(Fabric):
    RING = "default_workload: synthetic\nfabric:\n  topology: ring\n  nodes: 8\n  routing: shortest_path\n  router: {virtual_channels: 1}\n"

    def test_the_circle_is_found_before_it_happens(self):
        file = self.write("ring.yaml", self.RING)
        done = cowosim_binary.call("run", file, "--out", self.directory / "rejected")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, rf"^{re.escape(str(file))}:5:12: error: fabric\.routing: router_0_router_1 vc 0 -> .* "
                                      "wait for each other in a circle")

    def test_the_circle_is_found_when_it_happens(self):
        out = self.directory / "stuck"
        done = cowosim_binary.call("run", self.write("ring.yaml", self.RING), *settings("fabric.deadlock_check=false", "workload.rate=1",
                                                                                         "workload.pattern=tornado"), "--out", out, "--quiet")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        run = cowosim_binary.Run(out)
        self.assertEqual((run["status"], run["partial"]), ("deadlock", True))
        self.assertTrue((out / "report.html").exists())
        first, *lines = done.stderr.splitlines()
        self.assertRegex(first, r"^cowosim run: error: deadlock: \d+ transactions outstanding and nothing due anywhere$")
        waits = dict(re.fullmatch(r"  fabric (.*) waits for (?:fabric )?(.*?): .*", line).groups() for line in lines if line.startswith("  fabric "))
        at, seen = next(name for name in waits if name.startswith("router_")), []
        while at not in seen:
            seen.append(at)
            at = waits[at]  # KeyError: somebody waits for one that waits for nobody
        circle = {re.match(r"router_\d+", name)[0] for name in seen[seen.index(at):]}
        self.assertEqual(circle, {f"router_{n}" for n in range(8)}, seen)

    def test_dimension_order_with_a_dateline_does_not(self):
        run = self.simulate(self.write("ring.yaml", self.RING), *settings("fabric.routing=dimension_order", "fabric.router.virtual_channels=2",
                                                                          "workload.rate=1", "workload.pattern=tornado"), *SHORT)
        self.assertEqual(run["status"], "completed")


class CommandLine(Fabric):
    def call(self, *arguments, expect=0):
        done = cowosim_binary.call(*arguments)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done.stdout

    def test_lists_and_schema(self):
        self.assertLessEqual({"reference/mesh", "reference/torus"}, {row["name"] for row in json.loads(self.call("list", "platforms", "--json"))})
        self.assertIn("synthetic", {row["name"] for row in json.loads(self.call("list", "workloads", "--json"))})
        paths = {row["path"] for row in json.loads(self.call("list", "parameters", "fabric.*", "--json"))}
        self.assertLessEqual({"fabric.k", "fabric.topology", "fabric.router.virtual_channels", "fabric.links.*.from",
                              "fabric.qos.streams.*.priority"}, paths)
        self.assertTrue(all(path.startswith("fabric.") for path in paths))
        schema = json.loads(self.call("schema", "platform"))["properties"]["fabric"]
        self.assertIn("torus", schema["properties"]["topology"]["enum"])

    def test_files(self):
        file = self.write("custom.yaml", CUSTOM)
        self.assertEqual(self.call("validate", file), f"{file}: valid platform\n")
        workload = self.write("traffic.yaml", "workload: synthetic\npattern: hotspot\nhotspots: [0, 2]\nrate: 0.1\n")
        self.assertEqual(self.call("validate", workload), f"{workload}: valid workload\n")
        run = self.simulate(file, workload, *SHORT)
        self.assertEqual((run["status"], run["streams.workload.transactions"] > 0), ("completed", True))
        again = self.write("resolved.yaml", self.call("show", file))
        self.assertEqual(cowosim_binary.show(again)["config"], cowosim_binary.show(file)["config"])
        energy = sum(link.get("energy_pJ", 0) for link in run["fabric.links"])
        flits = sum(link["flits"] for link in run["fabric.links"] if link["name"] in ("fabric.top_right", "fabric.right_top"))
        self.assertAlmostEqual(energy, 0.3 * 256 * flits, places=3)
        self.assertAlmostEqual(energy, run["fabric.energy_pJ"], places=3)

    def test_settings_file(self):
        file = self.write("settings.yaml", "fabric:\n  k: 3\n  router: {virtual_channels: 2}\nworkloads:\n  synthetic: {rate: 0.2}\n")
        run = self.simulate("reference/mesh", "--set-file", file, *SHORT)
        self.assertEqual(len(run["fabric.routers"]), 9)
        self.assertAlmostEqual(run["fabric.offered_flits_per_node_cycle"], 0.2, delta=0.02)

    def test_diverge(self):
        runs = [self.simulate("reference/mesh", *SHORT, *change) for change in ((), (), ("-s", "fabric.router.routing_cycles=2"))]
        self.assertIn("do not differ", self.call("diverge", runs[0].directory, runs[1].directory))
        text = self.call("diverge", runs[0].directory, runs[2].directory, expect=6)
        self.assertRegex(text, r"(?m)^first differing transaction: transaction \d+ of synthetic, address 0x[0-9a-f]+, at fabric$")

    def test_a_time_limit_and_a_kpi(self):
        self.assertEqual(self.simulate("reference/mesh", "--until", "200ns")["status"], "time_limit")
        self.simulate("reference/mesh", *SHORT, "--kpi", "fabric.latency_cycles.mean < 30")
        self.simulate("reference/mesh", *SHORT, "--kpi", "fabric.latency_cycles.mean < 10", expect=6)

    def test_an_interrupt_leaves_what_was_measured(self):
        out = self.directory / "interrupted"
        process = subprocess.Popen([cowosim_binary.binary(), "run", "reference/mesh", "-s", "workload.measure_cycles=1000000000", "--out", out,
                                    "--quiet"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            def catches():
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                return int(re.search(r"SigCgt:\s*([0-9a-f]+)", status)[1], 16) >> (signal.SIGINT - 1) & 1
            while process.poll() is None and not catches():
                time.sleep(0.01)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
        self.assertEqual(process.returncode, 130, stderr)
        run = cowosim_binary.Run(out)
        self.assertEqual((run["status"], run["partial"]), ("interrupted", True))
        self.assertGreater(run["fabric.packets"], 0)


if __name__ == "__main__":
    unittest.main()
