"""A server process and JSON clients for the tests."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from check_run import Server, WebSocket

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("TANDEM_TEST_BINARY", str(ROOT / "build" / "release" / "tandem"))


class ProcessTest(unittest.TestCase):
    """Each test has a folder of its own; servers and sockets end with it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tandem-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.data = os.path.join(self.folder, "data")

    def start(self, *arguments, data=None):
        server = Server(BINARY, data or self.data, ["--log.level", "off", *arguments])
        self.addCleanup(server.kill)
        return server

    def connect(self, server):
        client = WebSocket(server)
        self.addCleanup(client.close)
        return client

    def tandem(self, *arguments, timeout=30, environment=None):
        return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **(environment or {})}, check=False)

    def popen(self, *arguments):
        """A verb that goes on; it ends with the test."""
        process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def write_file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path


def request(server, path, method="GET", body=None, headers=None):
    """(status, headers, JSON or text)."""
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    wanted = urllib.request.Request(server.url + path, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(wanted, timeout=15) as response:
            text, status, fields = response.read().decode(), response.status, response.headers
    except urllib.error.HTTPError as error:
        text, status, fields = error.read().decode(), error.code, error.headers
    try:
        return status, fields, json.loads(text)
    except ValueError:
        return status, fields, text


def record(server, channel):
    return request(server, f"/api/v1/channels/{channel}/record")[2]


def patch(server, channel, ops, headers=None):
    return request(server, f"/api/v1/channels/{channel}/record", "PATCH", {"ops": ops},
                   {"Content-Type": "application/json", **(headers or {})})


def put(path, value):
    return {"op": "set", "path": path, "value": value}


def next_of(client, name):
    """The next frame of that name, whatever else comes before it."""
    while True:
        message = client.receive()
        if name in message:
            return message[name]
