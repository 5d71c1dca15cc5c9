"""What the server holds once nobody uses it: documents that were opened, edited and closed leave no memory behind."""

import base64
import re
import secrets
import socket
import struct
import time
import urllib.request

from support import ProcessTest

DOCUMENTS = 10_000
DOCUMENTS_PER_SOCKET = 100  # limits.channels_per_connection is 128
DOCUMENT_BYTES = 4_000
MORE_BYTES_MAX = 5 * 1024 * 1024


def var_uint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def sized(data):
    return var_uint(len(data)) + data


def update_of(text):
    """A Yjs update: client 7 has typed a text into the root `t`."""
    return b"\x01\x01\x07\x00\x04\x01" + sized(b"t") + sized(text) + b"\x00"


class Provider:
    """A socket of Hocuspocus with many documents. The mask of its frames is zero, so that they are as they are."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.address.hostname, server.address.port), timeout=30)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall((f"GET /hocuspocus HTTP/1.1\r\nHost: {server.address.netloc}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def fill(self):
        piece = self.socket.recv(1 << 16)
        assert piece, "the server closed the connection"
        self.buffer += piece

    @staticmethod
    def frame(payload):
        size = len(payload)
        head = bytes([0x82, 0x80 | size]) if size < 126 else b"\x82\xfe" + struct.pack(">H", size)
        return head + bytes(4) + payload

    def send(self, payloads):
        self.socket.sendall(b"".join(map(self.frame, payloads)))

    def take(self, count):
        while len(self.buffer) < count:
            self.fill()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def receive(self):
        first, size = self.take(2)
        assert first == 0x82, first
        if size == 126:
            (size,) = struct.unpack(">H", self.take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.take(8))
        return self.take(size)

    def edit(self, names, text):
        """Opens the documents, and comes back when what it wrote in each is on disk."""
        self.send(payload for name in names
                  for payload in (sized(name) + b"\x00\x00" + sized(b"\x00"),  # sync, step 1, nothing known
                                  sized(name) + b"\x00\x02" + sized(update_of(text))))
        stored = {sized(name) + b"\x08\x01" for name in names}
        while stored:
            stored.discard(self.receive())

    def close(self):
        self.socket.close()


class Memory(ProcessTest):
    def channels(self, server):
        with urllib.request.urlopen(server.url + "/metrics", timeout=15) as response:
            return int(re.search(r"^tandem_channels (\d+)$", response.read().decode(), re.MULTILINE)[1])

    def resident(self, server):
        with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4096

    def round(self, server, first, count):
        """Documents by turns, each closed before the next ones are opened; then all leave memory."""
        for begin in range(first, first + count, DOCUMENTS_PER_SOCKET):
            provider = Provider(server)
            provider.edit([f"doc-{number}".encode() for number in range(begin, begin + DOCUMENTS_PER_SOCKET)],
                          secrets.token_hex(DOCUMENT_BYTES // 2).encode())
            provider.close()
        deadline = time.monotonic() + 60
        while self.channels(server) > 0:
            self.assertLess(time.monotonic(), deadline, "documents that nobody uses stay in memory")
            time.sleep(0.02)

    def settled(self, server):
        """What is resident when it has become no less for two seconds."""
        least, since = self.resident(server), time.monotonic()
        while time.monotonic() < since + 2:
            time.sleep(0.05)
            now = self.resident(server)
            if now < least:
                least, since = now, time.monotonic()
        return least

    def test_ten_thousand_documents_leave_no_memory_behind(self):
        server = self.start("--config", self.write_file("tandem.toml", "[namespaces.text]\n"),
                            "--retention.cold_after_ms", "200")
        # So many that the caches of the store are full.
        self.round(server, 0, DOCUMENTS // 2)
        before = self.settled(server)
        self.round(server, DOCUMENTS // 2, DOCUMENTS)
        more = self.settled(server) - before
        print(f"{before / 1e6:.1f} MB before, {more / 1e6:+.1f} MB after {DOCUMENTS} documents ", end="", flush=True)
        self.assertLessEqual(more, MORE_BYTES_MAX)
