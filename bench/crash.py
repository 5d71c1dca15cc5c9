"""Ends the server in the middle of its work and compares what it had acknowledged with what is there afterwards.

`kill`   kill -9 at a random moment under load
`power`  the file system stops as if the power were cut: what it had not written yet is gone. An ext4 on a loop device is
         shut down without its log (the ioctl EXT4_IOC_SHUTDOWN), mounted again, and the server started on it. The same
         with a server whose fdatasync does nothing must lose something, or the check would see nothing. Needs root.
`eio`    the first, the second, … fdatasync or fsync fails with EIO: the server must end, and not try again
`full`   the disk fills up at a random moment, and the server is killed, or goes on when there is room again. Needs root.
"""

import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

import rig as rigs

sys.path.insert(0, str(rigs.ROOT / "tools"))
import check_run  # noqa: E402

EVENTS = {"kill": 1000, "power": 100, "eio": 1, "full": 50}
# What each mode must find beyond what was acknowledged being there.
TARGETS = {"kill": [("events", ">=", 1000)], "power": [("events", ">=", 100)],
           "eio": [("went_on", "==", 0), ("synced_again", "==", 0)], "full": [("refused_otherwise", "==", 0)]}
WRITERS = 4
CHANNELS = 2
IN_FLIGHT = 16
EIO_WRITES = 30
# As long as it takes for the log and its index to grow to what a restart reads in some milliseconds.
EVENTS_PER_FOLDER = 100
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
ANSWER_S = 20
LIMITS = ["--log.level", "error"]


class Writer:
    """One connection that keeps writes in flight, and remembers what was acknowledged."""

    def __init__(self, server, number, writes=None):
        """`writes`: so many, each after the one before is stored; without it, without end."""
        self.number, self.writes = number, writes
        self.actor = random.randrange(1, 2**53)
        self.acked = []  # (channel, seq, value)
        self.refused = {}
        self.sent = {}
        self.socket = check_run.WebSocket(server)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(check_run.CheckFailed, OSError, ValueError):
            self._write()

    def _write(self):
        counters = dict.fromkeys(range(CHANNELS), 0)
        while self.writes is None or len(self.acked) < self.writes:
            while sum(len(rows) for rows in self.sent.values()) < (IN_FLIGHT if self.writes is None else 1):
                number = random.randrange(CHANNELS)
                channel = f"board:crash-{number}"
                counters[number] += 1
                value = f"{self.actor}-{counters[number]}"
                self.sent.setdefault(channel, {})[counters[number]] = value
                self.socket.send({"push": {"channel": channel, "actor": self.actor, "counter": counters[number],
                                           "ops": [{"op": "set", "path": f"w{self.number}/k{counters[number] % 50}",
                                                    "value": value}]}})
            message = self.socket.receive()
            if "ack" in message:
                ack = message["ack"]
                value = self.sent[ack["channel"]].pop(ack["counter"])
                self.acked.append((ack["channel"], ack["seq"], value))
            elif "error" in message:
                code = message["error"]["code"]
                self.refused[code] = self.refused.get(code, 0) + 1
                return

    def finish(self):
        with contextlib.suppress(OSError):
            self.socket.close()
        self.thread.join(ANSWER_S)


class Ledger:
    """What was acknowledged, and what the server has."""

    def __init__(self):
        self.heads, self.waiting = {}, []
        self.acked = self.lost = self.gaps = 0

    def take(self, writers):
        for writer in writers:
            writer.finish()
            self.waiting += writer.acked
            self.acked += len(writer.acked)

    def entries(self, server, channel):
        """All behind the head that was seen last."""
        connection = http.client.HTTPConnection(server.address.hostname, server.address.port, timeout=ANSWER_S)
        found, after = [], self.heads.get(channel, 0)
        try:
            while True:
                connection.request("GET", f"/api/v1/channels/{channel}/entries?after={after}&limit=1000")
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 404 and after == 0:
                    return []
                if answer.status != 200:
                    raise rigs.NotMeasured(f"reading {channel}: {answer.status} {body[:200]!r}")
                page = json.loads(body)["entries"]
                if not page:
                    return found
                found += page
                after = page[-1]["seq"]
        finally:
            connection.close()

    def compare(self, server):
        for number in range(CHANNELS):
            channel = f"board:crash-{number}"
            head = self.heads.get(channel, 0)
            values = {}
            for entry in self.entries(server, channel):
                if entry["seq"] != head + 1:
                    self.gaps += 1
                head = entry["seq"]
                values[head] = [op.get("value") for op in entry["ops"]]
            self.lost += sum(1 for at, seq, value in self.waiting if at == channel and value not in values.get(seq, []))
            self.heads[channel] = head
        self.waiting.clear()


