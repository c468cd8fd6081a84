"""House rules that are about files rather than code."""
import os
import pathlib
import re
import subprocess

TEXT = {".h", ".cpp", ".py", ".cmake", ".txt", ".in", ".yaml", ".yml", ".md", ".json", ".sh", ""}
# A path that exists only on somebody's machine. Composed, so that this file does not contain one.
MACHINE_PATH = re.compile(r"(?<![\w.\-}\])])/(?:" + "|".join(("work", "home", "tmp", "root", "Users")) + r")/\w")
LEFT_OVER = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
CARD_TOPICS = ("modelled", "source", "gap")  # what a model card speaks about, in whatever words its headings use
MODEL_ROOMS = ("models/hbm", "models/fabric", "models/compute", "models/bridge", "traffic")
ROOMS = MODEL_ROOMS + ("models/core", "models/engine", "models/work", "models/telemetry", "models/kernel", "platforms")
REQUIRED = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "CMakeLists.txt", "CMakePresets.json", ".clang-format",
            ".clang-tidy", ".ci/run", "scripts/run", "scripts/test", "doc/adr/README.md")


def files_of(root):
    """What belongs to the repository: tracked or about to be, relative paths. Without git, everything but build output."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True) if (root / ".git").exists() else None
    if listed is not None and listed.returncode == 0:
        names = sorted(set(listed.stdout.split("\0")) - {""})
        return [pathlib.Path(name) for name in names if (root / name).is_file()]
    return [path.relative_to(root) for path in sorted(root.rglob("*"))
            if path.is_file() and not {"build", "runs", ".git", "__pycache__"} & set(path.relative_to(root).parts)]


def violations(root):
    """Every broken rule below `root` as "file:line: what" or "file: what"."""
    root = pathlib.Path(root)
    files = files_of(root)
    names = {path.as_posix() for path in files}
    found = [f"{name}: missing" for name in REQUIRED if name not in names]
    for path in files:
        found += [f"{path}{place}: {what}" for place, what in _file_violations(root, path)]
    found += _folder_violations(root, files, names)
    return found


def _file_violations(root, path):
    if path.suffix not in TEXT or path.name == "LICENSE":
        return
    try:
        text = (root / path).read_text()
    except UnicodeDecodeError:
        yield "", "not UTF-8"
        return
    if text and not text.endswith("\n"):
        yield "", "no newline at the end of the file"
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield f":{number}", "a tab"
        if line.endswith((" ", "\r")) and path.suffix != ".md":
            yield f":{number}", "white space at the end of the line"
        if MACHINE_PATH.search(line):
            yield f":{number}", "a path of somebody's machine"
        if LEFT_OVER.search(line):
            yield f":{number}", "left for later"
    if path.suffix == ".h" and "#pragma once" not in text:
        yield "", "a header without #pragma once"
    if text.startswith("#!") and path.parts[0] in ("scripts", ".ci") and not os.access(root / path, os.X_OK):
        yield "", "a script that is not executable"


def _folder_violations(root, files, names):
    """Rooms have a README.md; every folder down to the second level has one or stands in the map of README.md."""
    room_texts = {room: (root / room / "README.md").read_text().lower() for room in MODEL_ROOMS if f"{room}/README.md" in names}
    for room in ROOMS:
        has_files = any(path.as_posix().startswith(room + "/") and path.suffix in (".h", ".cpp") for path in files)
        if has_files and f"{room}/README.md" not in names:
            yield f"{room}: a room without README.md"
    for room, text in room_texts.items():
        for topic in CARD_TOPICS:
            if topic not in text:
                yield f"{room}/README.md: a model card says what is modelled, its sources and its gaps; nothing on '{topic}'"
    listing = (root / "README.md").read_text() if "README.md" in names else ""
    folders = {"/".join(path.parts[:depth]) for path in files for depth in (1, 2) if len(path.parts) > depth}
    for folder in sorted(folders):
        if f"{folder}/README.md" in names or folder in ROOMS or folder.startswith("."):
            continue
        if not re.search(rf"(?<![\w/]){re.escape(folder.split('/')[-1])}/", listing):
            yield f"{folder}: neither README.md in it nor a line in the map of README.md"
