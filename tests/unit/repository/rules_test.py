"""The repository keeps its rules about files, and the checker notices when it does not."""
import os
import pathlib
import tempfile
import unittest

import rules

SOURCE_DIR = pathlib.Path(os.environ.get("COWOSIM_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
CARD = "# Card\nWhat is modelled, sources, known gaps.\n"
GOOD = {name: "x\n" for name in rules.REQUIRED} | {
    "README.md": "models/ the rooms\nscripts/ run and test\ndoc/ to read\n",
    "models/hbm/README.md": CARD,
    "models/hbm/channel.h": "#pragma once\n",
}
FAULTS = [
    ("models/hbm/bad.cpp", "int\tx;\n", "models/hbm/bad.cpp:1: a tab"),
    ("models/hbm/bad.cpp", "int x; \n", "models/hbm/bad.cpp:1: white space"),
    ("models/hbm/bad.cpp", "int x;", "no newline at the end"),
    ("models/hbm/bad.cpp", "\n" + 'open("/' + 'tmp/x");\n', "models/hbm/bad.cpp:2: a path of"),
    ("models/hbm/bad.cpp", "// TO" + "DO: later\n", "left for later"),
    ("models/hbm/bad.h", "int x;\n", "without #pragma once"),
    ("models/core/time.h", "#pragma once\n", "models/core: a room without README.md"),
    ("models/hbm/README.md", "# Card\nmodelled, sources\n", "nothing on 'gap'"),
    ("attic/old.txt", "x\n", "attic: neither"),
    ("scripts/run", "#!/bin/sh\n", "scripts/run: a script that is not executable"),
    ("CHANGELOG.md", None, "CHANGELOG.md: missing"),
]


def check(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            if text is not None:
                path = pathlib.Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        return rules.violations(root)


class Rules(unittest.TestCase):
    def test_this_repository_keeps_the_rules(self):
        self.assertGreater(len(rules.files_of(SOURCE_DIR)), 40)
        self.assertEqual(rules.violations(SOURCE_DIR), [])

    def test_a_good_tree_passes(self):
        self.assertEqual(check(GOOD), [])

    def test_folder_names_are_no_machine_paths(self):
        self.assertEqual(check({**GOOD, "models/hbm/ok.cpp": '#include "work/tile.h"  // models/work/tile.h, ../home/x\n'}), [])

    def test_every_planted_fault_is_found(self):
        for name, text, message in FAULTS:
            with self.subTest(name=name, message=message):
                found = check({**GOOD, name: text})
                self.assertEqual(len(found), 1, found)
                self.assertIn(message, found[0])


if __name__ == "__main__":
    unittest.main()