def start(rig, folder, env=None, log=None):
    """The server, or None with its exit code in `check_run.CheckFailed`'s text."""
    before = dict(os.environ)
    os.environ.update(env or {})
    try:
        if log is None:
            return check_run.Server(str(rig.binary), str(folder), LIMITS)
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            return check_run.Server(str(rig.binary), str(folder), LIMITS)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
    finally:
        os.environ.clear()
        os.environ.update(before)


def write_for_a_while(server, low_s, high_s):
    writers = [Writer(server, number) for number in range(WRITERS)]
    time.sleep(random.uniform(low_s, high_s))
    return writers


def tell(mode, done, of, ledger, began):
    if sys.stdout.isatty() or done % 50 == 0 or done == of:
        print(f"  {mode}: {done}{f' of {of}' if of else ''}, {ledger.acked} acknowledged, {ledger.lost} lost, {ledger.gaps} gaps, "
              f"{time.monotonic() - began:.0f} s", flush=True)


def kill(rig, events, outcome):
    ledger, began, done = Ledger(), time.monotonic(), 0
    folder = None
    while done < events:
        if done % EVENTS_PER_FOLDER == 0:
            if folder is not None:
                shutil.rmtree(folder)
            folder = tempfile.mkdtemp(prefix="tandem-bench-", dir=rig.data_root)
            ledger.heads.clear()
        server = start(rig, pathlib.Path(folder) / "data")
        writers = write_for_a_while(server, 0.005, 0.25)
        server.kill()
        ledger.take(writers)
        server = start(rig, pathlib.Path(folder) / "data")
        ledger.compare(server)
        # Half of them while it starts on what the kill has left, and reads.
        if done % 2 == 0:
            server.kill()
        else:
            server.stop()
            server.process.stdout.close()
        done += 1
        tell("kill", done, events, ledger, began)
    if folder is not None:
        shutil.rmtree(folder)
    outcome.metrics.update(events=done, acked_lost=ledger.lost, seq_gaps=ledger.gaps, acked=ledger.acked)


