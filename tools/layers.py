"""Reads cmake/layers.txt, the table of which folder of src/ may use which."""

import re


def read_layers(path):
    """Returns ({folder: set of folders it may use}, set of pure folders)."""
    allowed, pure = {}, set()
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([a-z]+)( +pure)? *:(.*)", line)
        if match:
            allowed[match[1]] = set(match[3].split())
            if match[2]:
                pure.add(match[1])
        elif line and not line.startswith("#"):
            raise SystemExit(f"{path}: cannot read {line!r}")
    return allowed, pure
