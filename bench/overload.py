"""Readers that do not read, and very many clients that come back at once."""

import contextlib
import json
import pathlib
import selectors
import subprocess
import tempfile
import time

import rig as rigs
import stats

PROCESSES = 4
CLIENTS = 15_000
CHANNELS = 100
WRITES_PER_S = 100
RECOVER_S = 120
SAMPLE_S = 0.05


def stall(rig, options, outcome):
    rounds = max(options.runs, 21)
    outcome.notes.append("the clients come from this machine, which is held to no rate (limits that are off: those of an address "
                         "and of a connection)")
    with rig.server() as server:
        raw = rig.drive("stall", url=server.url, channel="board:stall", pid=server.process.pid, rounds=rounds)
    for row in raw["rounds"]:
        run = {"stalled_kib": row["stalled_kib"]}
        for name in ("with", "without"):
            for key, q in (("p50", .5), ("p99", .99)):
                run[f"{key}_{name}_ms"] = stats.quantile(row[f"{name}_ms"], q)
        run["healthy_p99_ratio"] = run["p99_with_ms"] / run["p99_without_ms"]
        run["healthy_p50_ratio"] = run["p50_with_ms"] / run["p50_without_ms"]
        outcome.runs.append(run)
    for key in ("healthy_p99_ratio", "healthy_p50_ratio", "p99_with_ms", "p99_without_ms", "p50_with_ms", "p50_without_ms",
                "stalled_kib"):
        outcome.median(key)
    outcome.metrics.update(healthy=raw["healthy"], stalled=raw["stalled"])


class Child:
    """A driver that takes orders, and says words and at last its report, by lines."""

    def __init__(self, rig, command, **options):
        argv = [str(rig.driver), command]
        for name, value in options.items():
            argv += ["--" + name.replace("_", "-"), str(value)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.lines, self.rest = [], b""

    def order(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def read(self):
        """False when it has ended, with its report."""
        piece = self.process.stdout.read(1 << 20)
        if not piece and has_reported(self):
            return False
        if not piece:
            said = self.process.stderr.read().decode(errors="replace").strip()
            raise rigs.NotMeasured(f"a driver ended with {self.process.wait()}: {said}")
        *lines, self.rest = (self.rest + piece).split(b"\n")
        self.lines += [line.decode() for line in lines]
        return True

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


def wait_for(children, is_done, what, seconds, meanwhile=lambda: None):
    """Reads what the children say until each has said it."""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.process.stdout, selectors.EVENT_READ, child)
        while not all(is_done(child) for child in children):
            if time.monotonic() > deadline:
                raise rigs.NotMeasured(f"took too long: {what}")
            for key, _ in selector.select(SAMPLE_S):
                if not key.data.read():
                    selector.unregister(key.fileobj)
            meanwhile()


def says(word):
    def has_said(child):
        return word in child.lines
    return has_said


def has_reported(child):
    return bool(child.lines) and child.lines[-1].startswith("{")


class Peak:
    """The server's memory while somebody looks."""

    def __init__(self):
        self.server, self.kib = None, 0

    def look(self):
        with contextlib.suppress(OSError, ProcessLookupError):
            for line in pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.kib = max(self.kib, int(line.split()[1]))


def return_of_herd(rig, kind, number):
    """One herd: it connects, loses the server or the network, and comes back. `kind`: restart, kill or cut."""
    herd = writer = server = None
    peak = Peak()
    with tempfile.TemporaryDirectory(prefix="tandem-bench-", dir=rig.data_root) as data:
        try:
            server = peak.server = rigs.Server(rig, data=data)
            writer = Child(rig, "herd-writer", url=server.url, channel="board:herd", channels=CHANNELS, per_s=WRITES_PER_S)
            wait_for([writer], says("ready"), "the writer's first writes", 60)
            herd = [Child(rig, "herd", url=server.url, channel="board:herd", channels=CHANNELS, clients=CLIENTS // PROCESSES,
                          seed=1 + number * PROCESSES + i) for i in range(PROCESSES)]
            wait_for(herd, says("ready"), "connecting", 180)
            connected_kib = server.rss_kib()
            for child in herd:
                child.order("cut" if kind == "cut" else "mark")
            if kind != "cut":
                if kind == "kill":
                    server.kill()
                server.stop()
                server = peak.server = rigs.Server(rig, data=data, port=server.port)
            cpu, began = server.cpu_s() if kind == "cut" else 0, time.monotonic()
            wait_for(herd, says("recovered"), "coming back", RECOVER_S, peak.look)
            seconds, cpu = time.monotonic() - began, server.cpu_s() - cpu
            writer.order("stop")
            wait_for([writer], has_reported, "the last writes", 60)
            pushed = json.loads(writer.lines[-1])["pushed"]
            finish = "finish " + " ".join(f"{count:.0f}" for count in pushed)
            for child in herd:
                child.order(finish)
            wait_for(herd, has_reported, "the reports", 90)
            reports = [json.loads(child.lines[-1]) for child in herd]
            health = server.get("/health")
            if health != 200:
                raise rigs.NotMeasured(f"the server answers {health} afterwards")
        finally:
            for child in [writer, *(herd or [])]:
                if child is not None:
                    child.end()
            if server is not None:
                server.stop()
    run = {key: sum(report[key] for report in reports)
           for key in ("clients", "recovered", "missing", "duplicate", "dials", "refused", "told_when")}
    since = [sample for report in reports for sample in report["since_begin_ms"]]
    run.update(kind=kind, pushes=sum(pushed), server_cpu_s=cpu, seconds=seconds, connected_rss_kib=connected_kib,
               peak_rss_kib=peak.kib, told_share=run["told_when"] / run["clients"])
    for key, q in (("p50", .5), ("p99", .99), ("max", 1)):
        run[f"recover_{key}_ms"] = stats.quantile(since, q)
    return run


def herd(rig, options, outcome):
    del options  # One herd is 15,000 samples.
    outcome.notes.append("the clients come from this machine, which is held to no rate (limits that are off: those of an address "
                         "and of a connection)")
    outcome.notes.append("restart: SIGTERM, and the server says when to come back (server.reconnect_after_ms); kill: SIGKILL; "
                         "cut: all connections are reset at once, the server goes on")
    for number, kind in enumerate(("restart", "kill", "cut")):
        run = return_of_herd(rig, kind, number)
        outcome.runs.append(run)
        print("  " + kind + ": " + ", ".join(f"{key} {value:.6g}" for key, value in run.items() if key != "kind"), flush=True)
        for key in ("recover_p50_ms", "recover_p99_ms", "recover_max_ms", "server_cpu_s", "peak_rss_kib", "told_share"):
            outcome.metrics[f"{kind}_{key}"] = run[key]
    outcome.metrics["recovered"] = min(run["recovered"] for run in outcome.runs)
    for key in ("missing", "duplicate"):
        outcome.metrics[key] = sum(run[key] for run in outcome.runs)
