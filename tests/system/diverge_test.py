"""`cowosim diverge` finds the one pseudo-channel whose timing is off by one unit, and finds nothing where there is nothing."""
import json
import re
import shutil
import unittest

import cowosim_binary

STREAM = ("h100_sxm5", "stream", "-s", "workload.footprint=2MiB", "--epoch", "250ns")
FAULT = ("-s", "hbm.fault.stack=2", "-s", "hbm.fault.channel=3", "-s", "hbm.fault.pseudo_channel=1", "-s", "hbm.fault.extra_rcd_read=1")
FAULTY = "hbm_stack_2.channel_3"


class Diverge(cowosim_binary.CowosimTest):
    def diverge(self, a, b, *options):
        return cowosim_binary.call("diverge", a.directory, b.directory, *options)

    def test_equal_runs_do_not_differ(self):
        good = self.shared_run(*STREAM)
        same = self.run_cowosim(*STREAM, "--threads", "2", "--quiet")
        done = self.diverge(good, same)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"completion hash {good['completion_hash']}", done.stdout)

    def test_a_bug_of_one_unit_in_one_pseudo_channel_is_found(self):
        good, bad = self.shared_run(*STREAM), self.shared_run(*STREAM, *FAULT)
        done = self.diverge(good, bad)
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
        first, *rest = done.stdout.splitlines()
        self.assertRegex(first, r"^first difference in epoch \d+ \[\d+ ns, \d+ ns\): \d+ components?$")
        self.assertIn(f"  {FAULTY} (serve)", rest)
        transaction = next(line for line in rest if line.startswith("first differing transaction: "))
        self.assertRegex(transaction, rf"^first differing transaction: transaction \d+ of \S+, address 0x[0-9a-f]+, at {re.escape(FAULTY)}$")
        # It touches the faulty pseudo-channel (a transaction's atoms may alternate between the two).
        address = int(re.search("address (0x[0-9a-f]+)", transaction)[1], 16)
        size = int(re.search(r"read (\d+) bytes", done.stdout)[1])
        atoms = [word for atom in range(address, address + size, 32) for word in ("--decode", atom)]
        places = json.loads(cowosim_binary.call("show", "h100_sxm5", "--json", *atoms).stdout)
        self.assertEqual({(place["stack"], place["channel"]) for place in places}, {(2, 3)})
        self.assertIn(1, {place["pseudo_channel"] for place in places})

    def test_without_repeating_the_runs_epoch_and_components_are_named(self):
        done = self.diverge(self.shared_run(*STREAM), self.shared_run(*STREAM, *FAULT), "--no-rerun")
        self.assertEqual(done.returncode, 6)
        self.assertIn(FAULTY, done.stdout)
        self.assertNotIn("transaction", done.stdout)

    def test_another_seed_differs(self):
        runs = [self.shared_run("h100_sxm5", "random_access", "-s", "workload.count=1000", "--seed", seed) for seed in ("1", "2")]
        done = self.diverge(*runs)
        self.assertEqual(done.returncode, 6)
        self.assertIn("first differing transaction: ", done.stdout)

    def test_hashes_that_someone_changed_are_told_from_a_bug(self):
        good = self.shared_run(*STREAM)
        copy = cowosim_binary.Run(shutil.copytree(good.directory, self.directory / "copy"))
        hashes = copy.hashes()
        digit = hashes[-2]
        (copy.directory / "hashes.csv").write_text(hashes[:-2] + ("0" if digit != "0" else "1") + "\n")
        done = self.diverge(good, copy)
        self.assertEqual(done.returncode, 6)
        self.assertIn("Repeated from their config.yaml the runs do not differ", done.stdout)


if __name__ == "__main__":
    unittest.main()
