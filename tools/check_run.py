#!/usr/bin/env python3
"""Proves that a built server works: starts it on a free port with an empty data folder, writes over a
WebSocket, reads the value over HTTP, stops it, starts it again and reads the value from its disk.

usage: check_run.py BINARY [ARGS of `tandem dev`]
"""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import secrets
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

START_TIMEOUT_S = 30
ANSWER_TIMEOUT_S = 15
CHANNEL = "board:run-check"


class CheckFailed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise CheckFailed(text)


class Server:
    """A `tandem dev` process; its ready line tells the address."""

    def __init__(self, binary, data, arguments):
        command = [binary, "dev", "--port", "0", "--data", data, "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        ready = self._first_line()
        expect(ready.get("event") == "ready", f"the first line is {ready!r}, not the ready event")
        expect(ready.get("pid") == self.process.pid, f"the ready event names pid {ready.get('pid')}")
        self.address = urllib.parse.urlsplit(ready["url"])
        self.url = f"http://{self.address.netloc}"
        self.token = ready.get("token")

    def _first_line(self):
        line, deadline = b"", time.monotonic() + START_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                expect(selector.select(max(0, deadline - time.monotonic())), "the server did not become ready")
                piece = os.read(self.process.stdout.fileno(), 4096)
                expect(piece, f"the server ended with code {self.process.wait() if not piece else None}")
                line += piece
        return json.loads(line.split(b"\n")[0])

    def secure(self, connection):
        """What speaks to the server over a TCP connection to it."""
        return connection

    def headers(self):
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers=self.headers())
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as response:
            return json.load(response)

    def record(self):
        return self.get(f"/api/v1/channels/{urllib.parse.quote(CHANNEL)}/record")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(ANSWER_TIMEOUT_S)
        expect(code == 0, f"after SIGTERM the server ended with code {code}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class WebSocket:
    """A client for RFC 6455 text messages, one JSON object or array of them each."""

    def __init__(self, server):
        host, port = server.address.hostname, server.address.port
        self.socket = server.secure(socket.create_connection((host, port), timeout=ANSWER_TIMEOUT_S))
        self.buffer = b""
        self.queue = []
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [
            "GET /connection/websocket HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket",
            "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: tandem.v1.json", *(f"{k}: {v}" for k, v in server.headers().items()),
        ]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *fields = head.decode("latin-1").split("\r\n")
        expect(status.split(" ")[1] == "101", f"the upgrade was answered with {status!r}")
        answer = {k.strip().lower(): v.strip() for k, v in (field.split(":", 1) for field in fields)}
        digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        expect(answer.get("sec-websocket-accept") == base64.b64encode(digest).decode(), "a wrong accept key")
        expect(answer.get("sec-websocket-protocol") == "tandem.v1.json", "the subprotocol was not chosen")

    def _fill(self):
        piece = self.socket.recv(65536)
        expect(piece, "the server closed the connection")
        self.buffer += piece

    def _take(self, count):
        while len(self.buffer) < count:
            self._fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _send(self, opcode, payload):
        mask = secrets.token_bytes(4)
        size = len(payload)
        if size < 126:
            head = bytes([0x80 | opcode, 0x80 | size])
        elif size < 65536:
            head = bytes([0x80 | opcode, 0x80 | 126]) + struct.pack(">H", size)
        else:
            head = bytes([0x80 | opcode, 0x80 | 127]) + struct.pack(">Q", size)
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def send(self, message):
        self._send(1, json.dumps(message).encode())

    def receive(self):
        """The next JSON object."""
        message = b""
        while not self.queue:
            first, second = self._take(2)
            expect(second & 0x80 == 0, "the server masked a frame")
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self._take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self._take(8))
            payload = self._take(size)
            opcode = first & 0x0F
            if opcode == 9:
                self._send(10, payload)
            elif opcode == 8:
                raise CheckFailed(f"the server closed the connection: {payload[2:].decode(errors='replace')}")
            elif opcode in (0, 1):
                message += payload
                if first & 0x80:
                    decoded = json.loads(message)
                    self.queue += decoded if isinstance(decoded, list) else [decoded]
                    message = b""
        return self.queue.pop(0)

    def wait_for(self, name):
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < deadline:
            message = self.receive()
            expect("error" not in message, f"the server answered {message.get('error')}")
            if name in message:
                return message[name]
        raise CheckFailed(f"no {name} came")

    def close(self):
        self.socket.close()


def check(binary, arguments):
    value = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="tandem-check-") as data, contextlib.ExitStack() as stack:
        server = Server(binary, data, arguments)
        stack.callback(server.kill)
        expect(server.get("/health") == {"status": "ok"}, "/health does not say ok")
        print(f"started on {server.url}")

        reader, writer = WebSocket(server), WebSocket(server)
        stack.callback(reader.close)
        stack.callback(writer.close)
        reader.send({"subscribe": {"channel": CHANNEL}})
        reader.wait_for("snapshot")
        writer.send({"push": {"channel": CHANNEL, "ops": [{"op": "set", "path": "greeting", "value": value}]}})
        ack = writer.wait_for("ack")
        expect(ack["channel"] == CHANNEL and ack["seq"] >= 1, f"an odd ack: {ack}")
        entries = reader.wait_for("entries")
        expect(entries["to"] == ack["seq"], f"entries up to {entries['to']}, acknowledged {ack['seq']}")
        expect(value in json.dumps(entries), "the delivery does not hold the value")
        before = server.record()
        expect(before["value"] == {"greeting": value}, f"read {before['value']!r} over HTTP")
        expect(before["seq"] == ack["seq"], f"HTTP shows seq {before['seq']}")
        print(f"wrote, delivered and read seq {ack['seq']}")
        server.stop()

        again = Server(binary, data, arguments)
        stack.callback(again.kill)
        after = again.record()
        for key in ("epoch", "seq", "hash", "value"):
            expect(after[key] == before[key], f"{key} was {before[key]!r}, after the restart {after[key]!r}")
        again.stop()
        print("read it again after a restart")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    try:
        check(str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:])
    except (CheckFailed, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"check failed: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
