"""A server whose memory is short: it stays within its budget, those who behave go on, and it recovers."""

import json
import pathlib
import re
import socket
import struct
import threading
import time

from support import ProcessTest, next_of, patch, put, record, request

BUDGET = 96 << 20
WAIT_S = 60
# Answers to what no channel is: some 300 bytes each, of which a connection may have a mebibyte.
REFUSED = json.dumps([{"subscribe": {"channel": "nobody-has-this:1"}}] * 1000).encode()


def resident(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()
    return (int(fields[1]) - int(fields[2])) * 4096


def metric(server, name):
    text = request(server, "/metrics")[2]
    return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])


class Hoarder:
    """Asks for answers and does not fetch them."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.address.hostname, server.address.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.sendall(b"GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                            b"Sec-WebSocket-Protocol: tandem.v1.json\r\n\r\n")

    def ask(self):
        """False when the server has cut it."""
        try:
            self.socket.sendall(struct.pack("!BBHI", 0x81, 0xfe, len(REFUSED), 0) + REFUSED)
        except OSError:
            return False
        return True

    def close(self):
        self.socket.close()


class Overload(ProcessTest):
    def wait(self, is_done, what):
        deadline = time.monotonic() + WAIT_S
        while not is_done():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def test_memory_stays_within_its_budget_and_those_who_behave_go_on(self):
        server = self.start("--limits.memory_budget", str(BUDGET))
        reader = self.connect(server)
        reader.send({"subscribe": {"channel": "board:calm"}})
        next_of(reader, "snapshot")
        writer = self.connect(server)
        peak, stop, acked = [0], threading.Event(), []

        def watch():
            while not stop.wait(0.005):
                peak[0] = max(peak[0], resident(server))

        def write():
            """One write at a time, again when it is refused for a while; each exactly once."""
            while not stop.is_set():
                counter = len(acked) + 1
                writer.send({"push": {"channel": "board:calm", "counter": counter,
                                      "ops": [{"op": "inc", "path": "votes", "value": 1}]}})
                answer = writer.receive()
                if "ack" in answer:
                    acked.append(answer["ack"]["seq"])
                    time.sleep(0.002)
                else:
                    self.assertTrue(answer["error"]["temporary"], answer)
                    time.sleep(min(answer["error"]["retry_after_ms"], 50) / 1000)

        threads = [threading.Thread(target=target) for target in (watch, write)]
        for thread in threads:
            thread.start()
        hoarders, refused_with = [], set()
        try:
            # Twice as much as the budget, were nothing done.
            for _ in range(220):
                hoarder = Hoarder(server)
                self.addCleanup(hoarder.close)
                hoarders.append(hoarder)
                for _ in range(3):
                    if not hoarder.ask():
                        break
                status, fields, _ = request(server, "/api/v1/channels/board:calm/record")
                if status != 200:
                    refused_with.add((status, int(fields["Retry-After"]) >= 2))
            self.wait(lambda: metric(server, "tandem_shed_connections_total") > 0, "nobody was cut or turned away")
            written = len(acked)
            self.wait(lambda: len(acked) > written + 20, "writes do not go on")
            self.assertEqual(request(server, "/health")[0], 200)
        finally:
            stop.set()
            for thread in threads:
                thread.join(WAIT_S)
        self.assertLess(peak[0], BUDGET)
        self.assertLessEqual(refused_with, {(503, True)})
        for hoarder in hoarders:
            hoarder.close()
        self.wait(lambda: metric(server, "tandem_memory_pressure") == 0, "the pressure does not end")
        self.assertLess(metric(server, "tandem_memory_used_bytes"), BUDGET * .7)
        # Who was let in before has missed nothing, and others are let in again.
        seen = 0
        while seen < len(acked):
            entries = next_of(reader, "entries")
            self.assertEqual(entries["from"], seen)
            seen = entries["to"]
        self.assertEqual(acked, list(range(1, len(acked) + 1)))
        self.assertEqual(record(server, "board:calm")["value"]["votes"], len(acked))
        late = self.connect(server)
        late.send({"subscribe": {"channel": "board:calm"}})
        self.assertEqual(next_of(late, "snapshot")["value"]["votes"], len(acked))

    def test_who_comes_while_memory_is_short_is_told_when_to_come_again(self):
        # So little that the server is always short.
        server = self.start("--limits.memory_budget", str(1 << 20))
        self.wait(lambda: metric(server, "tandem_memory_pressure") == 2, "no pressure")
        waits = set()
        for _ in range(5):
            client = self.connect(server)
            bye = next_of(client, "bye")
            self.assertEqual(bye["code"], "overloaded")
            self.assertTrue(2000 <= bye["reconnect_after_ms"] <= 10000, bye)
            waits.add(bye["reconnect_after_ms"])
        self.assertEqual(len(waits), 5, "they do not come back together")
        status, fields, answer = patch(server, "board:a", [put("title", "x")])
        self.assertEqual((status, answer["error"]["code"]), (503, "overloaded"))
        self.assertTrue(2 <= int(fields["Retry-After"]) <= 10)
        self.assertEqual(request(server, "/health")[0], 200)
        self.assertEqual(request(server, "/ready")[0], 200)
        # The page, where it is built.
        self.assertIn(request(server, "/")[0], (200, 404))

    def test_channels_that_nobody_uses_leave_memory(self):
        server = self.start("--limits.memory_budget", str(BUDGET), "--limits.message_bytes", "1048576")
        big = {f"k{i}": "x" * 1000 for i in range(900)}
        for i in range(60):
            self.wait(lambda i=i: request(server, f"/api/v1/channels/board:{i}/record", "PUT", big,
                                          {"Content-Type": "application/json"})[0] == 200, f"board:{i} is not written")
        self.assertLess(resident(server), BUDGET)
        self.wait(lambda: metric(server, "tandem_memory_pressure") == 0, "the pressure does not end")
        for i in (0, 59):
            self.wait(lambda i=i: record(server, f"board:{i}").get("value") == big, f"board:{i} is not there")


class Stalled(ProcessTest):
    def test_who_takes_nothing_is_dropped_and_resumes(self):
        server = self.start("--limits.stall_timeout_ms", "300")
        hoarder = Hoarder(server)
        self.addCleanup(hoarder.close)
        for _ in range(2):
            hoarder.ask()
        deadline = time.monotonic() + WAIT_S
        while metric(server, "tandem_stalled_connections_total") == 0:
            self.assertLess(time.monotonic(), deadline, "it was not dropped")
            hoarder.socket.send(b"\x8a\x80\0\0\0\0")  # It is not silent.
            time.sleep(0.05)
        self.assertEqual(metric(server, "tandem_connections"), 0)
