"""The dependency direction holds, and the checker notices when it does not."""
import os
import pathlib
import tempfile
import unittest

import includes

SOURCE_DIR = pathlib.Path(os.environ.get("COWOSIM_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))

# A small tree that keeps every rule.
GOOD = {
    "models/core/time.h": "#pragma once\n#include <cstdint>\n",
    "models/engine/heart.h": '#include "core/time.h"\n',
    "models/work/tile.h": '#include "core/time.h"\n',
    "models/telemetry/blame.h": '#include "core/time.h"\n',
    "models/kernel/sockets.h": '#include <systemc>\n#include <tlm>\n#include "engine/heart.h"\n',
    "models/hbm/channel.h": '#include "engine/heart.h"\n#include "telemetry/blame.h"\n',
    "models/hbm/channel_shell.h": '#include <systemc>\n#include "hbm/channel.h"\n#include "kernel/sockets.h"\n',
    "models/fabric/mesh.h": '#include "engine/heart.h"\n',
    "models/compute/core.h": '#include "work/tile.h"\n',
    "traffic/model.h": '#include "work/tile.h"\n',
    "traffic/model.cpp": '#include "traffic/model.h"\n#include <yaml-cpp/yaml.h>\n',
    "platforms/package.h": '#include "kernel/sockets.h"\n#include "traffic/model.h"\n',
    "platforms/yaml.h": "#include <yaml-cpp/yaml.h>\n",
    "platforms/main.cpp": '#include "platforms/package.h"\nint sc_main(int, char**) { return 0; }\n',
    "tests/unit/hbm/channel_test.cpp": '#include "hbm/channel.h"\n// int sc_main(int, char**)\n',
    "tests/module/hbm/shell_test.cpp": '#include <systemc>\n#include "hbm/channel_shell.h"\n',
    "tests/support/sc_main.cpp": "int sc_main(int argc, char** argv) { return 0; }\n",
}
# One planted fault each: (file, text, line, part of the message).
FAULTS = [
    ("models/core/bad.h", '#pragma once\n#include "engine/heart.h"\n', 2, "core may not know engine"),
    ("models/engine/bad.h", '#include "telemetry/blame.h"\n', 1, "engine may not know telemetry"),
    ("models/work/bad.h", '#include "engine/heart.h"\n', 1, "work may not know engine"),
    ("models/telemetry/bad.h", '#include "hbm/channel.h"\n', 1, "telemetry may not know hbm"),
    ("models/kernel/bad.h", '#include "hbm/channel.h"\n', 1, "kernel may not know hbm"),
    ("models/kernel/bad.h", '#include "work/tile.h"\n', 1, "kernel may not know work"),
    ("models/hbm/bad.cpp", '#include "fabric/mesh.h"\n', 1, "hbm may not know fabric"),
    ("models/compute/bad.h", '#include "traffic/model.h"\n', 1, "compute may not know traffic"),
    ("traffic/bad.cpp", '#include "platforms/package.h"\n', 1, "traffic may not know platforms"),
    ("models/hbm/bad.cpp", '\n\n#include "kernel/sockets.h"\n', 3, "hbm may not know kernel"),
    ("models/hbm/bad_shell.cpp", '#include "compute/core.h"\n', 1, "shells of hbm may not know compute"),
    ("models/hbm/bad.h", '#include "hbm/channel_shell.h"\n', 1, "a heart may not know a shell"),
    ("models/hbm/bad.h", "#include <systemc>\n", 1, "SystemC belongs to"),
    ("models/engine/bad.cpp", "  #  include <tlm_utils/simple_initiator_socket.h>\n", 1, "SystemC belongs to"),
    ("models/core/bad.cpp", "#include <sysc/kernel/sc_time.h>\n", 1, "SystemC belongs to"),
    ("tests/unit/hbm/bad_test.cpp", "#include <systemc.h>\n", 1, "SystemC belongs to"),
    ("tests/unit/hbm/bad_test.cpp", '#include "hbm/channel_shell.h"\n', 1, "a heart may not know a shell"),
    ("models/hbm/bad.h", "#include <nlohmann/json.hpp>\n", 1, "public headers pull in no YAML"),
    ("traffic/model.h", "#include <boost/program_options.hpp>\n", 1, "public headers pull in no YAML"),
    ("platforms/plugin.h", "#include <nlohmann/json.hpp>\n", 1, "public headers pull in no YAML"),
    ("models/hbm/bad.cpp", "#include <yaml-cpp/yaml.h>\n", 1, "only telemetry, traffic and platforms"),
    ("models/hbm/bad.h", '#include "channel.h"\n', 1, "names its room"),
    ("models/hbm/bad.h", '#include "../core/time.h"\n', 1, "names its room"),
    ("models/hbm/bad.h", "#include <core/time.h>\n", 1, "included with quotes"),
    ("models/hbm/bad_shell.cpp", "/* one\n two */\nint sc_main(int, char**) { return 0; }\n", 3, "sc_main exists in"),
    ("tests/unit/hbm/bad_test.cpp", "int sc_main(int, char**) { return 0; }\n", 1, "sc_main exists in"),
    ("models/attic/bad.h", "\n", 1, "is not a room"),
]


def plant(root, files):
    for name, text in files.items():
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Includes(unittest.TestCase):
    def test_this_repository_keeps_the_rules(self):
        self.assertGreater(len(list(includes.sources_of(SOURCE_DIR))), 15)
        self.assertEqual(includes.violations(SOURCE_DIR), [])

    def test_a_good_tree_passes(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, GOOD)
            self.assertEqual(includes.violations(root), [])

    def test_every_planted_fault_is_found_where_it_is(self):
        for name, text, line, message in FAULTS:
            with self.subTest(name=name, message=message), tempfile.TemporaryDirectory() as root:
                plant(root, {**GOOD, name: text})
                found = includes.violations(root)
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{name}:{line}: "), found[0])
                self.assertIn(message, found[0])


if __name__ == "__main__":
    unittest.main()
