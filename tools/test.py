#!/usr/bin/env python3
"""Builds and runs every test suite, sums their cases and ends with `N passed, N failed, N skipped`.

A suite whose folder does not exist is not in the table. A suite that exists and runs no case, or whose
program fails without naming a failed case, counts as one failure.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "test-logs"
SUITE_TIMEOUT_S = 1800
SIM_SEEDS = 500
FUZZ_SECONDS = 3
BUILDS_OF = {"unit": {"build-asan"}, "text": {"build-asan"}, "process": {"build-release"}, "browser": {"build-release", "build-web"}}


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def total(self):
        return self.passed + self.failed + self.skipped


class Log:
    """A suite's output, in build/test-logs, shown when the suite fails."""

    def __init__(self, name):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.path = LOGS / (re.sub(r"\W+", "-", name) + ".log")
        self.path.write_text("")

    def run(self, command, cwd=ROOT, timeout=SUITE_TIMEOUT_S, env=None):
        """Runs a command, appends its output and returns (exit code, output)."""
        environment = {**os.environ, **(env or {})}
        with self.path.open("a+", encoding="utf-8", errors="replace") as out:
            out.write(f"$ {' '.join(map(str, command))}\n")
            out.flush()
            start = out.tell()
            process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT,
                                       stdin=subprocess.DEVNULL, env=environment, start_new_session=True)
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                out.write(f"\nstopped after {timeout} s\n")
                code = 124
            out.flush()
            out.seek(start)
            return code, out.read()

    def write(self, text):
        with self.path.open("a", encoding="utf-8") as out:
            out.write(text + "\n")


# ---- reading the results of the various runners -------------------------------------------------


