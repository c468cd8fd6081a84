"""Hashes, regions, masked units and odd stack heights, seen from outside: what is decoded, and where the bytes went."""
import collections
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
NUMA = """extends: h100_sxm5
hbm:
  stacks: 4
  hashes: ["bank_group[0] ^= row[0] ^ row[2]"]
  regions:
    near: {stacks: [0, 1], size: 32GiB}
    far: {stacks: [2..3]}
"""
MASKED = """extends: h100_sxm5
hbm:
  stacks: 6
  interleave: pseudo_channel
  masked: [hbm_stack_5, hbm_stack_0.channel_3, hbm_stack_1.channel_4.pseudo_channel_1]
"""
LIVE = 5 * 32 - 2 - 1  # pseudo-channels of MASKED


class AddressMap(cowosim_binary.CowosimTest):
    def places(self, platform, addresses):
        return cowosim_binary.show(platform, *(word for a in addresses for word in ("--decode", hex(a))))

    def test_regions(self):
        file = self.write("numa.yaml", NUMA)
        regions = cowosim_binary.show(file)["regions"]
        self.assertEqual(regions, [
            {"name": "near", "first_address": 0, "bytes": 32 << 30, "stacks": [0, 1], "units": 32},
            {"name": "far", "first_address": 32 << 30, "bytes": 32 << 30, "stacks": [2, 3], "units": 32}])
        self.assertRegex(cowosim_binary.call("show", file).stdout, r"#   far +from 0x0+800000000, +32GiB, over 32 channels of stacks 2, 3\n")
        self.assertIn("0x800000000: region far, stack ", cowosim_binary.call("show", file, "--decode", "0x800000000").stdout)
        for region in regions:
            places = self.places(file, range(region["first_address"], region["first_address"] + (512 << 9), 512))
            self.assertEqual({place["region"] for place in places}, {region["name"]})
            self.assertEqual({place["stack"] for place in places}, set(region["stacks"]))

    def test_traffic_stays_in_its_region(self):
        run = self.run_cowosim(self.write("numa.yaml", NUMA), "stream", "-s", "workload.footprint=512KiB")
        moved = {stack["name"]: stack["bytes"] for stack in run["hbm.stacks"]}
        self.assertGreaterEqual(moved["hbm_stack_0"] + moved["hbm_stack_1"], 512 << 10)
        self.assertEqual(moved["hbm_stack_2"] + moved["hbm_stack_3"], 0)

    def test_what_show_prints_is_the_same_platform(self):
        for text in (NUMA, MASKED):
            file = self.write("platform.yaml", text)
            again = self.write("again.yaml", cowosim_binary.call("show", file).stdout)
            self.assertEqual(cowosim_binary.show(again)["config"], cowosim_binary.show(file)["config"])

    def test_a_hash_by_a_setting(self):
        plain, hashed = (cowosim_binary.show(PACKAGE, "-s", f"hbm.hashes={text}", *(w for i in range(300) for w in ("--decode", str(i * 7777777))))
                         for text in ("[]", '["bank[1] ^= row[0] ^ row[13]"]'))
        for before, after in zip(plain, hashed):
            flip = (before["row"] ^ before["row"] >> 13) & 1
            self.assertEqual({**before, "bank": before["bank"] ^ flip << 1}, after)
        self.assertNotEqual(plain, hashed)

    def test_masked_units_are_in_no_figure(self):
        file = self.write("masked.yaml", MASKED)
        whole, facts = cowosim_binary.show(PACKAGE), cowosim_binary.show(file)
        self.assertAlmostEqual(facts["hbm_peak_GBps"], whole["hbm_peak_GBps"] * LIVE / 160, places=6)
        self.assertEqual(facts["capacity_bytes"], LIVE << 29)
        self.assertEqual(facts["channels"], 79)
        self.assertEqual(facts["l2_bytes"], 79 * (640 << 10))
        self.assertIn("35 of 192 pseudo-channels masked", cowosim_binary.call("show", file).stdout)
        places = self.places(file, (512 * i for i in range(LIVE * 3)))
        used = collections.Counter((p["stack"], p["channel"], p["pseudo_channel"]) for p in places)
        self.assertEqual(set(used.values()), {3}, "interleaved evenly over what is left")
        self.assertEqual(len(used), LIVE)
        self.assertFalse({(0, 3, 0), (0, 3, 1), (1, 4, 1)} & set(used))

        run = self.run_cowosim(file, "stream", "-s", "workload.footprint=2MiB")
        self.assertAlmostEqual(run["hbm.peak_GBps"], facts["hbm_peak_GBps"], places=6)
        self.assertAlmostEqual(run["hbm.utilization"] + sum(run["hbm.loss"].values()), 1, places=9)
        self.assertEqual([stack["name"] for stack in run["hbm.stacks"]], [f"hbm_stack_{i}" for i in range(5)])
        channels = {stack["name"]: {c["name"]: c for c in stack["channels"]} for stack in run["hbm.stacks"]}
        self.assertNotIn("channel_3", channels["hbm_stack_0"])
        self.assertAlmostEqual(2 * channels["hbm_stack_1"]["channel_4"]["peak_GBps"], channels["hbm_stack_1"]["channel_5"]["peak_GBps"])
        stats = run.stats()
        served = {path: value for (path, stat), value in stats.items() if stat == "transactions" and ".channel_" in path}
        self.assertGreater(served["package_0.hbm_stack_0.channel_4"], 0)
        self.assertEqual(stats["package_0.hbm_stack_1.channel_4", "pseudo_channel_1_reads"], 0)
        for path, value in served.items():
            if "hbm_stack_5" in path or path.endswith("hbm_stack_0.channel_3"):
                self.assertEqual(value, 0, path)
        slices = {path.split("slice_")[1]: value for (path, stat), value in stats.items() if ".slice_" in path and stat == "reads"}
        self.assertEqual({int(i) for i, reads in slices.items() if reads == 0}, {3, *range(80, 96)}, "nobody asks a masked channel's slice")

    def test_twelve_high_stacks_of_24_gigabit_dies(self):
        settings = ("-s", "hbm.sids=3", "-s", "hbm.rows=24576")
        self.assertEqual(cowosim_binary.show(PACKAGE, *settings)["capacity_bytes"], 5 * 36 << 30)
        places = cowosim_binary.show(PACKAGE, *settings, *(w for i in range(500) for w in ("--decode", str(i * 386547055))))
        self.assertEqual({place["sid"] for place in places}, {0, 1, 2})
        self.assertGreater(max(place["row"] for place in places), 24000)
        run = self.run_cowosim(PACKAGE, "stream", *settings, "-s", "workload.footprint=512KiB")
        self.assertGreaterEqual(sum(stack["bytes"] for stack in run["hbm.stacks"]), 512 << 10)


if __name__ == "__main__":
    unittest.main()
