"""scripts/make_trace against the recorded stimulus of the HBM3 reference, through the text of the traces it writes."""
import csv
import io
import os
import pathlib
import subprocess
import sys
import unittest

SOURCE_DIR = pathlib.Path(os.environ.get("COWOSIM_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
STIMULUS = SOURCE_DIR / "tests/accuracy/stimulus"


def make_trace(*arguments):
    done = subprocess.run([sys.executable, "-B", SOURCE_DIR / "scripts/make_trace", *arguments], capture_output=True, text=True,
                          check=True)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def decode(address):
    """The reference platforms' map, written down a second time on purpose: row[14] bank[2] column[5] bank_group[2] offset[5]."""
    return {"offset": address & 31, "bg": address >> 5 & 3, "col": address >> 7 & 31, "ba": address >> 12 & 3, "row": address >> 14}


def differences(trace, stimulus, saturated):
    found = []
    for ours, theirs in zip(trace, stimulus, strict=True):
        place = decode(int(ours["address"], 16))
        expected = {key: int(theirs[key]) for key in ("bg", "col", "ba", "row")} | {"offset": 0}
        time = "" if saturated else float(theirs["arrival_ck"]) * 0.625
        if place != expected or ours["op"] != theirs["rw"] or ours["bytes"] != "32" or \
                (ours["time_ns"] if saturated else float(ours["time_ns"])) != time:
            found.append(f"request {theirs['id']}: {ours} for {theirs}")
    return found


class MakeTrace(unittest.TestCase):
    def recorded(self, name):
        with open(STIMULUS / f"{name}.csv", newline="") as lines:
            return list(csv.DictReader(lines))

    def test_recorded_streams_are_reproduced(self):
        files = sorted(STIMULUS.glob("*.csv"))
        self.assertEqual(len(files), 5)
        for file in files:
            pattern, mix, mode, load = file.stem.split("_")
            trace = make_trace(pattern, mix, mode if mode == "sat" else f"rate:{load}", "-n", "1000")
            self.assertEqual(differences(trace, self.recorded(file.stem), mode == "sat"), [], file.stem)

    def test_another_seed_is_noticed(self):
        trace = make_trace("rand", "r", "sat", "-n", "1000", "-p", "1")
        self.assertGreater(len(differences(trace, self.recorded("rand_r_sat_0"), True)), 900)

    def test_another_load_is_noticed(self):
        trace = make_trace("rand", "r", "rate:21", "-n", "1000")
        self.assertGreater(len(differences(trace, self.recorded("rand_r_rate_20"), False)), 900)

    def test_seqco_walks_a_row_first(self):
        places = [decode(int(row["address"], 16)) for row in make_trace("seqco", "w", "sat", "-n", "33")]
        self.assertEqual([place["col"] for place in places], list(range(32)) + [0])
        self.assertEqual([place["bg"] for place in places], [0] * 32 + [1])

    def test_full_load_arrives_in_every_slot(self):
        trace = make_trace("seqbg", "m", "rate:100", "-n", "100")
        self.assertEqual([float(row["time_ns"]) for row in trace], [1.25 * i for i in range(100)])

    def test_one_outstanding_is_a_chain(self):
        trace = make_trace("rand", "r", "one", "-n", "3")
        self.assertEqual([(row["time_ns"], row["id"], row["depends_on"], row["think_ns"]) for row in trace],
                         [("", "0", "", ""), ("", "1", "0", "40"), ("", "2", "1", "40")])


if __name__ == "__main__":
    unittest.main()