def read_gtest(path):
    """Counts of a GoogleTest JSON report."""
    report = json.loads(path.read_text(encoding="utf-8"))
    counts = Counts()
    for suite in report["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                counts.failed += 1
            elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
                counts.skipped += 1
            else:
                counts.passed += 1
    return counts


def read_node(output):
    """Counts of node's test runner: the lines `# pass 3` or `ℹ pass 3` of each run, summed."""
    sums = {"pass": 0, "fail": 0, "cancelled": 0, "skipped": 0, "todo": 0}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    for key, number in re.findall(r"^\s*(?:#|ℹ) (\w+) (\d+)\s*$", plain, re.MULTILINE):
        if key in sums:
            sums[key] += int(number)
    return Counts(sums["pass"], sums["fail"] + sums["cancelled"], sums["skipped"] + sums["todo"])


def read_unittest(output):
    """Counts of Python's unittest."""
    ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests?", output, re.MULTILINE))

    def number(word):
        return sum(int(n) for n in re.findall(word + r"=(\d+)", output))

    failed, skipped = number("failures") + number("errors"), number("skipped")
    return Counts(max(ran - failed - skipped, 0), failed, skipped)


def read_summary(path):
    """Counts of {"passed","failed","skipped"}."""
    report = json.loads(path.read_text(encoding="utf-8"))
    return Counts(int(report["passed"]), int(report["failed"]), int(report.get("skipped", 0)))


def count_of(value):
    return len(value) if isinstance(value, list) else int(value or 0)


def read_sim(path):
    """Each seed and each planted fault is a case; a violation fails one."""
    report = json.loads(path.read_text(encoding="utf-8"))
    planted = report.get("planted") or {}
    found, of = count_of(planted.get("found")), count_of(planted.get("of"))
    violations = count_of(report["violations"])
    return Counts(max(count_of(report["seeds"]) - violations, 0) + found, violations + of - found)


def read_fuzz(path):
    targets = json.loads(path.read_text(encoding="utf-8"))["targets"]
    bad = sum(1 for target in targets if target["crashes"] or not target["execs"])
    return Counts(len(targets) - bad, bad)


# ---- suites -------------------------------------------------------------------------------------


def judge(counts, code, log, what):
    """No case, or a failing exit without a failed case, is a failure of its own."""
    if counts.total() == 0:
        log.write(f"{what}: ran no test")
        return Counts(failed=1)
    if code != 0 and counts.failed == 0:
        log.write(f"{what}: exit code {code} although no case failed")
        return counts + Counts(failed=1)
    return counts


def report_file(name):
    path = LOGS / f"{name}.json"
    path.unlink(missing_ok=True)
    return path


def with_report(command, name, read, log, cwd=ROOT):
    """Runs a command that writes its JSON report to the file after --json."""
    path = report_file(name)
    code, _ = log.run([*command, "--json", str(path)], cwd=cwd)
    if not path.exists():
        log.write(f"{name}: wrote no report")
        return Counts(failed=1)
    return judge(read(path), code, log, name)


def build(preset, *targets):
    def run(log):
        code, _ = log.run(["./dev", "build", preset, *targets])
        return Counts(passed=int(code == 0), failed=int(code != 0))

    return run


def unit_tests(log):
    """Every test that CTest knows in the asan build; programs of GoogleTest count by their cases."""
    results = ROOT / "build" / "asan" / "test-results"
    if results.is_dir():
        for old in results.glob("*.json"):
            old.unlink()
    junit = report_file("ctest").with_suffix(".xml")
    junit.unlink(missing_ok=True)
    options = {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    code, _ = log.run(["ctest", "--test-dir", "build/asan", "-j", str(os.cpu_count() or 1), "--output-on-failure",
                       "--output-junit", str(junit)], env=options)
    if not junit.exists():
        return judge(Counts(), code, log, "unit")
    total = Counts()
    for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        report = results / f"{name}.json"
        if report.exists():
            counts = judge(read_gtest(report), 0 if status == "run" else 1, log, name)
        else:
            counts = Counts(passed=int(status == "run"), failed=int(status not in ("run", "disabled")),
                            skipped=int(status == "disabled"))
        log.write(f"{name}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped")
        total += counts
    return judge(total, code, log, "unit")


def npm_tests(folder):
    def run(log):
        code, output = log.run(["npm", "test"], cwd=ROOT / folder, env={"NO_COLOR": "1", "FORCE_COLOR": "0"})
        return judge(read_node(output), code, log, folder)

    return run


def python_tests(folder, pattern):
    def run(log):
        code, output = log.run([sys.executable, "-m", "unittest", "discover", "-s", ".", "-p", pattern],
                               cwd=ROOT / folder)
        return judge(read_unittest(output), code, log, folder)

    return run


def program(folder):
    """A folder of tests/ with a program `run` that writes its counts to the file after --json."""
    def run(log):
        return with_report([f"tests/{folder}/run"], folder, read_summary, log)

    return run


def run_check(log):
    code, _ = log.run(["./dev", "run", "--check"])
    return Counts(passed=int(code == 0), failed=int(code != 0))


def sim(log):
    return with_report(["./dev", "sim", "--seeds", str(SIM_SEEDS), "--from", "1"], "sim", read_sim, log)


def fuzz(log):
    return with_report(["./dev", "fuzz", "--seconds", str(FUZZ_SECONDS)], "fuzz", read_fuzz, log)


def lint(log):
    return with_report(["./dev", "lint"], "lint", read_summary, log)


def npm_script(folder, script):
    path = ROOT / folder / "package.json"
    return path.exists() and script in json.loads(path.read_text(encoding="utf-8")).get("scripts", {})


def exists(*parts):
    return ROOT.joinpath(*parts).exists()


def suites():
    """Ordered {name: run}. The builds come first and alone; the rest share the processors."""
    has_server = exists("src", "server", "CMakeLists.txt")
    table = {"build-asan": build("asan"), "build-release": build("release")}
    if exists("fuzz", "CMakeLists.txt"):
        table["build-fuzz"] = build("fuzz")
    if npm_script("web", "build"):
        table["build-web"] = build("web")
    table["unit"] = unit_tests
    table["lint"] = lint
    table["tools"] = python_tests("tools", "*_test.py")
    if has_server:
        table["run"] = run_check
    if npm_script("sdk/ts", "test"):
        table["sdk-ts"] = npm_tests("sdk/ts")
    if npm_script("sdk/react", "test"):
        table["sdk-react"] = npm_tests("sdk/react")
    if exists("sdk", "python"):
        table["sdk-python"] = python_tests("sdk/python", "*_test.py")
    if npm_script("web", "test"):
        table["web"] = npm_tests("web")
    if exists("sim", "CMakeLists.txt"):
        table["sim"] = sim
    if exists("fuzz", "CMakeLists.txt"):
        table["fuzz"] = fuzz
    if exists("bench", "run.py") and list((ROOT / "bench").glob("*_test.py")):
        table["bench-tools"] = python_tests("bench", "*_test.py")
    if npm_script("tests/browser", "test"):
        table["browser"] = npm_tests("tests/browser")
    for folder in sorted(path.parent.name for path in (ROOT / "tests").glob("*/run")):
        table[folder] = program(folder)
    return table


def run_suite(name, run):
    start = time.monotonic()
    log = Log(name)
    try:
        counts = run(log)
    except Exception as error:  # A broken runner is a failed suite, not the end of the others.
        log.write(f"{name}: {type(error).__name__}: {error}")
        counts = Counts(failed=1)
    seconds = time.monotonic() - start
    text = f"{name}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped ({seconds:.1f} s)"
    if counts.failed:
        tail = log.path.read_text(encoding="utf-8", errors="replace").splitlines()[-60:]
        text += f"\n  --- the end of {log.path.relative_to(ROOT)}\n" + "\n".join("  " + line for line in tail)
    print(text, flush=True)
    return {"name": name, **dataclasses.asdict(counts), "seconds": round(seconds, 3)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="names of suites; all when none is given")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--list", action="store_true", help="show the names of the suites")
    parser.add_argument("--histories", help="how many histories the suite text compares with Yjs")
    parser.add_argument("--seed", help="the first of them")
    options = parser.parse_args()
    for name in ("histories", "seed"):
        if value := getattr(options, name):
            os.environ[f"TANDEM_TEXT_{name.upper()}"] = value
    table = suites()
    if options.list:
        print("\n".join(table))
        return 0
    unknown = set(options.suites) - set(table)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(table)}")
    chosen = set(options.suites or table)
    chosen = chosen.union(*(BUILDS_OF.get(name, ()) for name in chosen)) & set(table)
    start = time.monotonic()
    builds = [name for name in table if name in chosen and name.startswith("build-")]
    others = [name for name in table if name in chosen and not name.startswith("build-")]
    results = [run_suite(name, table[name]) for name in builds]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results += pool.map(lambda name: run_suite(name, table[name]), others)

    total = Counts()
    for result in results:
        total += Counts(result["passed"], result["failed"], result["skipped"])
    if options.json:
        options.json.write_text(json.dumps({
            **dataclasses.asdict(total), "seconds": round(time.monotonic() - start, 3), "suites": results}, indent=1))
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    return 1 if total.failed or total.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
