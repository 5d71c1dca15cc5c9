"""What each benchmark runs and how its numbers come from the samples; docs/benchmarks.md says why."""

import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

import crash
import hash_states
import idle_tls
import overload
import peers
import text_speed
import rig as rigs
import stats

TARGETS = {
    "requirements": [("latency_cut", ">=", .993), ("invisible_cut", ">=", .994), ("lost_cut", ">=", .994),
                     ("bytes_cut_p50", ">=", .92)],
    "latency": [("p50_over_fdatasync_ms", "<=", 1), ("p99_over_fdatasync_ms", "<=", 8)],
    "wire": [("change_bytes_p99", "<=", 40), ("cold_ratio", "<=", .05), ("resume_ratio", "<=", 1.2)],
    "recovery": [("p99_ms", "<", 500), ("missing", "==", 0), ("duplicate", "==", 0), ("drops", ">=", 1000)],
    "push": [("acked_per_s", ">=", 5000), ("acks_per_fdatasync", ">=", 10)],
    "fanout": [("vs_bare_w1", ">=", .8)],
    "idle": [("rss_kib", "<=", 10)],
    "stall": [("healthy_p99_ratio", "<=", 1.1)],
    "herd": [("recovered", "==", 15000), ("missing", "==", 0)],
    "crash": [("acked_lost", "==", 0), ("seq_gaps", "==", 0)],
    "size": [("gzip_bytes", "<=", 20000)],
    "text": [("bytes_equal", "==", 1), ("edits_vs_yjs", ">=", 40), ("remote_vs_yjs", ">=", 60), ("load_vs_yjs", ">=", 25),
             ("snapshot_vs_yjs", ">=", 200), ("snapshot_bytes_vs_yjs", "<=", .6),
             ("merge_vs_yjs", ">=", 500), ("merge_apply_vs_yjs", ">=", 20), ("encode_vs_yjs", ">=", 10), ("memory_vs_yjs", "<=", .35),
             ("small_memory_vs_yjs", "<=", .25),
             ("sets_time_vs_yjs", ">=", 20), ("sets_time_worst_vs_yjs", ">=", 5)],
    "peers": [],  # Of those that are there: peers.targets.
    "hash": [("equal_hashes", "<=", 1), ("rehash_per_write", "<=", 20), ("unchanged_per_s", ">=", 1000)],
}
SUMMARY = {
    "requirements": "the workload against polling, polling with ETag, and Tandem",
    "latency": "100-byte changes, one at a time, from one connection to another",
    "wire": "bytes on the wire for one-field changes and for resumes",
    "recovery": "connections dropped at random points under load",
    "push": "acknowledged pushes with every fdatasync delayed by 1 ms",
    "fanout": "one change to 1,000 subscribers, per second of the server's processor time",
    "idle": "memory of a connection that only follows a channel",
    "stall": "what readers feel of others that have stopped reading",
    "herd": "15,000 clients that lose the server, or the network, and come back at once",
    "crash": "what was acknowledged is there after the server or the machine ended (--mode kill, power, eio, full)",
    "size": "the SDK's bundle",
    "peers": "broadcasts, echoes, newcomers and memory beside other servers (--peer NAME=URL,PID)",
    "text": "recorded editing sessions in our documents and in those of Yjs and others",
    "hash": "seeing that nothing has changed, and hashes for each write",
}
PUSH_EDGE_PER_S = 50_000


class Outcome:
    def __init__(self):
        self.runs, self.metrics, self.reasons, self.notes = [], {}, {}, []

    def median(self, key, name=None, runs=None):
        self.metrics[name or key] = stats.median([run[key] for run in (self.runs if runs is None else runs)])


def unbroken(run):
    """Deliveries that do not continue each other make every other number of the run worthless."""
    if run["gaps"] != 0:
        raise rigs.NotMeasured(f"{run['gaps']:g} deliveries were not contiguous")
    return run


