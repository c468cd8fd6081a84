"""The package's address map and its registers, as `show` has them."""
import unittest

import cowosim_binary

PACKAGE = "h100_sxm5"
REGISTERS = 1 << 44
FOREIGN = """extends: h100_sxm5
hbm:
  stacks: 4
  regions:
    near: {stacks: [0, 1], size: 32GiB}
    far: {stacks: [2..3]}
registers:
  base: 96GiB
  size: 1MiB
foreign:
  npu: {role: target, at: die_0, base: 1TiB, size: 2GiB}
  nic: {role: target, at: off_package, base: 128GiB, size: 64KiB}
  mem: {role: target, in_place_of: hbm_stack_1}
  cpu: {role: initiator, at: die_0}
"""


def region(name, kind, first, size, what, **more):
    return {"name": name, "kind": kind, "first": first, "last": first + size - 1, "bytes": size, "what": what, **more}


class AddressMap(cowosim_binary.CowosimTest):
    def test_every_region_by_address(self):
        file = self.write("platform.yaml", FOREIGN)
        expected = [
            region("near", "memory", 0, 32 << 30, "over 32 channels of stacks 0, 1", stacks=[0, 1]),
            region("far", "memory", 32 << 30, 32 << 30, "over 32 channels of stacks 2, 3", stacks=[2, 3]),
            region("registers", "registers", 96 << 30, 1 << 20, "counters and doorbell of the package"),
            region("nic", "foreign", 128 << 30, 64 << 10, "foreign target off package"),
            region("npu", "foreign", 1 << 40, 2 << 30, "foreign target at die_0")]
        self.assertEqual(cowosim_binary.show(file)["address_map"], expected)
        printed = cowosim_binary.call("show", file).stdout
        for of in expected:
            self.assertRegex(printed, rf"#   {of['name']} +from 0x0*{of['first']:x}, +\S+, {of['what']}\n")

    def test_every_platform_with_memory_has_one(self):
        for platform in cowosim_binary.call("list", "platforms").stdout.split("\n"):
            if not (platform := platform.split(" ")[0]):
                continue
            facts = cowosim_binary.show(platform)
            with self.subTest(platform=platform):
                kinds = [of["kind"] for of in facts.get("address_map", [])]
                self.assertEqual(kinds, ["memory", "registers"] if "capacity_bytes" in facts else [])

    def test_decode_of_every_kind(self):
        file = self.write("platform.yaml", FOREIGN)
        addresses = {0: "near", (64 << 30) - 1: "far", 96 << 30: "registers", (96 << 30) + (1 << 20) - 1: "registers", 128 << 30: "nic",
                     (1 << 40) + (2 << 30) - 1: "npu"}
        places = cowosim_binary.show(file, *(word for a in addresses for word in ("--decode", hex(a))))
        self.assertEqual([place["region"] for place in places], list(addresses.values()))
        self.assertEqual([place["kind"] for place in places], ["memory"] * 2 + ["registers"] * 2 + ["foreign"] * 2)
        self.assertEqual(places[2]["register"], "magic")
        self.assertNotIn("register", places[3], "behind the last one")
        self.assertEqual(places[5]["offset"], (2 << 30) - 1)
        printed = cowosim_binary.call("show", file, *(word for a in addresses for word in ("--decode", hex(a)))).stdout
        self.assertEqual(len(printed.splitlines()), len(addresses))
        self.assertIn("0x1800000000: region registers, offset 0x0, magic (bits)\n", printed)
        self.assertIn("0x1007fffffff: region npu, offset 0x7fffffff, foreign target at die_0\n", printed)

    def test_a_hole_is_an_error_that_says_where(self):
        file = self.write("platform.yaml", FOREIGN)
        for address, where in {
                64 << 30: "lies in the hole between far (ends at 0xfffffffff) and registers (begins at 0x1800000000)",
                (96 << 30) + (1 << 20): "lies in the hole between registers (ends at 0x18000fffff) and nic (begins at 0x2000000000)",
                (1 << 40) + (2 << 30): "lies behind npu (ends at 0x1007fffffff)"}.items():
            done = cowosim_binary.call("show", file, "--decode", "0", "--decode", hex(address))
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stderr, f"cowosim show: error: --decode: {address:#x} {where}\n")

    def test_registers_may_move_anywhere_else(self):
        for base in ("80GiB", "8388608TiB"):  # right behind memory; 2^63 does not fit
            done = cowosim_binary.call("show", PACKAGE, "-s", f"registers.base={base}")
            self.assertEqual(done.returncode, 0 if base == "80GiB" else 2, done.stderr)


class Registers(cowosim_binary.CowosimTest):
    def registers(self, *arguments):
        return cowosim_binary.show(PACKAGE, "--registers", *arguments)

    def test_every_statistic_is_a_register(self):
        registers = self.registers()
        counters = [r for r in registers if r["offset"] >= 0x1000]
        self.assertEqual([r["offset"] for r in counters], list(range(0x1000, 0x1000 + 8 * len(counters), 8)))
        names = [r["name"] for r in counters]
        self.assertEqual(len(set(names)), len(names))
        hearts = [tuple(name.rsplit(".", 1)) for name in names]
        self.assertEqual(hearts, sorted(hearts), "by heart, then by statistic")
        self.assertLessEqual({r["unit"] for r in counters}, {"count", "B", "flop", "ps", "fJ", "1e-6", "B/s"})
        # stats.csv has the same, besides the dispatcher of a run's programs and sums over stacks.
        stats = self.shared_run(PACKAGE, "stream", "-s", "workload.footprint=64KiB").stats()
        of_hearts = {f"{path.removeprefix('package_0.')}.{stat}" for path, stat in stats
                     if path != "package_0.dispatcher" and not path.split(".")[-1].startswith("hbm_stack_")}
        self.assertEqual(set(names), of_hearts)

    def test_what_is_idle_has_its_registers_too(self):
        names = [r["name"] for r in self.registers("-s", "dies.*.network.precision=flit")]
        self.assertGreater(len([name for name in names if ".link." in name and name.endswith(".replays")]), 2 * (132 + 80))

    def test_only_the_ring_is_writable(self):
        self.assertEqual([r["name"] for r in self.registers() if r["writable"]], ["ring_base", "ring_entries", "tail", "error"])

    def test_the_text_is_the_same_list(self):
        lines = cowosim_binary.call("show", PACKAGE, "--registers").stdout.splitlines()[1:]
        self.assertEqual([(int(line.split()[0], 16), line.split()[1], line.split()[-1]) for line in lines],
                         [(r["offset"], r["unit"], r["name"]) for r in self.registers()])

    def test_a_register_is_where_decode_says(self):
        some = self.registers()[::997]
        places = cowosim_binary.show(PACKAGE, *(word for r in some for word in ("--decode", hex(REGISTERS + r["offset"] + 5))))
        self.assertEqual([place["register"] for place in places], [r["name"] for r in some])

    def test_they_must_fit(self):
        done = cowosim_binary.call("show", PACKAGE, "--registers", "-s", "registers.size=64KiB")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"^--set:1:16: error: registers.size: 65536 B hold \d+ counters, must be at least [\d.]+kB\n$")


if __name__ == "__main__":
    unittest.main()
