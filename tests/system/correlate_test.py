"""`cowosim correlate` against per-request measurements: the reference's own files, a monitor's dump, a planted fault and its absence."""
import csv
import gzip
import json
import os
import pathlib
import unittest

import cowosim_binary

PLATFORM = "reference/hbm3_6400"
REFERENCE = cowosim_binary.SOURCE_DIR / "tests/accuracy/hbm/reference"
FILES = ("rand_r_rate_20", "rand_m_sat_0", "seqbg_r_sat_0")
FAULT = ("-s", "hbm.fault.extra_rcd_read=2")
# Ramulator's clock is half a CK ahead when it completes, and a write completes with its column command (README.md there).
COLUMNS = """
columns: {id: id, issue: arrival_ck, accepted: accept_ck, done: done_ck, op: rw, sid: sid, bank_group: bg, bank: ba, row: row, column: col}
time: {period: 0.625ns}
"""
MAP = COLUMNS + "done: {write: command, read_delay: 0.3125ns, write_delay: 0.3125ns}\n"
SATURATED = MAP + "replay: {issue: as_soon_as_possible}\n"

AXI = """
columns: {issue: time_ar, done: time_r, op: kind, address: AxADDR, id: AxID, master: port, beats: AxLEN, log2_size: AxSIZE}
time: {unit: ns, origin: first}
address: {offset: 0x800000000, radix: hex}
separator: semicolon
"""


