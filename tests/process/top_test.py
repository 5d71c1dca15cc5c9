"""`tandem top`: what it tells, in a terminal and without one."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from support import BINARY, ProcessTest, next_of, patch, put

WAIT_S = 30
LEFT = b"\x1b[?25h\x1b[?1049l"


class Terminal:
    """The verb in a terminal of its own, and what its screen shows now."""

    def __init__(self, *arguments, columns=100, rows=30):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.master)
        self.process = subprocess.Popen([BINARY, "top", *arguments], stdin=slave, stdout=slave, stderr=slave,
                                        env={**os.environ, "TERM": "xterm"}, start_new_session=True)
        os.close(slave)
        self.output = b""

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def lines(self):
        """Of the newest screen that is whole."""
        screens = self.output.split(b"\x1b[H")
        whole = [one for one in screens[1:] if b"\x1b[J" in one]
        if not whole:
            return []
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", whole[-1].decode(errors="replace"))
        return text.replace("\r", "").split("\n")

    def wait_for(self, what, is_there):
        deadline = time.monotonic() + WAIT_S
        while not is_there(self.lines()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what}: the screen is\n" + "\n".join(self.lines()))
            if select.select([self.master], [], [], left)[0]:
                self.output = (self.output + os.read(self.master, 65536))[-262144:]

    def wait_for_text(self, text):
        self.wait_for(f"{text!r} is not shown", lambda lines: any(text in line for line in lines))

    def end(self):
        """Its exit code; what it still had to say is read meanwhile, or it would wait for that."""
        deadline = time.monotonic() + WAIT_S
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            if time.monotonic() > deadline:
                raise AssertionError("it does not end")
            if not select.select([self.master], [], [], 0.05)[0]:
                continue
            try:
                self.output += os.read(self.master, 65536)
            except OSError:  # nobody has the other end any more
                break
        return self.process.wait(WAIT_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.master)


class Top(ProcessTest):
    def open(self, *arguments, **size):
        terminal = Terminal(*arguments, **size)
        self.addCleanup(terminal.close)
        return terminal

    def write_on(self, server, channel):
        """Writes until the test ends."""
        client, over = self.connect(server), threading.Event()

        def write():
            while not over.is_set():
                try:
                    client.send({"push": {"channel": channel, "ops": [put("title", "x")]}})
                    next_of(client, "ack")
                except Exception:  # the server has gone
                    return
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        self.addCleanup(thread.join, WAIT_S)
        self.addCleanup(over.set)

    def reports(self, server, *arguments):
        process = self.popen("top", server.url, "--json", *arguments)
        return map(json.loads, process.stdout)

    def test_one_report_as_json(self):
        server = self.start("--server.threads", "2")
        reader = self.connect(server)
        reader.send({"subscribe": {"channel": "board:hot"}})
        next_of(reader, "snapshot")
        patch(server, "board:cold", [put("title", "x")])
        self.write_on(server, "board:hot")
        done = self.tandem("top", server.url, "--once", "--json", "--interval", "1")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual(report["connections"], 2)
        self.assertFalse(report["restarted"])
        self.assertGreater(report["per_second"]["writes"], 1)
        self.assertGreater(report["per_second"]["sent_bytes"], 1)
        self.assertGreater(report["memory_bytes"], 1_000_000)
        self.assertEqual(len(report["loop_lag_ms"]), 2)
        for name in ("write_to_ack", "commit_to_send", "sync", "loop_lag"):
            times = report["latency_ms"][name]
            self.assertGreater(times["count"], 0, name)
            self.assertTrue(0 < times["p50"] <= times["p99"] <= times["p99_9"] < 60_000, (name, times))
        self.assertEqual([row["channel"] for row in report["hottest"]], ["board:hot"])
        self.assertEqual(report["hottest"][0]["subscribers"], 1)
        self.assertTrue(report["hottest_of_all"])

    def test_rates_go_on_when_the_server_is_started_again(self):
        server = self.start()
        self.write_on(server, "board:a")
        reports = self.reports(server, "--interval", "0.3")
        self.assertGreater(next(reports)["per_second"]["writes"], 0)
        port = str(server.address.port)
        server.stop()
        gone = next(report for report in reports if "problem" in report)
        self.assertIn("trying again", gone["problem"])
        server = self.start("--port", port)
        self.write_on(server, "board:a")
        again = next(report for report in reports if report.get("restarted"))
        self.assertGreaterEqual(again["per_second"]["writes"], 0)
        self.assertGreaterEqual(again["latency_ms"]["write_to_ack"]["count"], 0)
        after = next(report for report in reports if "problem" not in report)
        self.assertFalse(after["restarted"])
        self.assertLess(after["per_second"]["writes"], 1_000_000)

    def test_without_a_terminal_it_prints(self):
        server = self.start()
        process = self.popen("top", server.url, "--interval", "0.2")
        lines = [process.stdout.readline() for _ in range(12)]
        self.assertTrue(lines[0].startswith("tandem top  " + server.url), lines)
        self.assertFalse(any("\x1b" in line for line in lines))
        process.terminate()
        self.assertEqual(process.wait(WAIT_S), 0)

    def test_a_screen_that_lives(self):
        server = self.start("--server.threads", "2")
        terminal = self.open(server.url, "--interval", "0.2")
        terminal.wait_for_text("write to ack")
        self.assertEqual(termios.tcgetattr(terminal.master)[3] & (termios.ICANON | termios.ECHO), 0)
        self.write_on(server, "board:hot")
        terminal.wait_for("no bars and no channel", lambda lines: any("board:hot" in line for line in lines)
                          and any(re.search(r"^writes .*[▂▃▄▅▆▇█]", line) for line in lines))
        terminal.wait_for("nothing was measured", lambda lines: any(re.search(r"^write to ack .* (µs|ms|s) ", line) for line in lines))
        terminal.resize(40, 10)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.wait_for("it does not fit", lambda lines: 0 < len(lines) <= 10 and max(map(len, lines)) <= 40)
        terminal.resize(160, 40)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.wait_for("it stays small", lambda lines: max(map(len, lines), default=0) > 40)
        server.stop()
        terminal.wait_for_text("No answer, trying again")
        os.write(terminal.master, b"q")
        self.assertEqual(terminal.end(), 0)
        self.assertTrue(terminal.output.endswith(LEFT), terminal.output[-80:])
        self.assertEqual(termios.tcgetattr(terminal.master), terminal.before)

    def test_the_terminal_is_left_as_it_was_however_it_is_ended(self):
        server = self.start()
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            terminal = self.open(server.url, "--interval", "60")
            terminal.wait_for_text("a second")
            terminal.process.send_signal(how)
            self.assertEqual(terminal.end(), 0)
            self.assertTrue(terminal.output.endswith(LEFT), terminal.output[-80:])
            self.assertEqual(termios.tcgetattr(terminal.master), terminal.before)

    def test_what_cannot_be_reached_is_said(self):
        done = self.tandem("top", "http://127.0.0.1:1", "--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no answer from http://127.0.0.1:1", done.stderr)
        self.assertEqual(self.tandem("top", "http://").returncode, 2)
        self.assertEqual(self.tandem("top", "http://127.0.0.1:1", "--interval", "0").returncode, 2)
        server = self.start("--auth.mode", "required")
        done = self.tandem("top", server.url, "--once", "--interval", "0.2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)
        token = self.tandem("gentoken", "--sub", "ann", "--cap", "board:*=read").stdout.strip()
        done = self.tandem("top", server.url, "--once", "--interval", "0.2", "--token", token)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        token = self.tandem("gentoken", "--sub", "ops", "--cap", "*=admin").stdout.strip()
        done = self.tandem("top", server.url, "--once", "--json", "--interval", "0.2", "--token", token)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_version_may_be_asked_for_as_of_others(self):
        asked = self.tandem("--version")
        self.assertEqual((asked.returncode, asked.stderr), (0, ""))
        self.assertEqual(asked.stdout, self.tandem("version").stdout)