def requirements(rig, options, outcome):
    workload = rigs.ROOT / "bench" / "workload.json"
    outcome.notes.append(f"time scale of the schedule {options.scale}; waits for a poll are scaled back, Tandem's times are as measured")
    for number in range(options.runs):
        for system in ("polling", "etag", "tandem"):
            if system == "tandem":
                with rig.server() as server:
                    raw = unbroken(rig.drive("tandem", workload=workload, scale=options.scale, url=server.url,
                                             channel=f"r{number}"))
            else:
                raw = rig.drive("polling", workload=workload, scale=options.scale,
                                kind="etag" if system == "etag" else "lww")
            if raw["unacked"]:
                raise rigs.NotMeasured(f"{system}: {raw['unacked']:g} edits were never acknowledged")
            latency, sizes = raw.pop("latency_ms"), raw.pop("event_bytes")
            raw.update(system=system, seen=len(latency), latency_p50_ms=stats.quantile(latency, .5),
                       latency_p99_ms=stats.quantile(latency, .99), latency_mean_ms=sum(latency) / len(latency),
                       event_bytes_p50=stats.quantile(sizes, .5), event_bytes_mean=sum(sizes) / len(sizes))
            outcome.runs.append(raw)
    of = {system: [run for run in outcome.runs if run["system"] == system] for system in ("polling", "etag", "tandem")}
    if any(run["counted_twice"] for run in of["tandem"]):
        raise rigs.NotMeasured("an increment was counted twice")
    cuts = [("latency_cut", "latency_p50_ms"), ("latency_cut_p99", "latency_p99_ms"), ("invisible_cut", "invisible"),
            ("lost_cut", "lost"), ("bytes_cut_p50", "event_bytes_p50"), ("total_bytes_cut", "total_bytes")]
    for name, key in cuts:
        outcome.metrics[name] = stats.median(
            [stats.cut(before[key], after[key]) for before, after in zip(of["polling"], of["tandem"])])
    for system, runs in of.items():
        for key in ("latency_p50_ms", "latency_p99_ms", "invisible", "lost", "event_bytes_p50", "total_bytes"):
            outcome.median(key, f"{system}_{key}", runs)
    outcome.median("retries", "etag_retries", of["etag"])


def latency(rig, options, outcome):
    with rig.server() as server:
        for number in range(options.runs):
            disk = rig.fdatasync_ms(500)
            raw = unbroken(rig.drive("latency", url=server.url, channel=f"board:latency-{number}", count=1000))
            disk += rig.fdatasync_ms(500)
            run = {"changes": len(raw["visible_ms"])}
            for name, q in (("p50", .5), ("p99", .99)):
                run[f"visible_{name}_ms"] = stats.quantile(raw["visible_ms"], q)
                run[f"fdatasync_{name}_ms"] = stats.quantile(disk, q)
                run[f"{name}_over_fdatasync_ms"] = run[f"visible_{name}_ms"] - run[f"fdatasync_{name}_ms"]
            outcome.runs.append(run)
    for key in ("p50_over_fdatasync_ms", "p99_over_fdatasync_ms", "visible_p50_ms", "visible_p99_ms",
                "fdatasync_p50_ms", "fdatasync_p99_ms"):
        outcome.median(key)


