"""doc/guide says only what works: files of its pages are written, its commands run, its lists are complete, its links lead somewhere."""
import os
import pathlib
import re
import shlex
import subprocess
import unittest

import cowosim_binary

GUIDE = cowosim_binary.SOURCE_DIR / "doc/guide"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Guide(cowosim_binary.CowosimTest):
    def follow(self, page):
        """Does what a reader of the page would do, in a directory of its own; returns how many commands that were."""
        here = self.directory / page.stem
        here.mkdir()
        path = f"{pathlib.Path(cowosim_binary.binary()).parent}:{os.environ['PATH']}"
        commands = 0
        for language, text in FENCE.findall(page.read_text()):
            if language in ("yaml", "csv"):
                name = re.match(r"# (\S+)\n", text)
                self.assertTrue(name, f"{page.name}: a file without its name in the first line")
                (here / name[1]).write_text(text)
            for line in text.splitlines() if language == "sh" else []:
                command, _, remark = line.partition("  # ")
                expected = int(remark.removeprefix("exit code ")) if remark else 0
                done = subprocess.run(shlex.split(command), cwd=here, env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, expected, f"{page.name}: {line}\n{done.stdout[-2000:]}{done.stderr}")
                commands += 1
        return commands

    def test_every_command_of_every_page(self):
        commands = {}
        for page in sorted(GUIDE.glob("*.md")):
            with self.subTest(page=page.name):
                commands[page.name] = self.follow(page)
        self.assertGreater(sum(commands.values()), 30, commands)

    def test_every_option_of_run_is_on_the_page(self):
        page = (GUIDE / "command_line.md").read_text()
        for option in re.findall(r"^\s+(?:-\w \[ )?(--[\w-]+)", cowosim_binary.call("run", "--help").stdout, re.MULTILINE):
            self.assertIn(f"{option}", page)

    def test_every_key_of_a_map_is_on_the_page(self):
        page = (GUIDE / "correlate.md").read_text()
        keys = re.findall(r"^  ([a-z]\S*)", cowosim_binary.call("correlate", "--help").stdout.partition("keys of a map")[2], re.MULTILINE)
        self.assertGreater(len(keys), 30)
        self.assertEqual(len(keys), len({key.replace(".[", "[") for key in keys}), keys)
        for key in keys:
            self.assertIn(f"`{key.split('.')[-1]}`", page, key)

    def test_every_workload_is_on_the_page(self):
        page = (GUIDE / "workloads.md").read_text()
        for line in cowosim_binary.call("list", "workloads").stdout.splitlines():
            self.assertIn(f"`{line.split()[0]}`", page)

    def test_links_lead_somewhere(self):
        for page in [*cowosim_binary.SOURCE_DIR.glob("doc/**/*.md"), *cowosim_binary.SOURCE_DIR.glob("*.md")]:
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page}: {target}")


if __name__ == "__main__":
    unittest.main()
