"""Who may include what: the dependency direction of the rooms, checked on the text of #include lines.

    core <- {engine, work, telemetry} <- {hbm, fabric, compute, bridge, traffic} hearts;  hearts + engine + kernel <- shells <- platforms

The link graph in CMake says the same, but headers need no linking and SystemC's lie on the default include path.
"""
import pathlib
import re

BASE = {"core", "engine", "work", "telemetry"}
MODELS = {"hbm", "fabric", "compute", "bridge", "traffic"}
# Rooms that a file of a room may include.
ALLOWED = {
    "core": {"core"},
    "engine": {"core", "engine"},
    "work": {"core", "work"},
    "telemetry": {"core", "telemetry"},
    "kernel": {"core", "engine", "kernel"},
    **{room: BASE | {room} for room in MODELS},
    "platforms": BASE | MODELS | {"kernel", "platforms"},
}
SOURCES = {".h", ".cpp"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
SYSTEMC = re.compile(r"^(systemc|tlm|tlm_core/|tlm_utils/|sysc/)")
FILE_FORMATS = re.compile(r"^(yaml-cpp/|nlohmann/|boost/)")
SC_MAIN = re.compile(r"^[ \t]*(?:extern\s+\"C\"\s+)?int\s+sc_main\s*\(", re.MULTILINE)
# Where an sc_main may be. The out-of-tree project is a foreign program that only lives in this repository.
SC_MAIN_HOMES = ("platforms/", "tests/support/", "tests/system/out_of_tree/")
# May read YAML, JSON or use Boost in a source file; a public header may not anywhere.
FILE_FORMAT_ROOMS = {"telemetry", "traffic", "platforms"}
PUBLIC_ROOTS = ("platforms/package.h", "platforms/plugin.h")


def room_of(path):
    """Room of a source file, given relative to the repository; None outside the rooms."""
    parts = path.parts
    if parts[0] == "models" and len(parts) > 2:
        return parts[1]
    return parts[0] if parts[0] in ("traffic", "platforms") else None


def sources_of(root):
    for folder in ("models", "traffic", "platforms", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                yield path.relative_to(root)


def includes_of(text):
    """[(line, project include or None, system include or None)]"""
    return [(text.count("\n", 0, found.start(found.lastindex)) + 1, found[1], found[2]) for found in INCLUDE.finditer(text)]


def is_public(path, reachable):
    """Public headers: all of models/, and what PUBLIC_ROOTS pull in."""
    return path.suffix == ".h" and (path.parts[0] == "models" or path.as_posix() in reachable)


def locate(root, name):
    """File an include names, relative to the repository (include roots: models and the repository)."""
    for candidate in (pathlib.Path("models") / name, pathlib.Path(name)):
        if (root / candidate).is_file():
            return candidate
    return None


def reachable_from(root, start):
    """Project headers pulled in by `start`, itself included, as posix paths."""
    seen = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path is None or path.as_posix() in seen or not (root / path).is_file():
            continue
        seen.add(path.as_posix())
        waiting += [locate(root, ours) for _, ours, _ in includes_of((root / path).read_text()) if ours]
    return seen


def violations(root):
    """Every broken rule below `root` as "file:line: what"."""
    root = pathlib.Path(root)
    reachable = set().union(*(reachable_from(root, pathlib.Path(public)) for public in PUBLIC_ROOTS))
    found = []
    for path in sources_of(root):
        text = (root / path).read_text()
        found += [f"{path}:{line}: {what}" for line, what in _file_violations(root, path, text, reachable)]
    return found


def _file_violations(root, path, text, reachable):
    room = room_of(path)
    shell = path.stem.endswith("_shell")
    # tests/unit/<room> and tests/accuracy/<room> hold tests of hearts; other tests may know everything.
    if path.parts[:2] in (("tests", "unit"), ("tests", "accuracy")):
        knows_systemc = False
        allowed = ALLOWED["platforms"] - {"kernel"} | {"unit", "accuracy", "support"}
    elif path.parts[0] == "tests":
        knows_systemc = True
        allowed = ALLOWED["platforms"] | {"support", "module", "bench", "unit", "accuracy"}
    else:
        if room not in ALLOWED:
            yield 1, f"'{path.parent}' is not a room"
            return
        knows_systemc = room in ("kernel", "platforms") or shell
        allowed = ALLOWED[room] | ({"kernel"} if shell else set())
    for line, ours, theirs in includes_of(text):
        if ours:
            target = ours.split("/")[0]
            if path.parts[0] == "tests" and (root / path.parent / ours).is_file():
                continue  # a helper beside the test
            if "/" not in ours or target == "..":
                yield line, f'"{ours}": a project include names its room ("hbm/channel.h")'
            elif target not in allowed:
                yield line, f'"{ours}": {"shells of " if shell else ""}{room or path.parent} may not know {target}'
            elif ours.split("/")[-1].split(".")[0].endswith("_shell") and not knows_systemc:
                yield line, f'"{ours}": a heart may not know a shell'
            continue
        if theirs.split("/")[0] in ALLOWED and locate(root, theirs):
            yield line, f'<{theirs}>: project headers are included with quotes'
        if SYSTEMC.match(theirs) and not knows_systemc:
            yield line, f"<{theirs}>: SystemC belongs to kernel, shells (*_shell) and platforms"
        if FILE_FORMATS.match(theirs) and path.parts[0] != "tests":
            if is_public(path, reachable):
                yield line, f"<{theirs}>: public headers pull in no YAML, JSON or Boost"
            elif room not in FILE_FORMAT_ROOMS:
                yield line, f"<{theirs}>: only telemetry, traffic and platforms read or write YAML and JSON or use Boost"
    if not path.as_posix().startswith(SC_MAIN_HOMES):
        plain = COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
        for match in SC_MAIN.finditer(plain):
            yield plain.count("\n", 0, match.start()) + 1, "sc_main exists in platforms and tests/support only"