def wire(rig, options, outcome):
    large = []
    with rig.server() as server:
        for number in range(options.runs):
            for cards, runs in ((40, outcome.runs), (200, large)):
                raw = unbroken(rig.drive("wire", url=server.url, channel=f"{cards}-{number}", seed=number + 1,
                                         cards=cards, count=2000))
                run = {"cards": cards, "changes": len(raw["change_bytes"]), "resumes": raw["resumes"],
                       "change_bytes_p50": stats.quantile(raw["change_bytes"], .5),
                       "change_bytes_p99": stats.quantile(raw["change_bytes"], .99),
                       "scalar_bytes_p99": stats.quantile(raw["scalar_bytes"], .99),
                       "counter_bytes_p99": stats.quantile(raw["counter_bytes"], .99),
                       "text_overhead_p99": stats.quantile(raw["text_overhead_bytes"], .99)}
                for resume in raw["resumes"]:
                    run[f"resume_ratio_{resume['missed']:g}"] = resume["resume_bytes"] / resume["live_bytes"]
                run["resume_ratio"] = max(run["resume_ratio_10"], run["resume_ratio_100"], run["resume_ratio_1000"])
                runs.append(run)
    for key in ("change_bytes_p99", "resume_ratio", "change_bytes_p50", "scalar_bytes_p99", "counter_bytes_p99",
                "text_overhead_p99", "resume_ratio_10", "resume_ratio_100", "resume_ratio_1000"):
        outcome.median(key)
    with rig.server() as server:
        cold = rig.drive("cold", url=server.url, channel="board:cold")
    outcome.metrics["cold_ratio"] = cold["screen_bytes"] / cold["whole_bytes"]
    outcome.metrics.update({f"cold_{key}": cold[key] for key in ("fields", "whole_bytes", "screen_bytes")})
    outcome.median("change_bytes_p50", "large_board_change_bytes_p50", large)
    outcome.median("change_bytes_p99", "large_board_change_bytes_p99", large)
    outcome.runs += large


def recovery(rig, options, outcome):
    del options  # One run has more than a thousand samples.
    with rig.server() as server:
        raw = rig.drive("recovery", url=server.url, channel="board:recovery", drops=1100)
    recovered, since_cut = raw.pop("recovered_ms"), raw.pop("since_cut_ms")
    outcome.runs.append(raw)
    outcome.metrics.update(
        p99_ms=stats.quantile(recovered, .99), missing=raw["missing"], duplicate=raw["duplicate"], drops=len(recovered),
        p50_ms=stats.quantile(recovered, .5), max_ms=max(recovered), since_cut_p99_ms=stats.quantile(since_cut, .99),
        entries=raw["entries"], drops_while_receiving=raw["drops_while_receiving"])


def push(rig, options, outcome):
    delayed, free = [], []
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        shim = rigs.build_shim(folder)
        for number in range(options.runs):
            for delay_us, runs in ((1000, delayed), (0, free)):
                count = pathlib.Path(folder) / f"count-{number}-{delay_us}"
                env = {"LD_PRELOAD": str(shim), "TANDEM_SHIM_COUNT": str(count), "TANDEM_SHIM_DELAY_US": str(delay_us)}
                with rig.server(env) as server:
                    if not count.exists() or struct.unpack_from("=Q", count.read_bytes())[0] == 0:
                        raise rigs.NotMeasured("the shim did not see the server's fdatasync")
                    cpu = server.cpu_s()
                    raw = rig.drive("push", url=server.url, channel="board:push", seconds=3, syncs_file=count)
                    raw["server_cpu_s"] = server.cpu_s() - cpu
                raw.update(delay_us=delay_us, acked_per_s=raw["acked"] / raw["seconds"],
                           acks_per_fdatasync=raw["acked"] / max(raw["fdatasyncs"], 1))
                runs.append(raw)
    outcome.runs += delayed + free
    outcome.median("acked_per_s", runs=delayed)
    outcome.median("acks_per_fdatasync", runs=delayed)
    outcome.median("acked_per_s", "undelayed_acked_per_s", free)
    outcome.median("acks_per_fdatasync", "undelayed_acks_per_fdatasync", free)
    edge = "reached" if outcome.metrics["undelayed_acked_per_s"] >= PUSH_EDGE_PER_S else "not reached"
    outcome.notes.append(f"edge of {PUSH_EDGE_PER_S} acknowledged pushes a second without the delay: {edge}")


def per_cpu_s(raw):
    return raw["deliveries"] / raw["server_cpu_s"]


