#!/usr/bin/env python3
"""Runs every fuzz target for some seconds, starting from its seeds.

New inputs stay in BUILD/corpus/TARGET; an input that crashes a target goes to BUILD/artifacts/TARGET.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run_target(binary, options):
    corpus = options.build / "corpus" / binary.name
    artifacts = options.build / "artifacts" / binary.name
    seeds = ROOT / "fuzz" / "seeds" / binary.name
    corpus.mkdir(parents=True, exist_ok=True)
    artifacts.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.iterdir())
    command = [
        str(binary), f"-max_total_time={options.seconds}", "-print_final_stats=1", "-timeout=10",
        "-rss_limit_mb=2048", f"-artifact_prefix={artifacts}/", str(corpus),
    ]
    if seeds.is_dir():
        command.append(str(seeds))
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="replace",
                             timeout=options.seconds + 120, cwd=ROOT)
        log, code = run.stderr, run.returncode
    except subprocess.TimeoutExpired as expired:
        log, code = (expired.stderr or b"").decode(errors="replace") + "\nthe target did not stop", 1
    execs = [int(n) for n in re.findall(r"stat::number_of_executed_units:\s*(\d+)", log)]
    execs = execs or [int(n) for n in re.findall(r"^#(\d+)\s", log, re.MULTILINE)]
    crashes = len(set(artifacts.iterdir()) - before)
    if code != 0 and crashes == 0:
        crashes = 1
    return {"name": binary.name, "execs": max(execs, default=0), "crashes": crashes}, log


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "fuzz")
    options = parser.parse_args()
    options.build = options.build.resolve()
    folder = options.build / "fuzz"
    # A target whose source is gone may still lie in an old build.
    sources = sorted((ROOT / "fuzz").glob("*.cpp"))
    binaries = [folder / source.stem for source in sources if os.access(folder / source.stem, os.X_OK)]
    unknown = set(options.targets) - {binary.name for binary in binaries}
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    if options.targets:
        binaries = [binary for binary in binaries if binary.name in options.targets]

    results = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for result, log in pool.map(lambda binary: run_target(binary, options), binaries):
            results.append(result)
            print(f"{result['name']}: {result['execs']} executions, {result['crashes']} crashes", flush=True)
            if result["crashes"]:
                print("\n".join(log.splitlines()[-60:]), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"targets": results}))
    if not results:
        print(f"{folder} holds no fuzz target")
    return 0 if results and all(r["crashes"] == 0 and r["execs"] > 0 for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