class Disk:
    """An ext4 in a file on the measured disk, mounted for as long as this lives."""

    def __init__(self, rig, megabytes):
        if os.geteuid() != 0:
            raise rigs.NotMeasured("mounting needs root")
        self.folder = tempfile.mkdtemp(prefix="tandem-bench-", dir=rig.data_root)
        self.image, self.root = os.path.join(self.folder, "image"), os.path.join(self.folder, "disk")
        os.mkdir(self.root)
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        self.run("mkfs.ext4", "-q", self.image)
        self.mount()

    def run(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise rigs.NotMeasured(f"{' '.join(words)}: {done.stderr.strip()}")

    def mount(self):
        self.run("mount", "-o", "loop", self.image, self.root)

    def cut(self):
        """The file system writes nothing more, and what it has not written is lost."""
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, struct.pack("=I", NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def mount_again(self):
        self.run("umount", self.root)
        self.mount()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", self.root], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def cut_power(rig, disk, ledger, env):
    server = start(rig, pathlib.Path(disk.root) / "data", env)
    writers = write_for_a_while(server, 0.05, 0.4)
    disk.cut()
    server.kill()
    ledger.take(writers)
    disk.mount_again()
    server = start(rig, pathlib.Path(disk.root) / "data")
    ledger.compare(server)
    server.stop()
    server.process.stdout.close()


def power(rig, events, outcome):
    ledger, began = Ledger(), time.monotonic()
    with Disk(rig, 256) as disk:
        for done in range(events):
            cut_power(rig, disk, ledger, None)
            tell("power", done + 1, events, ledger, began)
    control = Ledger()
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        shim = rigs.build_shim(folder)
        for _ in range(20):
            with Disk(rig, 256) as disk, contextlib.suppress(check_run.CheckFailed, rigs.NotMeasured):
                cut_power(rig, disk, control, {"LD_PRELOAD": str(shim), "TANDEM_SHIM_SKIP": "1"})
            # A store that cannot be opened any more has lost everything.
            control.lost += len(control.waiting)
            control.waiting.clear()
            control.heads.clear()
            if control.lost:
                break
    if control.lost == 0:
        raise rigs.NotMeasured("a server that syncs nothing lost nothing either, so the cut proves nothing")
    outcome.notes.append(f"control: a server whose fdatasync does nothing lost {control.lost} of {control.acked}")
    outcome.metrics.update(events=events, acked_lost=ledger.lost, seq_gaps=ledger.gaps, acked=ledger.acked)


def eio(rig, events, outcome):
    """Each sync of a run fails once: those of the start, of writes, and of the end."""
    del events
    ledger, began, number = Ledger(), time.monotonic(), 0
    seen = dict.fromkeys(("refused_to_start", "passed_over_at_start", "stopped", "at_end", "went_on", "synced_again"), 0)
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as tools:
        shim = rigs.build_shim(tools)
        counts = pathlib.Path(tools) / "counts"
        while True:
            number += 1
            ledger.heads.clear()
            counts.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory(prefix="tandem-bench-", dir=rig.data_root) as folder, \
                    open(pathlib.Path(folder) / "log", "w+b") as log:
                env = {"LD_PRELOAD": str(shim), "TANDEM_SHIM_COUNT": str(counts), "TANDEM_SHIM_FAIL_AT": str(number)}
                data = pathlib.Path(folder) / "data"
                phase = run_with_failing_sync(rig, data, env, log, counts, number, ledger)
                if phase in ("refused_to_start", "stopped"):
                    log.seek(0)
                    if not log.read().strip():
                        raise rigs.NotMeasured(f"sync {number}: the server ended without a word")
                if phase == "stopped":
                    # The kernel would say that all is well, and forget what it could not write.
                    seen["synced_again"] += struct.unpack_from("=QQ", counts.read_bytes())[1]
                server = start(rig, data)
                ledger.compare(server)
                server.stop()
                server.process.stdout.close()
            if phase == "over":
                break
            seen[phase] += 1
    tell("eio", number - 1, number - 1, ledger, began)
    outcome.notes.append("passed over: SQLite does not tell that it could not sync the folder of a log that it made; "
                         "the store syncs the folder itself before it serves anything")
    outcome.metrics.update(events=number - 1, acked_lost=ledger.lost, seq_gaps=ledger.gaps, acked=ledger.acked, **seen)


def run_with_failing_sync(rig, data, env, log, counts, number, ledger):
    """What became of the server; `over` when it needed fewer syncs than that."""
    def syncs():
        return struct.unpack_from("=Q", counts.read_bytes())[0]

    try:
        server = start(rig, data, env, log)
    except check_run.CheckFailed:
        return "refused_to_start"
    try:
        if syncs() >= number:
            return "passed_over_at_start"
        writer = Writer(server, 0, EIO_WRITES)
        writer.thread.join(ANSWER_S)
        is_through = len(writer.acked) == EIO_WRITES
        ledger.take([writer])
        if is_through:
            server.process.terminate()
        try:
            code = server.process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:
            return "went_on"
        if syncs() < number:
            return "over"
        if is_through:
            return "at_end"
        return "stopped" if code != 0 else "went_on"
    finally:
        server.kill()


def fill(root):
    path = os.path.join(root, "ballast")
    with open(path, "ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"0" * 65536)
    with open(path, "ab", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(b"0" * 512)
    return path


def full(rig, events, outcome):
    ledger, began = Ledger(), time.monotonic()
    refused = {}
    with Disk(rig, 64) as disk:
        data = pathlib.Path(disk.root) / "data"
        for done in range(events):
            server = start(rig, data)
            writers = write_for_a_while(server, 0.02, 0.2)
            ballast = fill(disk.root)
            deadline = time.monotonic() + ANSWER_S
            while any(writer.thread.is_alive() for writer in writers):
                if time.monotonic() > deadline:
                    raise rigs.NotMeasured("the disk is full, and nothing was refused")
                time.sleep(0.01)
            ledger.take(writers)
            for writer in writers:
                for code, count in writer.refused.items():
                    refused[code] = refused.get(code, 0) + count
            if server.process.poll() is not None:
                raise rigs.NotMeasured(f"the server ended with code {server.process.poll()} on a full disk")
            if done % 2 == 0:
                server.kill()
                os.remove(ballast)
                server = start(rig, data)
            else:
                os.remove(ballast)
            ledger.compare(server)
            server.stop()
            server.process.stdout.close()
            tell("full", done + 1, events, ledger, began)
    outcome.notes.append("refused as " + ", ".join(f"{code} ({count})" for code, count in refused.items()))
    if set(refused) != {"storage_full"}:
        outcome.notes.append("refusals other than storage_full")
    outcome.metrics.update(events=events, acked_lost=ledger.lost, seq_gaps=ledger.gaps, acked=ledger.acked,
                           refused=sum(refused.values()), refused_otherwise=sum(
                               count for code, count in refused.items() if code != "storage_full"))


MODES = {"kill": kill, "power": power, "eio": eio, "full": full}


def measure(rig, options, outcome):
    events = options.events or EVENTS[options.mode]
    outcome.notes.append(f"mode {options.mode}")
    MODES[options.mode](rig, events, outcome)
    outcome.runs.append({"mode": options.mode, **outcome.metrics})