def axi_dump(requests=240):
    """Reads one at a time, 200 CK apart and clear of refreshes, with the unloaded latencies of the reference: 22 CK for an open row, 54
    for a closed bank, 79 for another open row. Several masters, ids that come again, addresses with an offset."""
    lines = ["# from a monitor", "time_ar;AxID;port;kind;AxADDR;AxLEN;AxSIZE;time_r"]
    open_rows = {}
    now, refreshes = 0.0, 0
    for i in range(requests):
        now += 125
        if int((now + 100) / 3900) > refreshes:
            refreshes += 1
            now = 3900.0 * refreshes + 500
            open_rows.clear()
        bank = i * 7 // 3 % 16
        if i % 3 and open_rows:
            bank = sorted(open_rows)[i % len(open_rows)]
        row = open_rows[bank] if i % 3 == 1 and bank in open_rows else i
        clocks = 54 if bank not in open_rows else 22 if row == open_rows[bank] else 79
        open_rows[bank] = row
        address = 0x800000000 + ((row * 4 + bank // 4) * 32 + i % 32) * 128 + bank % 4 * 32
        lines.append(f"{now + 1e6:.4f};{i % 4};{'cpu' if i % 2 else 'dma'};AR;{address:x};0;5;{now + 1e6 + clocks * 0.625:.4f}")
    return lines


class Correlate(cowosim_binary.CowosimTest):
    def correlate(self, reference, map_text, *arguments, platform=PLATFORM, expect=0):
        """correlate.json of it, and the directory."""
        self.runs += 1
        out = self.directory / f"out_{self.runs}"
        done = cowosim_binary.call("correlate", platform, reference, "--map", self.write(f"map_{self.runs}.yaml", map_text), *arguments, "-o", out)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        self.last = done
        return json.loads((out / "correlate.json").read_text()), cowosim_binary.Run(out)

    def dump(self, lines, name="axi.csv"):
        return self.write(name, "\n".join(lines) + "\n")

    def test_every_request_of_the_reference_agrees_to_the_femtosecond(self):
        for name in FILES:
            for how in (MAP, SATURATED)[: 1 if "rate" in name else 2]:
                with self.subTest(name=name, how=how):
                    result, _ = self.correlate(REFERENCE / f"per_request_{name}.csv", how, "--tolerance", "0%")
                    self.assertEqual((result["compared"], result["unmatched"]), (5000, {"ours": 0, "reference": 0}))
                    self.assertEqual((result["error"]["worst_ns"], result["error"]["mean_absolute_ns"]), (0, 0))
                    self.assertEqual(result["suspects"], [])
                    self.assertFalse(result["divergence"]["found"])
                    self.assertEqual(sum(c["requests"] for c in result["classes"].values()), 5000)

    def test_a_planted_activation_is_found_in_each_of_them(self):
        for name in FILES:
            with self.subTest(name=name):
                result, _ = self.correlate(REFERENCE / f"per_request_{name}.csv", MAP, *FAULT)
                first = result["suspects"][0]
                self.assertIn("activation", first["stage"])
                self.assertIn("tRCDRD", first["parameter"])
                self.assertEqual(first["amount_clocks"], 2)
                self.assertGreaterEqual(first["requests"], 20)
                self.assertTrue(result["divergence"]["found"])
                self.assertIn(result["verdict"], self.last.stdout)
                # What the file cannot tell is not claimed: only one of them has hits.
                self.assertEqual(first["stage"] == "activation", name.startswith("seqbg"))

    def test_without_any_convention_the_unplanted_runs_name_no_activation(self):
        """The negative control, also for a map that knows nothing of when Ramulator says done."""
        for name in FILES:
            result, _ = self.correlate(REFERENCE / f"per_request_{name}.csv", COLUMNS)
            self.assertFalse([s for s in result["suspects"] if "activation" in s["stage"]], name)

    def test_a_saturated_start_tells_too(self):
        result, _ = self.correlate(REFERENCE / "per_request_seqbg_r_sat_0.csv", SATURATED, *FAULT)
        self.assertEqual([(s["stage"], s["amount_clocks"]) for s in result["suspects"]], [("activation", 2)])

    def test_a_fixed_delay_is_not_taken_for_an_activation(self):
        result, _ = self.correlate(REFERENCE / "per_request_seqbg_r_sat_0.csv", MAP, "-s", "hbm.controller.return_latency=1.25ns")
        self.assertEqual([(s["stage"], s["amount_clocks"]) for s in result["suspects"]], [("fixed pipeline", 2)])

    def test_another_density_is_a_refresh(self):
        """Twice the rows: tRFC is 144 CK longer."""
        result, _ = self.correlate(REFERENCE / "per_request_rand_r_rate_20.csv", MAP, "-s", "hbm.rows=32768")
        self.assertEqual([(s["stage"], s["amount_clocks"]) for s in result["suspects"]], [("refresh", 144)])

    def test_a_monitor_dump_of_other_columns(self):
        reference = self.dump(axi_dump())
        result, run = self.correlate(reference, AXI)
        self.assertEqual((result["compared"], result["error"]["worst_ns"], result["suspects"]), (240, 0, []))
        for what in ("hit", "closed", "conflict"):
            self.assertGreater(result["classes"][what]["requests"], 50, what)
        self.assertEqual(sorted(p.name[-7:] for p in run.directory.glob("trace_*.csv")), ["cpu.csv", "dma.csv"])
        result, run = self.correlate(reference, AXI, *FAULT)
        self.assertEqual([(s["stage"], s["parameter"], s["amount_clocks"]) for s in result["suspects"]], [("activation", "tRCDRD", 2)])
        self.assertEqual([result["classes"][what]["mean_clocks"] for what in ("hit", "closed", "conflict")], [0, 2, 2])
        errors = {(row["class"], row["error_clocks"]) for row in run.table("requests.csv")}
        self.assertEqual(errors, {("hit", "0.000"), ("closed", "2.000"), ("conflict", "2.000")})

    def test_a_monitor_that_writes_when_a_request_is_answered(self):
        """The same place twice, the later request first in the file: each belongs to its own."""
        lines = ["ar,r,a", "400,413.75,0", "200,233.75,0"]
        how = "columns: {issue: ar, done: r, address: a}\ntime: {unit: ns}\nop: {only: read}\n"
        for order in (lines, [lines[0], lines[2], lines[1]]):
            result, _ = self.correlate(self.dump(order), how)
            self.assertEqual((result["compared"], result["error"]["worst_ns"], result["error"]["mean_absolute_ns"]), (2, 0, 0))

    def test_masters_with_numbers_for_names(self):
        names = ["m", "11", *"bcdefghijk", "1", "x-1", "x1"]
        lines = ["ar,r,a,m"] + [f"{200 * i},{200 * i + 40},{4096 * i},{name}" for i, name in enumerate(names)]
        how = "columns: {issue: ar, done: r, address: a, master: m}\ntime: {unit: ns}\nop: {only: read}\n"
        result, run = self.correlate(self.dump(lines), how)
        self.assertEqual(result["compared"], len(names))
        self.assertEqual(len(list(run.directory.glob("trace_*.csv"))), len(names))

    def test_what_is_missing_is_counted(self):
        lines = axi_dump()
        lines[10] = lines[10].rsplit(";", 1)[0] + ";"  # never answered
        lines[20] = lines[20].rsplit(";", 1)[0] + ";"
        result, run = self.correlate(self.dump(lines), AXI)
        self.assertEqual((result["matched"], result["compared"], result["unanswered"]), (240, 238, {"ours": 0, "reference": 2}))
        self.assertEqual([r["line"] for r in run.table("requests.csv") if r["outcome"] == "unanswered"], ["11", "21"])

    def test_a_stimulus_of_its_own(self):
        """The monitor lost some requests that were made all the same, and has one that nobody made."""
        with open(REFERENCE / "per_request_rand_r_rate_20.csv", newline="") as lines:
            rows = sorted(csv.DictReader(lines), key=lambda row: int(row["id"]))
        address = lambda r: (((int(r["row"]) * 4 + int(r["ba"])) * 32 + int(r["col"])) * 4 + int(r["bg"])) * 32
        stimulus = self.trace(*(f"{float(r['arrival_ck']) * 0.625},R,{address(r)},32,{r['id']}" for r in rows), header="time_ns,op,address,bytes,id")
        kept = [r for r in rows if int(r["id"]) % 100 != 7] + [{**rows[0], "id": "123456"}]
        reference = self.dump([",".join(rows[0]), *(",".join(r.values()) for r in kept)], "reference.csv")
        result, run = self.correlate(reference, MAP, "--stimulus", stimulus)
        self.assertEqual((result["compared"], result["unmatched"]), (4950, {"ours": 50, "reference": 1}))
        self.assertEqual(result["error"]["worst_ns"], 0)
        outcomes = [(r["outcome"], r["id"]) for r in run.table("requests.csv") if r["outcome"] != "compared"]
        self.assertEqual(outcomes, [("reference_only", "123456")] + [("ours_only", str(n)) for n in range(7, 5000, 100)])

    def test_our_side_is_a_run_that_can_be_repeated(self):
        for reference, how in ((REFERENCE / "per_request_rand_m_sat_0.csv", SATURATED), (self.dump(axi_dump()), AXI)):
            _, run = self.correlate(reference, how)
            again = self.run_cowosim(run.directory / "config.yaml", "--quiet")
            self.assertEqual(run.hashes(), again.hashes())

    def test_compressed_and_json(self):
        packed = self.directory / "axi.csv.gz"
        packed.write_bytes(gzip.compress("\n".join(axi_dump()).encode()))
        result, run = self.correlate(packed, AXI, "--json")
        self.assertEqual(json.loads(self.last.stdout), result)
        for name in ("correlate.html", "requests.csv", "results.json", "trace_master_0_dma.csv"):
            self.assertTrue((run.directory / name).exists(), name)
        self.assertIn("<polyline", (run.directory / "correlate.html").read_text())
        points = result["bandwidth"]["over_time"]
        for side in ("ours", "reference"):
            moved = sum(p[f"{side}_GBps"] * (p["end_ns"] - p["begin_ns"]) for p in points)
            self.assertAlmostEqual(moved, 240 * 32, places=3)

    def test_tolerance_is_an_exit_code(self):
        reference = self.dump(axi_dump())
        self.correlate(reference, AXI, *FAULT, "--tolerance", "5%")
        self.correlate(reference, AXI, *FAULT, "--tolerance", "1%", expect=6)
        self.assertIn("cowosim correlate: error: the mean error is +2.58 % of the reference's mean latency, the tolerance 1 %", self.last.stderr)

    def test_a_run_that_breaks_says_so(self):
        """Nothing is compared: a memory in place of a stack does not take the package's addresses."""
        library = pathlib.Path(os.environ["COWOSIM_BUILD_DIR"]) / "plugins/libmyip.so"
        platform = self.write("platform.yaml", "extends: h100_sxm5\nforeign:\n  mem: {role: target, in_place_of: hbm_stack_0, "
                              f"plugin: {library}, type: my_memory, parameters: {{bytes: 1B}}}}\n")
        how = self.write("map.yaml", "columns: {issue: ar, done: r, address: a}\ntime: {unit: ns}\nop: {only: read}\n")
        reference = self.dump(["ar,r,a", "200,300,0"])
        out = self.directory / "broken"
        done = cowosim_binary.call("correlate", platform, reference, "--map", how, "-o", out)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("foreign model mem answers a read", done.stderr.splitlines()[0])
        self.assertFalse(out.exists())
        self.run_cowosim(platform, "-w", "a=trace", "-s", f"workloads.a.file={self.trace('0,R,0,32')}", expect=3)  # as run

    def test_a_package_with_dies(self):
        result, _ = self.correlate(self.dump(axi_dump(60)), AXI, platform="h100_sxm5")
        self.assertEqual(result["compared"], 60)
        self.assertEqual(result["classes"]["elsewhere"]["requests"], 0)
        self.assertGreater(result["error"]["mean_ns"], 100, "network and caches lie between")


if __name__ == "__main__":
    unittest.main()
