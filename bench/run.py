#!/usr/bin/env python3
"""Measures the shipped binary: run.py [NAME...] [--json F] [--runs N] [--build DIR] [--data DIR] [--limit KEY=NUMBER]

Without a name every benchmark runs. Exit code: 0 all targets met, 1 one missed, 2 one not measured.
docs/benchmarks.md tells what each benchmark does.
"""

import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import crash  # noqa: E402
import measures  # noqa: E402
import peers  # noqa: E402
import rig as rigs  # noqa: E402
import stats  # noqa: E402

RUNS_MIN = 7


def parse(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(measures.MEASURES))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--runs", type=int, default=RUNS_MIN, help="runs whose median is taken (at least 7)")
    parser.add_argument("--build", default=str(rigs.ROOT / "build" / "release"))
    parser.add_argument("--data", default=None, help="folder on the disk to measure (default: the build's)")
    parser.add_argument("--scale", type=int, default=60, help="of the workload's time, in `requirements`")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM|NAME=URL,PID",
                        help="another system: a program in `text`, a server that runs in `peers`")
    parser.add_argument("--mode", default="kill", choices=list(crash.MODES), help="how the server ends, in `crash`")
    parser.add_argument("--events", type=int, default=None, help="how often, in `crash` (kill 1000, power 100, full 50)")
    parser.add_argument("--limit", action="append", default=[], metavar="KEY=NUMBER", help="overrides a target")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in measures.MEASURES]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)} (there are: {', '.join(measures.MEASURES)})")
    return options


def limits_of(name, options, overrides):
    """The benchmark's targets; those that the caller has changed are told."""
    targets = []
    more = {"crash": lambda: crash.TARGETS[options.mode], "peers": lambda: peers.targets(options)}
    for key, op, limit in measures.TARGETS[name] + more.get(name, list)():
        if key in overrides:
            print(f"note: the limit of {key} is {overrides[key]:g} instead of {limit:g}")
            limit = overrides[key]
        targets.append((key, op, limit))
    return targets


def show(result):
    print(f"\n{result['bench']}")
    aimed = {row["key"]: row for row in result["targets"]}
    for key, row in aimed.items():
        if row["ok"] is None:
            print(f"  {key:<34} {'—':>14}   not measured: {row['reason']}")
        else:
            print(f"  {key:<34} {row['value']:>14.6g}   {row['op']} {row['limit']:g}   "
                  f"{'met' if row['ok'] else 'MISSED'}")
    for key, value in result["metrics"].items():
        if key not in aimed:
            print(f"  {key:<34} {value:>14.6g}")
    for note in result["notes"]:
        print(f"  {note}")


def measure(name, rig, options, overrides, argv):
    print(f"{name}: {measures.SUMMARY[name]}", flush=True)
    targets = limits_of(name, options, overrides)
    if options.runs < RUNS_MIN:
        print(f"note: {options.runs} runs instead of at least {RUNS_MIN}")
    result = {"bench": name, "argv": argv, "exe_sha256": rig.exe_sha256(), "durability": rigs.DURABILITY, "env": {},
              "runs": [], "metrics": {}, "targets": [], "notes": []}
    outcome = measures.Outcome()
    reasons = {}
    try:
        load = os.getloadavg()[0]
        if load > 0.5:
            result["notes"].append(f"note: the machine was busy when this began (load {load:.1f})")
        fdatasync = rig.fdatasync_ms(200)
        measures.MEASURES[name](rig, options, outcome)
        fdatasync += rig.fdatasync_ms(200)
        result["env"] = {
            "fdatasync_ms": {"p50": stats.quantile(fdatasync, 0.5), "p99": stats.quantile(fdatasync, 0.99)},
            "bare_send_per_cpu_s": rig.bare_send_per_cpu_s(), "cpus": os.cpu_count(), "load_at_start": load}
    except rigs.NotMeasured as error:
        outcome.metrics.clear()
        reasons = dict.fromkeys((key for key, _, _ in targets), str(error))
    reasons = {**outcome.reasons, **reasons}
    result.update(runs=outcome.runs, metrics=outcome.metrics, notes=result["notes"] + outcome.notes)
    result["targets"] = [stats.target(key, op, limit, outcome.metrics, reasons.get(key)) for key, op, limit in targets]
    show(result)
    return result


def main(arguments):
    options = parse(arguments)
    overrides = {}
    for text in options.limit:
        key, _, number = text.partition("=")
        overrides[key] = float(number)
    names = options.names or list(measures.MEASURES)
    try:
        rig = rigs.Rig(options.build, options.data or options.build, options)
    except rigs.NotMeasured as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 2
    results = [measure(name, rig, options, overrides, ["bench", *arguments]) for name in names]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results[0] if len(results) == 1 else results, file, indent=1)
    codes = [stats.exit_code(result["targets"]) for result in results]
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
