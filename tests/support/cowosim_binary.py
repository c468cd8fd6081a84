"""Runs the cowosim binary under test. ctest sets COWOSIM (the binary) and COWOSIM_SOURCE_DIR."""
import csv
import importlib.machinery
import importlib.util
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE_DIR = pathlib.Path(os.environ.get("COWOSIM_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))


def binary():
    return os.environ.get("COWOSIM") or str(SOURCE_DIR / "build/release/bin/cowosim")


def call(*arguments, timeout=300, env=None):
    """Any subcommand; returns the CompletedProcess (returncode, stdout, stderr as text). Never reads our stdin."""
    return subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(env or {})})


def script(name):
    """scripts/NAME as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(SOURCE_DIR / "scripts" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def show(*arguments):
    """`cowosim show ... --json`."""
    return json.loads(call("show", *arguments, "--json").stdout)


class Run:
    """What a run left behind."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)

    def __getitem__(self, path):
        """results.json by dotted path: run["hbm.loss.refresh"]."""
        value = json.loads((self.directory / "results.json").read_text())
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        return value

    def hashes(self):
        return (self.directory / "hashes.csv").read_text()

    def table(self, name):
        """A CSV file as a list of dictionaries."""
        with open(self.directory / name, newline="") as lines:
            return list(csv.DictReader(lines))

    def stats(self):
        """{(path, stat): value} of stats.csv."""
        return {(row["path"], row["stat"]): float(row["value"]) for row in self.table("stats.csv")}


class CowosimTest(unittest.TestCase):
    """A test with a directory of its own, in which runs land."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="cowosim-test-")
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.runs = 0

    def run_cowosim(self, *arguments, expect=0, timeout=300, watched=True):
        """`cowosim run ...` into a fresh directory, watched by the protocol checker; fails unless the exit code is the expected one."""
        self.runs += 1
        out = self.directory / f"run_{self.runs}"
        check = ("--check",) if watched and "--check" not in arguments else ()
        done = call("run", *arguments, *check, "--out", out, timeout=timeout)
        self.assertEqual(done.returncode, expect, f"cowosim run {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
        if expect == 0:
            self.assertEqual(done.stdout.splitlines()[-1], str(out), "the last line of stdout is the run's directory")
        return Run(out)

    @classmethod
    def shared_run(cls, *arguments):
        """A finished run that several tests of a class only read: simulated once, as users do, without the checker."""
        if "shared" not in cls.__dict__:
            cls.shared = {}
            temporary = tempfile.TemporaryDirectory(prefix="cowosim-test-")
            cls.addClassCleanup(temporary.cleanup)
            cls.shared_directory = pathlib.Path(temporary.name)
        if arguments not in cls.shared:
            out = cls.shared_directory / str(len(cls.shared))
            done = call("run", *arguments, "--out", out, "--quiet")
            if done.returncode != 0:
                raise AssertionError(f"cowosim run {' '.join(map(str, arguments))}: {done.returncode}\n{done.stderr}")
            cls.shared[arguments] = Run(out)
        return cls.shared[arguments]

    def write(self, name, text):
        """A file in the test's directory."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def trace(self, *requests, header="time_ns,op,address,bytes", name="trace.csv"):
        """A trace file of these lines."""
        return self.write(name, "\n".join([header, *requests, ""]))

    def assert_rejected(self, *arguments, message, subcommand="run"):
        """Exit code 2, exactly this message as a line of stderr, and nothing half written."""
        out = self.directory / "rejected"
        extra = ["--out", out] if subcommand == "run" else []
        done = call(subcommand, *arguments, *extra)
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(message, done.stderr.splitlines(), done.stderr)
        self.assertFalse(out.exists(), "a rejected run left something behind")
