"""Collective operations through the binary: what each link carries, when operations end, and beside other traffic."""
import unittest

import cowosim_binary

TREE_LINKS = 15  # of a 4 x 4 mesh: a tree over 16 routers
CHUNKS, FLITS = 64, 32  # of 64 KiB in chunks of 1 KiB, in flits of 32 bytes


class Collective(cowosim_binary.CowosimTest):
    def operate(self, kind, *settings):
        return self.run_cowosim("reference/mesh", "collective", "-s", f"workload.kind={kind}", "-s", "workload.bytes=64KiB", "-s", "workload.chunk=1KiB",
                                "-s", "workload.operations=2", *settings)

    def flits_between_routers(self, run):
        return sum(link["flits"] for link in run["fabric.links"] if link["kind"] == "mesh")

    def test_each_link_of_the_tree_carries_the_data_once(self):
        for kind, ways_back in (("broadcast", 1), ("reduce", 1), ("all_reduce", FLITS)):  # a header, a header, the result
            with self.subTest(kind=kind):
                run = self.operate(kind)
                self.assertEqual(self.flits_between_routers(run), 2 * TREE_LINKS * CHUNKS * (FLITS + ways_back))

    def test_operations_follow_each_other(self):
        first, second = self.operate("all_reduce")["workload.operators"]
        self.assertEqual((first["kind"], first["bytes"]), ("all_reduce", 64 << 10))
        self.assertLess(first["start_ns"], first["end_ns"])
        self.assertGreaterEqual(second["start_ns"], first["end_ns"])
        # 64 chunks of 32 flits, and the way there and back.
        self.assertGreater(first["end_ns"] - first["start_ns"], CHUNKS * FLITS)
        self.assertLess(first["end_ns"] - first["start_ns"], 1.5 * CHUNKS * FLITS)

    def test_other_traffic_slows_it_down_and_is_blamed(self):
        def duration(run):
            return run["workload.operators"][0]["end_ns"]

        both = self.run_cowosim("reference/mesh", "-w", "sum=collective", "-w", "load=synthetic", "-s", "sum.bytes=64KiB", "-s", "load.rate=0.4",
                                "-s", "load.warmup_cycles=0", "-s", "load.measure_cycles=10000")
        self.assertGreater(duration(both), 1.05 * duration(self.operate("all_reduce")))
        rows = {(row["victim"], row["aggressor"]) for row in both["blame"]}
        self.assertIn(("sum", "load"), rows)

    def test_packet_precision_has_the_same_units(self):
        flit, packet = self.operate("broadcast"), self.operate("broadcast", "-s", "fabric.precision=packet")
        self.assertAlmostEqual(packet["workload.operators.0.end_ns"] / flit["workload.operators.0.end_ns"], 1, delta=0.05)

    def test_more_outstanding_than_units_hold_is_an_error(self):
        done = cowosim_binary.call("run", "reference/mesh", "collective", "-s", "workload.outstanding=33", "--out", self.directory / "no")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("workload.outstanding", done.stderr)

    def test_chunks_that_fit_in_no_buffer_are_an_error(self):
        done = cowosim_binary.call("run", "reference/mesh", "collective", "-s", "fabric.router.switching=virtual_cut_through", "--out", self.directory / "no")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("fabric.router.buffer_flits: virtual_cut_through: packets of collective have 32 flits", done.stderr)
        done = cowosim_binary.call("run", "h100_sxm5", "stream", "-s", "dies.die_0.network.precision=flit", "-s",
                                   "dies.die_0.network.router.switching=virtual_cut_through", "-s", "dies.die_0.network.router.buffer_flits=1", "--out",
                                   self.directory / "no")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("dies.die_0.network.router.buffer_flits: virtual_cut_through", done.stderr)

    def test_a_root_outside_of_the_fabric_is_an_error(self):
        done = cowosim_binary.call("run", "reference/mesh", "collective", "-s", "workload.kind=broadcast", "-s", "workload.root=16", "--out",
                                   self.directory / "no")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("terminals 0 to 15", done.stderr)


if __name__ == "__main__":
    unittest.main()
