#!/usr/bin/env python3
"""The checks of ./dev lint: what STYLE and the layering ask and a tool can see.

With names, runs those checks only. --build names the build whose archives the symbol check reads.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import gen_errors
import gen_settings
import symbols
from layers import read_layers

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 1000
SOURCE_SUFFIXES = {".cpp", ".hpp", ".h", ".c", ".ts", ".tsx", ".js", ".mjs", ".py", ".sh", ".cmake"}
TEXT_SUFFIXES = SOURCE_SUFFIXES | {".md", ".json", ".txt", ".toml", ".yml", ".yaml", ".html", ".css", ".proto"}
SKIPPED_FOLDERS = {".git", "build", "node_modules", "dist", "__pycache__", "data", "tandem-data"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Written in pieces so that this file does not hold what it forbids.
FORBIDDEN_TEXT = [
    (re.compile(r"(?<![\w.])/(?:wor" r"k|roo" r"t|far" r"m|home/\w+)/\w"), "a path of one machine"),
    (re.compile(r"/tmp/(?:bash" r"_jobs|bri" r"ef)"), "a path of one machine"),
    (re.compile(r"registry\.npm" r"js\.org|registry\.yarn" r"pkg\.com|deb\.deb" r"ian\.org|pypi" r"\.org|"
                r"files\.python" r"hosted\.org|proxy\.gol" r"ang\.org|crates" r"\.io"), "a package registry's host"),
]
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")


def repository_files(root):
    """Files that are or could be committed, relative to `root`."""
    run = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=root, capture_output=True)
    if run.returncode == 0 and run.stdout:
        names = [pathlib.Path(name) for name in run.stdout.decode().split("\0") if name]
    else:
        names = [path.relative_to(root) for path in root.rglob("*")]
    return sorted(n for n in names if not SKIPPED_FOLDERS & set(n.parts) and (root / n).is_file())


class Tree:
    """A source tree to judge; its files are read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = repository_files(self.root)
        self._texts = {}

    def text(self, name):
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_text(encoding="utf-8", errors="replace")
        return self._texts[name]

    def with_suffix(self, *suffixes):
        return [name for name in self.files if name.suffix in suffixes]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_includes(tree):
    """A folder of src/ includes only headers of the folders that cmake/layers.txt allows it."""
    allowed, _ = read_layers(tree.root / "cmake" / "layers.txt")
    for name in tree.with_suffix(".cpp", ".hpp", ".h"):
        if name.parts[0] != "src" or len(name.parts) < 3:
            continue
        layer = name.parts[1]
        if layer not in allowed:
            yield f"{name}: the folder {layer} is not in cmake/layers.txt"
            continue
        text = tree.text(name)
        for match in INCLUDE.finditer(text):
            target = match[1].split("/")[0]
            where = f"{name}:{line_of(text, match.start())}"
            if "/" not in match[1] or target.startswith("."):
                yield f'{where}: include "{match[1]}" by its folder, as "{layer}/{pathlib.Path(match[1]).name}"'
            elif target in allowed and target != layer and target not in allowed[layer]:
                yield f"{where}: {layer} may not include {match[1]}"


def check_headers(tree):
    """Headers have #pragma once and no `using namespace` at namespace scope."""
    for name in tree.with_suffix(".hpp", ".h"):
        text = tree.text(name)
        if name.suffix == ".hpp" and not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield f"{name}: no #pragma once"
        match = re.search(r"^\s*using\s+namespace\b", text, re.MULTILINE)
        if match:
            yield f"{name}:{line_of(text, match.start())}: `using namespace` in a header"


def check_length(tree):
    for name in tree.files:
        if name.suffix in SOURCE_SUFFIXES and ".gen." not in name.name:
            lines = tree.text(name).count("\n")
            if lines > LINES_MAX:
                yield f"{name}: {lines} lines, more than {LINES_MAX}"


