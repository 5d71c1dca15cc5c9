#!/usr/bin/env python3
"""Writes the files that are generated from src/base/errors.def.

--check writes nothing and fails when a file is not what would be written.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = "src/base/errors.def"
STRING = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
ENTRY = re.compile(
    r"^TANDEM_ERROR\(\s*(\w+)\s*,\s*(\d+)\s*,\s*" + STRING + r",\s*" + STRING + r"\)", re.MULTILINE
)
RANGES = [
    (1, 99, "Final", "The same request will be refused again."),
    (100, 199, "Temporary", "The same request may succeed later; clients send it again by themselves."),
    (200, 299, "Connection", "The connection or its credentials are refused."),
    (300, 399, "Server", "The server or its storage failed; the request itself may be right."),
]


def join_literals(text):
    """The text of one or more adjacent C string literals."""
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return "".join(re.sub(r"\\(.)", r"\1", part) for part in parts)


def read_catalogue(text):
    entries = [(m[1], int(m[2]), join_literals(m[3]), join_literals(m[4])) for m in ENTRY.finditer(text)]
    if len(entries) != len(re.findall(r"^TANDEM_ERROR", text, re.MULTILINE)):
        raise SystemExit(f"{SOURCE}: an entry does not have the form (name, number, message, hint)")
    for entry in entries:
        if not any(low <= entry[1] <= high for low, high, _, _ in RANGES):
            raise SystemExit(f"{SOURCE}: the number of {entry[0]} is in no range")
    return entries


def markdown(entries):
    lines = [
        "# Errors",
        "",
        f"Generated from `{SOURCE}` by `./dev errors`. Every error carries a code, its number and one integer",
        "(the detail, 0 where the text names none). Names and numbers are never reused.",
    ]
    for low, high, title, meaning in RANGES:
        lines += ["", f"## {title} ({low}–{high})", "", meaning, "", "| code | number | meaning | what to do |",
                  "|---|---|---|---|"]
        for name, number, message, hint in entries:
            if low <= number <= high:
                lines.append(f'| <a id="{name}"></a>`{name}` | {number} | {message} | {hint} |')
    return "\n".join(lines) + "\n"


def typescript(entries):
    names = "\n".join(f"    | '{name}'" for name, *_ in entries)
    return (
        f"// Generated from {SOURCE} by `./dev errors`.\n\n"
        f"/** Every code that a server or this library may report. */\nexport type ErrorCode =\n{names};\n"
    )


def outputs():
    entries = read_catalogue((ROOT / SOURCE).read_text(encoding="utf-8"))
    return {"docs/errors.md": markdown(entries), "sdk/ts/src/errors.gen.ts": typescript(entries)}


def stale_files():
    """The generated files that differ from what their source says."""
    stale = []
    for name, text in outputs().items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    return stale


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = stale_files()
    if options.check:
        for name in stale:
            print(f"{name}: not up to date with {SOURCE}; run ./dev errors")
        return 1 if stale else 0
    for name in stale:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(outputs()[name], encoding="utf-8")
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
