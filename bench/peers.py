"""Our server beside others, in one run: broadcasts, echoes, newcomers, memory."""

import contextlib
import json
import pathlib
import selectors
import shutil
import statistics
import subprocess

import rig as rigs
import stats

FOLDER = rigs.ROOT / "bench" / "peers"
OURS = "tandem"
# Of npm, with a server of ours for each; the name is that of the result's keys.
SCRIPTS = {"node": ("ws.mjs", "raw"), "socketio": ("socketio.mjs", "socketio")}
# What a server that is given speaks, by its name; any other is `raw`.
PROTOCOLS = {"centrifugo": "centrifugo", "socketio": "socketio"}
TARGETS = [("vs_uws_w1", ">=", 1), ("vs_uws_w16", ">=", 1), ("vs_node_w16", ">=", 5), ("vs_socketio_w16", ">=", 5),
           ("vs_centrifugo_w16", ">=", 5)]
# Many of 10,000 take a while, and vary less.
LARGE_RUNS = 3
CONNECTIONS = 5000


class System:
    """A server to measure."""

    def __init__(self, name, url, pid, protocol):
        self.name, self.url, self.pid, self.protocol = name, url, pid, protocol


def given(options):
    """The servers that `--peer NAME=URL,PID` tells of."""
    systems = []
    for text in options.peer:
        name, _, rest = text.partition("=")
        if "://" not in rest:
            continue  # a program, for `text`
        url, _, pid = rest.rpartition(",")
        if not pid.isdigit() or not pathlib.Path(f"/proc/{pid}").exists():
            raise rigs.NotMeasured(f"--peer {text}: there is no process {pid}")
        systems.append(System(name, "http://" + url.partition("://")[2], int(pid), PROTOCOLS.get(name, "raw")))
    return systems


def targets(options):
    """Those of the servers that are there."""
    names = {OURS, *SCRIPTS, *(text.partition("=")[0] for text in options.peer if "://" in text)}
    return [target for target in TARGETS if target[0].split("_")[1] in names]


@contextlib.contextmanager
def process(argv, cwd=None):
    """A server that prints where it is as JSON on its first line."""
    running = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(running.stdout, selectors.EVENT_READ)
            line = running.stdout.readline() if selector.select(30) else b""
        if not line:
            raise rigs.NotMeasured(f"{argv[1]} did not start")
        yield running, json.loads(line)
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


@contextlib.contextmanager
def script(name):
    file, protocol = SCRIPTS[name]
    with process(["node", file], FOLDER) as (running, told):
        yield System(name, f"http://127.0.0.1:{told['port']}", running.pid, protocol)


@contextlib.contextmanager
def ours(rig):
    with rig.server() as server:
        yield System(OURS, server.url, server.process.pid, "tandem")


@contextlib.contextmanager
def there_already(system):
    yield system


def install():
    if shutil.which("npm") is None:
        raise rigs.NotMeasured("npm is missing")
    if not (FOLDER / "node_modules").exists():
        print("installing bench/peers from npm", flush=True)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL)


def broadcast(rig, system, subscribers, window, changes):
    raw = rig.drive("fanout", url=system.url, channel=f"board:b{subscribers}-{window}", pid=system.pid, subscribers=subscribers,
                    window=window, changes=changes, warm_up=max(window, changes // 10), protocol=system.protocol,
                    allocations_file="none")
    return {"deliveries_per_cpu_s": raw["deliveries"] / raw["server_cpu_s"], "per_s": raw["deliveries"] / raw["seconds"],
            "frame_bytes": raw["frame_bytes"]}


def storm(rig, system):
    raw = rig.drive("storm", url=system.url, channel="board:storm", pid=system.pid, subscribers=CONNECTIONS,
                    protocol=system.protocol)
    return {"connects_per_cpu_s": raw["connections"] / raw["server_cpu_s"], "connects_per_s": raw["connections"] / raw["seconds"],
            "rss_kib": (raw["rss_after_kib"] - raw["rss_before_kib"]) / raw["connections"]}


def echo(rig, system):
    raw = rig.drive("echo", url=system.url, pid=system.pid)
    return {"echoes_per_cpu_s": raw["messages"] / raw["server_cpu_s"]}


def echo_of_ours(rig):
    with process([str(rig.binary), "bench", "echo-server"]) as (running, told):
        return echo(rig, System(OURS, told["url"].replace("ws://", "http://"), running.pid, "raw"))


def run_of(rig, open_system, is_large):
    """What one server does in one run."""
    out = {}
    with open_system() as system:
        for window, changes in ((1, 150), (16, 480)):
            for key, value in broadcast(rig, system, 1000, window, changes).items():
                out[f"w{window}_{key}"] = value
        if is_large:
            for window, changes in ((1, 20), (16, 64)):
                for key, value in broadcast(rig, system, 10_000, window, changes).items():
                    out[f"10k_w{window}_{key}"] = value
        out.update(echo_of_ours(rig) if system.name == OURS else echo(rig, system) if system.protocol == "raw" else {})
    # The newcomers find a server that has done nothing yet, where it can be started for that.
    with open_system() as system:
        out.update(storm(rig, system))
    return out


def measure(rig, options, outcome):
    install()
    systems = {OURS: lambda: ours(rig), **{name: lambda name=name: script(name) for name in SCRIPTS}}
    systems.update({system.name: lambda system=system: there_already(system) for system in given(options)})
    for number in range(options.runs):
        for name, open_system in systems.items():
            outcome.runs.append({"run": number, "system": name, **run_of(rig, open_system, number < LARGE_RUNS)})
            print(f"  run {number + 1}: {name}", flush=True)
    of = {name: [run for run in outcome.runs if run["system"] == name] for name in systems}
    for name, runs in of.items():
        for key in sorted({key for run in runs for key in run} - {"run", "system"}):
            measured = [(mine[key], run[key]) for mine, run in zip(of[OURS], runs) if key in run and key in mine]
            outcome.metrics[f"{name}_{key}"] = statistics.median([run for _, run in measured])
            if name != OURS and key.endswith("_deliveries_per_cpu_s"):
                short = key.removesuffix("_deliveries_per_cpu_s")
                outcome.metrics[f"vs_{name}_{short}"] = stats.median([mine / run for mine, run in measured])
    for name in ("uws", "centrifugo"):
        if name not in systems:
            outcome.notes.append(f"{name} was not given: --peer {name}=URL,PID of a server that runs")
