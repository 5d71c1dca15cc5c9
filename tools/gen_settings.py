#!/usr/bin/env python3
"""Writes docs/configuration.md, which the server prints from the code that reads its settings."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = pathlib.Path("docs/configuration.md")


def page_of(build):
    """The page as the server of a build prints it."""
    return subprocess.run([build / "tandem", "defaultconfig", "--markdown"], check=True, capture_output=True).stdout.decode()


def stale_files(root, build):
    """Names of the generated files that are not what they should be; none where there is no server."""
    if not (root / "src" / "server").is_dir():
        return []
    page = root / PAGE
    return [] if page.exists() and page.read_text(encoding="utf-8") == page_of(build) else [PAGE]


def main():
    text = page_of(ROOT / "build" / "release")
    (ROOT / PAGE).write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
