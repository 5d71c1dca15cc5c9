"""A disk that fills up while the server runs, and has room again."""

import os
import subprocess
import time

from check_run import Server
from support import BINARY, ProcessTest, next_of, patch, put, record, request

# The server runs in a mount namespace of its own, with a small disk at the data folder.
WRAPPER = """#!/bin/sh
exec unshare {flags} sh -c 'mount -t tmpfs -o size=6m tmpfs "{disk}" && exec "$0" "$@"' "{binary}" "$@"
"""


class FullDisk(ProcessTest):
    def namespace_flags(self, disk):
        """What `unshare` is told: mounts of its own, which the rest of the machine does not see."""
        flags = "-m" if os.geteuid() == 0 else "-rm"
        if subprocess.run(["unshare", flags, "true"], capture_output=True, check=False).returncode == 0:
            return flags
        # The root of a chroot need not be a mount point, and then its mounts stay shared if the machine's are: the small
        # disk may be seen outside the namespace and outlive it.
        self.addCleanup(subprocess.run, ["umount", disk], capture_output=True, check=False)
        return flags + " --propagation unchanged"

    def start_on_small_disk(self):
        disk = os.path.join(self.folder, "disk")
        os.mkdir(disk)
        wrapper = self.write_file("wrapper", WRAPPER.format(flags=self.namespace_flags(disk), disk=disk, binary=BINARY))
        os.chmod(wrapper, 0o755)
        server = Server(wrapper, os.path.join(disk, "data"), ["--log.level", "off"])
        self.addCleanup(server.kill)
        return server, f"/proc/{server.process.pid}/root{disk}"

    def test_writes_are_refused_for_a_while_and_nothing_acknowledged_is_lost(self):
        server, disk = self.start_on_small_disk()
        ballast = os.path.join(disk, "ballast")
        stored = {}

        def write():
            key = f"k{len(stored)}"
            status, fields, answer = patch(server, "board:1", [put(key, "x" * 2000)])
            if status == 200:
                stored[key] = "x" * 2000
            return status, fields, answer

        client = self.connect(server)
        for _ in range(3):
            self.assertEqual(write()[0], 200)
            with open(ballast, "wb", buffering=0) as out, self.assertRaises(OSError):
                while True:
                    out.write(b"0" * 4096)
            for _ in range(3000):
                status, fields, answer = write()
                if status != 200:
                    break
            self.assertEqual((status, answer["error"]["code"]), (507, "storage_full"))
            self.assertTrue(fields["Retry-After"])
            client.send({"push": {"channel": "board:2", "ops": [put("title", "too")]}})
            error = next_of(client, "error")
            self.assertEqual((error["code"], error["temporary"]), ("storage_full", True))
            self.assertIsNone(server.process.poll())
            self.assertEqual(record(server, "board:1")["value"], stored)
            self.assertEqual(request(server, "/ready")[0], 200)
            os.remove(ballast)
            deadline = time.monotonic() + 20
            while write()[0] != 200:
                self.assertLess(time.monotonic(), deadline)
            client.send({"push": {"channel": "board:2", "ops": [put("title", "now")]}})
            next_of(client, "ack")
        self.assertEqual(record(server, "board:1")["value"], stored)
