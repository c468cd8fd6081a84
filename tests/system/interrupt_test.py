"""Runs that do not reach their end: signals, deadlocks, no progress. What was measured is written and marked as partial."""
import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

import cowosim_binary

FILES = {"run.json", "config.yaml", "results.json", "hashes.csv", "stats.csv", "summary.txt", "report.html"}
# Would take hours.
ENDLESS = ("h100_sxm5", "stream", "-s", "workload.footprint=64GiB")


def catches(process, number):
    """Whether the process has its handler for this signal installed: from then on it runs."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(mask, 16) >> (number - 1) & 1


class Interrupt(cowosim_binary.CowosimTest):
    def interrupt(self, number, *arguments):
        out = self.directory / number.name
        process = subprocess.Popen([cowosim_binary.binary(), "run", *ENDLESS, "--out", out, *arguments], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            while process.poll() is None and not catches(process, number):
                time.sleep(0.01)
            time.sleep(0.3)  # into the middle
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
        self.assertEqual(process.returncode, 130, stderr)
        self.assertEqual(stdout.splitlines()[-1], str(out))
        return cowosim_binary.Run(out)

    def test_signals_end_a_run_with_partial_results(self):
        for number, threads in ((signal.SIGINT, "1"), (signal.SIGTERM, "1"), (signal.SIGUSR1, "2")):
            with self.subTest(signal=number.name):
                run = self.interrupt(number, "--threads", threads)
                self.assertEqual({path.name for path in run.directory.iterdir()}, FILES)
                self.assertEqual((run["status"], run["partial"]), ("interrupted", True))
                self.assertGreater(run["transactions"], 0)
                about = json.loads((run.directory / "run.json").read_text())
                self.assertEqual((about["status"], about["exit_code"]), ("interrupted", 130))
                self.assertTrue((run.directory / "summary.txt").read_text().startswith("PARTIAL RESULTS"))

    def test_what_was_simulated_until_then_is_right(self):
        run = self.interrupt(signal.SIGINT)
        until = f"{round(run['simulated_ns'] * 1e6)}fs"
        again = self.run_cowosim(*ENDLESS, "--until", until, "--quiet")
        self.assertEqual(run.hashes(), again.hashes())

    def test_a_run_interrupted_with_force_still_replaces_only_a_run(self):
        run = self.interrupt(signal.SIGINT)
        done = cowosim_binary.call("run", "h100_sxm5", "stream", "-s", "workload.footprint=256KiB", "--out", run.directory)
        self.assertEqual(done.returncode, 2, "a partial run is a run")


class Stuck(cowosim_binary.CowosimTest):
    def stuck(self, *arguments):
        out = self.directory / "stuck"
        done = cowosim_binary.call("run", *arguments, "--out", out, "--quiet")
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        run = cowosim_binary.Run(out)
        self.assertEqual((run["status"], run["partial"]), ("deadlock", True))
        self.assertEqual({path.name for path in out.iterdir()}, FILES)
        return run, done.stderr

    def test_a_lost_response_is_a_deadlock_that_names_who_waits_for_whom(self):
        run, stderr = self.stuck("h100_sxm5", "stream", "-s", "workload.footprint=2MiB", "-s", "hbm.fault.stack=2",
                                 "-s", "hbm.fault.channel=3", "-s", "hbm.fault.drop_response_after=10")
        first, *waits = stderr.splitlines()
        self.assertRegex(first, r"^cowosim run: error: deadlock: \d+ transactions? outstanding and nothing due anywhere$")
        # The chain from the program to the slice of stack 2, channel 3 (slices are counted through: 2 x 16 + 3).
        for expected in (r"^  dispatcher waits for the cores: .*tiles? launched and not answered",
                         r"^  die_0\.core_\d+ .*waits for network: \d+ loads? without an answer",
                         r"^  die_0\.slice_35 .*waits for memory"):
            self.assertTrue(any(re.search(expected, line) for line in waits), f"{expected}\n{stderr}")
        self.assertLess(run["simulated_ns"], 100_000, "it is noticed at once")

    def test_a_lost_response_of_a_lonely_channel_too(self):
        trace = self.trace(*(f",R,{32 * i},32" for i in range(200)))
        _, stderr = self.stuck("reference/hbm3_6400", "trace", "-s", f"workload.file={trace}", "-s", "hbm.fault.drop_response_after=50")
        self.assertIn("deadlock: 1 transaction", stderr)
        self.assertIn("source", stderr)

    def test_idle_time_is_not_a_stall(self):
        # Nothing moves for 5 ms of simulated time because nothing has to: the next request is that far away.
        trace = self.trace("0,R,0,32", "5000000,R,64,32")
        run = self.run_cowosim("reference/hbm3_6400", "trace", "-s", f"workload.file={trace}", "--stall-limit", "10us", "--quiet")
        self.assertEqual((run["status"], run["transactions"]), ("completed", 2))


if __name__ == "__main__":
    unittest.main()