def allocations(rig, shim, folder, subscribers, changes):
    """What the server takes from the heap while it tells so many subscribers so many changes."""
    count = pathlib.Path(folder) / f"allocations-{subscribers}"
    with rig.server({"LD_PRELOAD": str(shim), "TANDEM_SHIM_COUNT": str(count)}) as server:
        return rig.drive("fanout", url=server.url, channel="board:heap", pid=server.process.pid, subscribers=subscribers,
                         protocol="tandem", changes=changes, allocations_file=count)["allocations"]


def fanout(rig, options, outcome):
    for number in range(options.runs):
        with rig.server() as server:
            def drive(window, changes):
                return rig.drive("fanout", url=server.url, channel=f"board:w{window}", pid=server.process.pid, window=window,
                                 protocol="tandem", changes=changes, allocations_file="none")
            raw = drive(1, 300)
            bare = rig.drive("bare-fanout", bytes=int(raw["frame_bytes"]))
            many = drive(16, 1600)
        outcome.runs.append({"run": number, "deliveries_per_cpu_s_w1": per_cpu_s(raw), "bare_per_cpu_s": per_cpu_s(bare),
                             "deliveries_per_cpu_s_w16": per_cpu_s(many), "frame_bytes": raw["frame_bytes"],
                             "vs_bare_w1": per_cpu_s(raw) / per_cpu_s(bare)})
    for key in ("vs_bare_w1", "deliveries_per_cpu_s_w1", "bare_per_cpu_s", "deliveries_per_cpu_s_w16", "frame_bytes"):
        outcome.median(key)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        shim = rigs.build_shim(folder, "alloc_shim")
        few, all_of_them = (allocations(rig, shim, folder, subscribers, 200) for subscribers in (100, 1000))
    # What a change costs whoever follows it is in both; the difference is what a delivery costs.
    outcome.metrics["allocs_per_delivery"] = (all_of_them - few) / (900 * 200)
    outcome.metrics["allocs_per_change"] = few / 200
    outcome.notes.append("edge of vs_bare_w1 .9: " + ("reached" if outcome.metrics["vs_bare_w1"] >= .9 else "not reached"))


def idle(rig, options, outcome):
    for _ in range(options.runs):
        with rig.server() as server:
            raw = rig.drive("idle", url=server.url, channel="board:idle", pid=server.process.pid)
        raw["rss_kib"] = (raw["rss_after_kib"] - raw["rss_before_kib"]) / raw["connections"]
        raw["tls_rss_kib"] = idle_tls.rss_kib_of_one(rig)
        outcome.runs.append(raw)
    outcome.median("rss_kib")
    outcome.median("tls_rss_kib")
    outcome.notes.append("edge of 4 KiB: " + ("reached" if outcome.metrics["rss_kib"] <= 4 else "not reached"))


def size(rig, options, outcome):
    del rig, options
    folder = rigs.ROOT / "sdk" / "ts"
    npm = shutil.which("npm")
    if npm is None or not (folder / "node_modules").exists():
        raise rigs.NotMeasured("sdk/ts has no node_modules: ./dev setup")
    done = subprocess.run([npm, "run", "--silent", "size"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    gzip, minified = re.search(r"^gzip (\d+) bytes", done.stdout, re.M), re.search(r"^minified (\d+) bytes", done.stdout, re.M)
    if gzip is None or minified is None:
        raise rigs.NotMeasured(f"npm run size: {done.stderr.strip() or done.stdout.strip()}")
    outcome.metrics.update(gzip_bytes=int(gzip[1]), minified_bytes=int(minified[1]))
    outcome.runs.append(dict(outcome.metrics))


MEASURES = {"requirements": requirements, "latency": latency, "wire": wire, "recovery": recovery, "push": push,
            "fanout": fanout, "idle": idle, "stall": overload.stall, "herd": overload.herd, "crash": crash.measure, "size": size,
            "peers": peers.measure, "hash": hash_states.measure, "text": text_speed.measure}
