"""The benchmark `text`: documents of src/yjs against Yjs and others, on recorded sessions and on sets of operations."""

import gzip
import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

import rig as rigs
import stats
import text_sets

TRACES = rigs.ROOT.parent / "shared" / "data" / "traces" / "editing-traces"
FOLDER = rigs.ROOT / "bench" / "text"
# The first is what the targets are about; the others show whether it is a special case.
NAMES = ("automerge-paper", "rustcode", "sveltecomponent", "seph-blog1")
OTHERS = ("ywasm", "loro", "automerge")
RUNS_OF_OTHERS = 1
SET_KEYS = ("time", "load", "encode")


def patches_of(name):
    """[[position, deleted, inserted]…] with positions in UTF-16 units."""
    file = TRACES / f"{name}.json.gz"
    if not file.exists():
        raise rigs.NotMeasured(f"{file} is missing")
    session = json.loads(gzip.decompress(file.read_bytes()))
    patches = [patch for transaction in session["txns"] for patch in transaction["patches"]]
    if session["startContent"]:
        patches.insert(0, [0, 0, session["startContent"]])
    # Positions of the traces count code points, which are UTF-16 units as long as none needs two.
    if any(ord(char) > 0xFFFF for patch in patches for char in patch[2]):
        raise rigs.NotMeasured(f"{name} has characters beyond the basic plane")
    return patches


def run(argv, timeout_s=900):
    done = subprocess.run([str(word) for word in argv], cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        raise rigs.NotMeasured(f"{argv[0]}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def peer(name, trace, folder=None):
    return run(["node", "--expose-gc", "peer.mjs", name, trace, *([folder] if folder else [])])


def prepare(rig):
    ours = [(rig.build / name).resolve() for name in ("tandem_text_bench", "tandem_text_sets")]
    for program in ours:
        if not program.exists():
            raise rigs.NotMeasured(f"{program} is missing: ./dev build release")
    if not (FOLDER / "node_modules").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise rigs.NotMeasured("npm is missing: ./dev setup")
        done = subprocess.run([npm, "ci", "--silent"], cwd=FOLDER, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise rigs.NotMeasured(f"npm ci: {done.stderr.strip()[-500:]}")
    return ours


def ratios(ours, theirs):
    """How many times as long, or as much memory for ours as for theirs."""
    found = {}
    for key in ("edits", "remote"):
        found[key] = theirs[f"{key}_ms"] / ours[f"{key}_ms"]
    for key in ("load", "encode"):
        for suffix in ("", "_warm"):
            # The worse of the two encodings.
            found[key + suffix] = min(theirs[f"{key}_{v}{suffix}_ms"] / ours[f"{key}_{v}{suffix}_ms"] for v in ("v1", "v2"))
    # A document at rest is loaded from its columns; theirs has updates alone.
    for suffix in ("", "_warm"):
        found["snapshot" + suffix] = theirs[f"load_v1{suffix}_ms"] / ours[f"snapshot_load{suffix}_ms"]
    found["snapshot_bytes"] = ours["snapshot_bytes"] / ours["v2_bytes"]
    found["merge_apply"] = theirs["merge_ms"] / ours["merge_ms"]
    if "merge_updates_ms" in theirs:
        found["merge"] = theirs["merge_updates_ms"] / ours["merge_ms"]
    for key in ("memory", "small_memory"):
        if f"{key}_bytes" in theirs:
            found[key] = ours[f"{key}_bytes"] / theirs[f"{key}_bytes"]
    return found


def measure_sets(program, options, outcome, folder):
    """Each set against Yjs, and over all of them the geometric mean and the worst."""
    file = pathlib.Path(folder) / "sets.json"
    file.write_text(json.dumps(text_sets.sets()), encoding="utf-8")
    found = {}
    for number in range(options.runs):
        ours = run([program, file, folder])
        theirs = run(["node", "sets.mjs", "yjs", file, folder])
        for name, times in ours.items():
            if not theirs[name]["bytes_equal"]:
                raise rigs.NotMeasured(f"{name}: our bytes are not those of Yjs")
            for key in SET_KEYS:
                found.setdefault((key, name), []).append(theirs[name][f"{key}_ms"] / times[f"{key}_ms"])
        outcome.runs.append({"run": number, "sets": {"tandem": ours, "yjs": theirs}})
    other = run(["node", "sets.mjs", "ywasm", file, folder])
    for key in SET_KEYS:
        rows = {name: stats.median(found[key, name]) for name in ours}
        for name, value in rows.items():
            outcome.metrics[f"{name}_{key}_vs_yjs"] = value
        outcome.metrics[f"sets_{key}_vs_yjs"] = statistics.geometric_mean(rows.values())
        outcome.metrics[f"sets_{key}_worst_vs_yjs"] = min(rows.values())
        outcome.metrics[f"sets_{key}_vs_ywasm"] = statistics.geometric_mean(
            other[name][f"{key}_ms"] / ours[name][f"{key}_ms"] for name in ours)


def measure(rig, options, outcome):
    program, sets_program = prepare(rig)
    peers = dict(text.split("=", 1) for text in options.peer if "://" not in text)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        trace = pathlib.Path(folder) / "trace.json"
        for name in NAMES:
            is_first = name == NAMES[0]
            trace.write_text(json.dumps(patches_of(name)), encoding="utf-8")
            runs = []
            for number in range(options.runs if is_first else 1):
                ours = run([program, trace, folder])
                theirs = peer("yjs", trace, folder)
                if not theirs["bytes_equal"]:
                    raise rigs.NotMeasured(f"{name}: our bytes are not those of Yjs")
                row = {"trace": name, "run": number, "tandem": ours, "yjs": theirs,
                       **{f"{key}_vs_yjs": value for key, value in ratios(ours, theirs).items()}}
                for label, other in peers.items():
                    row[label] = run([other, trace, folder])
                    row.update({f"{key}_vs_{label}": value for key, value in ratios(ours, row[label]).items()})
                runs.append(row)
            outcome.runs += runs
            keys = [key for key in runs[0] if "_vs_" in key]
            for key in keys:
                outcome.median(key, key if is_first else f"{name}_{key}", runs)
            if is_first:
                for key in runs[0]["tandem"]:
                    for system in ("tandem", "yjs", *peers):
                        found = [row[system] for row in runs if key in row[system]]
                        if found:
                            outcome.median(key, f"{system}_{key}", found)
                others = {other: [peer(other, trace) for _ in range(RUNS_OF_OTHERS)] for other in OTHERS}
                for other, found in others.items():
                    for key in found[0]:
                        outcome.median(key, f"{other}_{key}", found)
        measure_sets(sets_program, options, outcome, folder)
        outcome.metrics["bytes_equal"] = 1
    outcome.notes.append("load and encode: the first time in a process; _warm: the median of 20, when node has compiled it")
    if "yrs" not in peers:
        outcome.notes.append("yrs was not given: --peer yrs=PROGRAM, which takes and prints what tandem_text_bench does")
