"""Files of memory.load that are missing, malformed, outside memory or on top of each other: the exact message, nothing half written."""
import struct
import unittest

import cowosim_binary

END = ":00000001FF\n"
OUTSIDE = "lie outside memory, which ends at 0x10000000 (268435456 bytes)"


def elf(address, data):
    """A 64-bit little-endian program of one segment."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 120, address, address, len(data), len(data), 1) + data


class MemoryImages(cowosim_binary.CowosimTest):
    def platform(self, *entries, data="sparse", base="reference/hbm3_6400"):
        """A platform file; entry i of memory.load is in line i + 5, column 7."""
        lines = "".join(f"    - {entry}\n" for entry in entries)
        return self.write("platform.yaml", f"extends: {base}\nmemory:\n  data: {data}\n  load:\n{lines}")

    def binary(self, name, data):
        path = self.directory / name
        path.write_bytes(data)
        return path

    def reject(self, platform, message, *arguments):
        self.assert_rejected(platform, "random_access", "-s", "workload.count=10", *arguments, message=message)

    def test_files_that_are_right_are_loaded_and_change_no_time(self):
        raw = self.binary("a.bin", b"hello")
        program = self.binary("program", elf(0x10000, b"code"))
        text = self.write("a.hex", ":02000000616239\n".replace("39", "3B") + END)
        small = ("-s", "workload.count=100")
        plain = self.run_cowosim("reference/hbm3_6400", "random_access", *small)
        loaded = self.run_cowosim(self.platform(f"{raw}@128MiB", program, f"{text}@0x8000"), "random_access", *small)
        self.assertEqual(plain.hashes(), loaded.hashes())
        # config.yaml means the same from anywhere: the files are named absolutely, also those found with -I.
        found = self.run_cowosim(self.platform("a.bin@0x100"), "random_access", *small, "-I", self.directory)
        self.assertIn(f"{raw}@0x100", (found.directory / "config.yaml").read_text())
        again = self.run_cowosim(found.directory / "config.yaml")
        self.assertEqual(found.hashes(), again.hashes())

    def test_what_is_wrong_with_an_entry_is_said_at_the_entry(self):
        raw = self.binary("a.bin", b"hello")
        empty = self.binary("empty.bin", b"")
        whole = elf(0x10000, b"code")
        cut = self.binary("cut", whole[:-1])
        far = self.binary("far", elf(1 << 40, b"code"))
        big = self.binary("big", whole[:5] + b"\x02" + whole[6:])
        cases = {
            "nowhere.bin@0": "'nowhere.bin' does not exist; expected a file in the working directory or those of -I",
            f"{raw}@soon": "'soon' is not an address; expected FILE@ADDRESS with a decimal number, 0x... or a unit, such as 1GiB",
            raw: f"{raw}: is neither ELF nor Intel HEX (.hex, .ihex), and raw binary needs an address: FILE@ADDRESS",
            f"{empty}@0": f"{empty}: is empty; there is nothing to load",
            f"{self.directory}@0": f"{self.directory}: is no regular file",
            f"{raw}@0xffffffc": f"{raw}: 5 bytes at 0xffffffc {OUTSIDE}",
            f"{raw}@1TiB": f"{raw}: 5 bytes at 0x10000000000 {OUTSIDE}",
            cut: f"{cut}: the file is cut off: segment 0 has 4 bytes from 120 on, but the file 123 bytes",
            far: f"{far}: segment 0: 4 bytes at 0x10000000000 {OUTSIDE}",
            big: f"{big}: is not little endian; expected a little-endian ELF file",
        }
        for entry, message in cases.items():
            with self.subTest(entry=entry):
                platform = self.platform(f"{raw}@64", entry)
                self.reject(platform, f"{platform}:6:7: error: memory.load.1: {message}")

    def test_what_is_wrong_inside_a_hex_file_is_said_there(self):
        first = ":020000006162" + "3B\n"
        cases = {
            first.replace("3B", "3C") + END: "1:14: error: the checksum is 3C, but that of the record is 3B",
            first: "2:1: error: the file is cut off: it has no end record (:00000001FF)",
            ":02000004FFFFFC\n" + first + END: f"2:4: error: 2 bytes at 0xffff0000 {OUTSIDE}",
            first + first + END: "2:4: error: the file has bytes for 0x0 to 0x1 twice",
        }
        for text, message in cases.items():
            with self.subTest(text=text):
                file = self.write("a.hex", text)
                self.reject(self.platform(file), f"{file}:{message}")

    def test_an_address_of_a_terabyte_is_outside(self):
        file = self.write("a.hex", ":0200000061623B\n" + END)
        self.reject(self.platform(f"{file}@1TiB"), f"{file}:1:4: error: 2 bytes at 0x10000000000 {OUTSIDE}")

    def test_overlaps_name_both(self):
        raw = self.binary("a.bin", b"hello")
        program = self.binary("program", elf(0x10000, b"code"))
        platform = self.platform(program, f"{raw}@0xffff")
        self.reject(platform, f"{platform}:6:7: error: memory.load.1: {raw}: '{program}' and '{raw}@0xffff' overlap: both have bytes "
                              "for 0x10000 to 0x10003")

    def test_all_at_once(self):
        raw = self.binary("a.bin", b"hello")
        platform = self.platform(f"{raw}@1TiB", raw)
        done = cowosim_binary.call("run", platform, "random_access", "--out", self.directory / "out")
        self.assertEqual(done.returncode, 2)
        self.assertEqual([line.split(": error: ")[0] for line in done.stderr.splitlines()], [f"{platform}:5:7", f"{platform}:6:7"])

    def test_where_nothing_is_held_nothing_is_loaded(self):
        raw = self.binary("a.bin", b"hello")
        platform = self.platform(f"{raw}@0", data="none")
        message = "memory.load: memory that holds no data takes none; set memory.data: sparse, or load nothing"
        self.reject(platform, f"{platform}:5:5: error: {message}")
        self.assert_rejected(platform, message=f"{platform}:5:5: error: {message}", subcommand="validate")
        self.assert_rejected("reference/hbm3_6400", "random_access", "-s", f"memory.load={raw}@0",
                             message=f"--set:1:13: error: {message}")

    def test_validate_finds_files_that_are_missing(self):
        platform = self.platform("nowhere.bin@0")
        self.assert_rejected(platform, subcommand="validate",
                             message=f"{platform}:5:7: error: memory.load.0: 'nowhere.bin' does not exist; expected a file in the "
                                     "working directory or those of -I")

    def test_a_fabric_has_no_memory(self):
        raw = self.binary("a.bin", b"hello")
        what = "this platform is a fabric alone and has no memory; leave it out"
        platform = self.platform(f"{raw}@0", base="reference/mesh")
        self.assert_rejected(platform, message=f"{platform}:3:9: error: memory.data: {what}")
        platform = self.platform(f"{raw}@0", base="reference/mesh", data="none")
        self.assert_rejected(platform, message=f"{platform}:5:5: error: memory.load: {what}")


if __name__ == "__main__":
    unittest.main()