def check_words(tree):
    """No path of one machine, no registry's host, no mark of unfinished work."""
    for name in tree.files:
        if name.suffix not in TEXT_SUFFIXES and name.suffix:
            continue
        text = tree.text(name)
        for pattern, what in FORBIDDEN_TEXT:
            match = pattern.search(text)
            if match:
                yield f"{name}:{line_of(text, match.start())}: {what}: {match[0]}"
        if name.suffix in SOURCE_SUFFIXES:
            match = UNFINISHED.search(text)
            if match:
                yield f"{name}:{line_of(text, match.start())}: unfinished: {match[0]}"


def check_core(tree):
    """What the symbols of a pure layer cannot show: uses of headers and words it must not have."""
    _, pure = read_layers(tree.root / "cmake" / "layers.txt")
    header = re.compile(
        r"^\s*#\s*include\s+<(iostream|fstream|sstream|ostream|istream|thread|mutex|condition_variable|future|"
        r"random|filesystem|ctime|time\.h|sys/[a-z]+\.h|unistd\.h|fcntl\.h|pthread\.h)>", re.MULTILINE)
    word = re.compile(r"\b(dynamic_cast|typeid|thread_local)\b")
    for name in tree.with_suffix(".cpp", ".hpp"):
        if name.parts[0] != "src" or name.parts[1] not in pure or name.stem.endswith("_test"):
            continue
        text = tree.text(name)
        for pattern, what in ((header, "header"), (word, "construct")):
            match = pattern.search(text)
            if match:
                yield f"{name}:{line_of(text, match.start())}: {what} not for a pure layer: {match[1]}"


def check_format(tree):
    tool = shutil.which("clang-format-14")
    if not tool:
        yield "clang-format-14 is not installed"
        return
    names = [str(name) for name in tree.with_suffix(".cpp", ".hpp", ".h")]
    run = subprocess.run([tool, "--dry-run", "--Werror", *names], cwd=tree.root, capture_output=True, text=True)
    if run.returncode != 0:
        wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.MULTILINE)))
        yield from (f"{name}: not formatted; run ./dev fmt" for name in wrong or [run.stderr.strip()])


def check_generated(tree, build):
    yield from (f"{name}: not up to date; run ./dev errors" for name in gen_errors.stale_files())
    yield from (f"{name}: not up to date; run ./dev errors" for name in gen_settings.stale_files(tree.root, build))


def check_symbols(tree, build):
    """The archives of the pure layers use and define nothing that their purity forbids."""
    _, pure = read_layers(tree.root / "cmake" / "layers.txt")
    seen = 0
    for layer in sorted(pure):
        has_sources = any(n.parts[:2] == ("src", layer) and n.suffix == ".cpp" and not n.stem.endswith("_test")
                          for n in tree.files)
        archive = build / "src" / layer / f"libtandem_{layer}.a"
        if not archive.exists():
            if has_sources and (tree.root / "src" / layer / "CMakeLists.txt").exists():
                yield f"{archive}: not built"
            continue
        seen += 1
        for member, subject, symbol in symbols.violations(str(archive)):
            yield f"src/{layer} ({member}): {subject}: {symbol}"
    if seen == 0:
        yield f"{build}: holds no archive of a pure layer"


def main():
    checks = {
        "format": check_format, "includes": check_includes, "headers": check_headers, "length": check_length,
        "words": check_words, "core": check_core,
        "generated": lambda tree: check_generated(tree, options.build),
        "symbols": lambda tree: check_symbols(tree, options.build),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CHECK", help=" ".join(checks))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    unknown = set(options.names) - set(checks)
    if unknown:
        parser.error(f"no check {', '.join(sorted(unknown))}")

    start, passed, failed = time.monotonic(), 0, 0
    tree = Tree(ROOT)
    for name, check in checks.items():
        if options.names and name not in options.names:
            continue
        findings = list(check(tree))
        print(f"{'FAIL' if findings else 'ok  '} {name}")
        for finding in findings:
            print(f"     {finding}")
        passed, failed = passed + (not findings), failed + bool(findings)
    if options.json:
        options.json.write_text(json.dumps({
            "passed": passed, "failed": failed, "skipped": 0, "seconds": round(time.monotonic() - start, 3)}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
