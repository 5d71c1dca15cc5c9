"""RFC 6455 and RFC 7692 from outside: what public suites send, by a socket of our own, to the echo
server; and what the extension does for those who take it on a real one."""

import base64
import itertools
import json
import os
import re
import secrets
import socket
import struct
import subprocess
import threading
import urllib.parse
import zlib

from support import ROOT, ProcessTest, patch, put, record

CONTINUATION, TEXT, BINARY_FRAME, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1, RSV2, RSV3 = 0x40, 0x20, 0x10
TIMEOUT_S = 30
MIB = 1024 * 1024
SENTENCE = "a long sentence, and another, " * 10


class Peer:
    """A client that can say what no client should."""

    def __init__(self, url, path="/", offers=None, headers=(), segment=None):
        address = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.segment, self.received = b"", segment, 0
        lines = [f"GET {path} HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
                 "Sec-WebSocket-Version: 13", *headers]
        if offers is not None:
            lines.append(f"Sec-WebSocket-Extensions: {offers}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            assert self.fill(), "the handshake was not answered"
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *fields = head.decode().split("\r\n")
        self.status = int(status.split(" ")[1])
        self.fields = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        self.extensions = self.fields.get("sec-websocket-extensions", "")

    def fill(self):
        piece = self.socket.recv(1 << 20)
        self.buffer += piece
        self.received += len(piece)
        return bool(piece)

    def send_raw(self, data):
        if self.segment:
            for at in range(0, len(data), self.segment):
                self.socket.sendall(data[at:at + self.segment])
        else:
            self.socket.sendall(data)

    def send(self, opcode, payload=b"", is_final=True, bits=0, key=None, length_bytes=None):
        size = len(payload)
        length_bytes = length_bytes if length_bytes is not None else 0 if size < 126 else 2 if size < 65536 else 8
        first = (0x80 if is_final else 0) | bits | opcode
        head = {0: struct.pack("!BB", first, 0x80 | min(size, 125)), 2: struct.pack("!BBH", first, 0x80 | 126, size & 0xFFFF),
                8: struct.pack("!BBQ", first, 0x80 | 127, size)}[length_bytes]
        key = secrets.token_bytes(4) if key is None else key
        pad = int.from_bytes(key * (size // 4 + 1), "big") >> (8 * (4 * (size // 4 + 1) - size))
        masked = (int.from_bytes(payload, "big") ^ pad).to_bytes(size, "big")
        self.send_raw(head + key + masked)

    def take(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                return None
        out, self.buffer = self.buffer[:size], self.buffer[size:]
        return out

    def receive(self):
        """(first byte, payload), or None at the end of the stream."""
        head = self.take(2)
        if head is None:
            return None
        assert not head[1] & 0x80, "a server masks nothing"
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", self.take(2))[0]
            assert size > 125
        elif size == 127:
            size = struct.unpack("!Q", self.take(8))[0]
            assert size > 65535
        return head[0], self.take(size)

    def message(self):
        """(opcode, message), inflated by a window that the answer allows, with no context."""
        first, payload = self.receive()
        assert first & 0x80, "the server sends whole messages"
        if first & RSV1:
            window = re.search(r"server_max_window_bits=(\d+)", self.extensions)
            inflater = zlib.decompressobj(-int(window.group(1) if window else 15))
            payload = inflater.decompress(payload + b"\0\0\xff\xff")
        return first & 15, payload

    def close_code(self):
        """What the server closes with, after which the stream ends; other frames are passed over."""
        while True:
            frame = self.receive()
            assert frame is not None, "the stream ended without a close frame"
            if frame[0] & 15 == CLOSE:
                break
        try:
            assert self.receive() is None, "nothing follows a close frame"
        except ConnectionResetError:
            pass
        return struct.unpack("!H", frame[1][:2])[0] if frame[1] else None

    def end(self):
        self.socket.close()


def deflate(data, bits=15, flush=zlib.Z_SYNC_FLUSH, level=6):
    """A compressed message; zlib's own tail is left out, as the RFC has it."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits)
    out = compressor.compress(data) + compressor.flush(flush)
    return out[:-4] if flush == zlib.Z_SYNC_FLUSH else out + b"\0"


class EchoTest(ProcessTest):
    def setUp(self):
        super().setUp()
        self.url = json.loads(self.popen("bench", "echo-server").stdout.readline())["url"]

    def open(self, **options):
        peer = Peer(self.url, **options)
        self.addCleanup(peer.end)
        self.assertEqual(peer.status, 101)
        return peer

    def assert_echo(self, peer, opcode, payload):
        self.assertEqual(peer.message(), (opcode, payload))

    def assert_fails(self, code, *frames, **options):
        """Each frame is (opcode, payload, keywords)."""
        with self.subTest(frames=repr(frames)[:200]):
            peer = self.open(**options)
            for opcode, payload, keywords in frames:
                try:
                    peer.send(opcode, payload, **keywords)
                except (BrokenPipeError, ConnectionResetError):
                    break
            self.assertEqual(peer.close_code(), code)
            peer.end()

    def assert_clean_end(self, peer):
        peer.send(CLOSE, struct.pack("!H", 1000))
        self.assertEqual(peer.close_code(), 1000)


class Framing(EchoTest):
    def test_messages_of_every_form_of_length(self):
        peer = self.open()
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
            for opcode in (TEXT, BINARY_FRAME):
                payload = b"*" * size if opcode == TEXT else os.urandom(size)
                peer.send(opcode, payload)
                self.assert_echo(peer, opcode, payload)
        self.assert_clean_end(peer)

    def test_a_message_in_pieces_of_the_stream(self):
        for segment in (1, 997):
            peer = self.open(segment=segment)
            payload = os.urandom(3000)
            peer.send(BINARY_FRAME, payload)
            self.assert_echo(peer, BINARY_FRAME, payload)

    def test_a_mask_of_zeros(self):
        peer = self.open()
        peer.send(TEXT, b"Hello", key=bytes(4))
        self.assert_echo(peer, TEXT, b"Hello")

    def test_lengths_longer_than_needed(self):
        self.assert_fails(1002, (BINARY_FRAME, b"x" * 125, {"length_bytes": 2}))
        self.assert_fails(1002, (BINARY_FRAME, b"x" * 300, {"length_bytes": 8}))

    def test_a_frame_without_a_mask(self):
        peer = self.open()
        peer.send_raw(b"\x81\x05Hello")
        self.assertEqual(peer.close_code(), 1002)

    def test_sixteen_mebibytes_and_one_byte_more(self):
        peer = self.open()
        text = b"0123456789abcdef" * MIB
        for opcode, pieces in ((TEXT, 1), (BINARY_FRAME, 1), (BINARY_FRAME, 64)):
            size = len(text) // pieces
            for index in range(pieces):
                peer.send(CONTINUATION if index else opcode, text[index * size:(index + 1) * size],
                          is_final=index == pieces - 1)
            self.assert_echo(peer, opcode, text)
        peer.send_raw(struct.pack("!BBQ", 0x82, 0xFF, 16 * MIB + 1))
        peer.send_raw(bytes(4))
        self.assertEqual(peer.close_code(), 1009)

    def test_a_thousand_messages_of_every_size(self):
        peer = self.open()
        for size in (0, 16, 64, 256, 1024, 4096):
            payload = os.urandom(size)
            for _ in range(1000):
                peer.send(BINARY_FRAME, payload, key=b"abcd")
            for _ in range(1000):
                self.assert_echo(peer, BINARY_FRAME, payload)


class Control(EchoTest):
    def test_pings_are_answered_with_what_they_carry(self):
        peer = self.open()
        for payload in (b"", b"Hello", bytes([0, 255, 254, 253]), os.urandom(125)):
            peer.send(PING, payload)
            self.assertEqual(peer.receive(), (0x80 | PONG, payload))
        for index in range(10):
            peer.send(PING, b"payload-%d" % index)
        for index in range(10):
            self.assertEqual(peer.receive(), (0x80 | PONG, b"payload-%d" % index))

    def test_a_ping_of_125_bytes_octet_by_octet(self):
        peer = self.open(segment=1)
        peer.send(PING, b"\xfe" * 125)
        self.assertEqual(peer.receive(), (0x80 | PONG, b"\xfe" * 125))

    def test_pongs_that_nobody_asked_for(self):
        peer = self.open()
        for payload in (b"", b"unsolicited", b"x" * 125):
            peer.send(PONG, payload)
        peer.send(PING, b"now")
        self.assertEqual(peer.receive(), (0x80 | PONG, b"now"))

    def test_control_frames_too_long_or_in_fragments(self):
        for opcode in (CLOSE, PING, PONG):
            self.assert_fails(1002, (opcode, b"x" * 126, {}))
            self.assert_fails(1002, (opcode, b"x", {"is_final": False}))

    def test_reserved_opcodes(self):
        for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
            self.assert_fails(1002, (opcode, b"", {}))
            self.assert_fails(1002, (opcode, b"payload", {}))

    def test_reserved_bits(self):
        for bits in range(RSV3, 0x80, RSV3):
            for opcode in (TEXT, BINARY_FRAME, PING, PONG, CLOSE):
                self.assert_fails(1002, (opcode, b"", {"bits": bits}))

    def test_what_was_sent_before_the_fault_is_answered_first(self):
        peer = self.open()
        peer.send(TEXT, b"first")
        peer.send(TEXT, b"second", bits=RSV2)
        peer.send(PING, b"too late")
        self.assert_echo(peer, TEXT, b"first")
        self.assertEqual(peer.close_code(), 1002)


class Fragments(EchoTest):
    def test_fragments_are_one_message(self):
        for segment in (None, 1):
            peer = self.open(segment=segment)
            for pieces in ([b"frag1", b"frag2"], [b"", b"", b""], [b"", b"middle", b""], [b"%d" % n for n in range(50)]):
                for index, piece in enumerate(pieces):
                    peer.send(CONTINUATION if index else TEXT, piece, is_final=index == len(pieces) - 1)
                self.assert_echo(peer, TEXT, b"".join(pieces))

    def test_control_frames_between_them(self):
        peer = self.open()
        for index in range(5):
            peer.send(CONTINUATION if index else TEXT, b"fragment%d" % index, is_final=index == 4)
            if index < 4:
                peer.send(PING, b"ping %d" % index)
                peer.send(PONG, b"")
                self.assertEqual(peer.receive(), (0x80 | PONG, b"ping %d" % index))
        self.assert_echo(peer, TEXT, b"".join(b"fragment%d" % index for index in range(5)))

    def test_continuations_of_nothing(self):
        self.assert_fails(1002, (CONTINUATION, b"x", {}))
        self.assert_fails(1002, (CONTINUATION, b"x", {"is_final": False}))
        self.assert_fails(1002, (TEXT, b"whole", {}), (CONTINUATION, b"x", {}))

    def test_a_message_inside_another(self):
        for first, second in itertools.product((TEXT, BINARY_FRAME), repeat=2):
            self.assert_fails(1002, (first, b"x", {"is_final": False}), (second, b"y", {}))

    def test_what_comes_after_a_whole_message_is_the_next(self):
        peer = self.open()
        peer.send(TEXT, b"a", is_final=False)
        peer.send(CONTINUATION, b"b")
        peer.send(BINARY_FRAME, b"\xff")
        self.assert_echo(peer, TEXT, b"ab")
        self.assert_echo(peer, BINARY_FRAME, b"\xff")


VALID = ["", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ufffd", "\uffff", "\ufdd0",
         "\U00010000", "\U0010ffff", "\ud7ff\ue000", "𝄞🀄" * 500]
INVALID = [b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc0 ", b"\xe0 ", b"\xf0 ", b"\xf8 ", b"\xfc ", b"\xc3", b"\xe0\x80",
           b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", b"\xc0\xaf",
           b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf", b"\xc1\xbf",
           b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xaf\xbf",
           b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf",
           b"\xf8\x88\x80\x80\x80", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"]


class Texts(EchoTest):
    def test_every_valid_text_whole_and_octet_by_octet(self):
        for segment in (None, 1):
            peer = self.open(segment=segment)
            for text in VALID if segment is None else VALID[:-1]:
                peer.send(TEXT, text.encode())
                self.assert_echo(peer, TEXT, text.encode())

    def test_valid_texts_in_fragments_of_one_octet(self):
        peer = self.open()
        for text in VALID[1:-1]:
            octets = text.encode()
            for index in range(len(octets)):
                peer.send(CONTINUATION if index else TEXT, octets[index:index + 1], is_final=index == len(octets) - 1)
            self.assert_echo(peer, TEXT, octets)

    def test_every_invalid_text(self):
        for octets in INVALID:
            self.assert_fails(1007, (TEXT, octets, {}))
            self.assert_fails(1007, (TEXT, octets, {}), segment=1)
            pieces = [octets[index:index + 1] for index in range(len(octets))]
            self.assert_fails(1007, *((CONTINUATION if index else TEXT, piece, {"is_final": index == len(pieces) - 1})
                                      for index, piece in enumerate(pieces)))

    def test_a_text_fails_at_the_octet_that_is_wrong(self):
        """Neither the rest of the frame nor that of the message is waited for."""
        good = "κόσμε".encode()
        peer = self.open()
        peer.send(TEXT, good, is_final=False)
        peer.send(CONTINUATION, b"\xf4\x90", is_final=False)
        self.assertEqual(peer.close_code(), 1007)
        peer = self.open()
        head = struct.pack("!BB", 0x81, 0x80 | (len(good) + 50)) + bytes(4)
        peer.send_raw(head + good + b"\xed\xa0")
        self.assertEqual(peer.close_code(), 1007)

    def test_binary_is_not_looked_at(self):
        peer = self.open()
        for octets in INVALID:
            peer.send(BINARY_FRAME, octets)
            self.assert_echo(peer, BINARY_FRAME, octets)


class Closing(EchoTest):
    def test_codes_that_may_be_sent_come_back(self):
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
            for reason in (b"", b"bye", "Löwe".encode(), b"x" * 123):
                peer = self.open()
                peer.send(CLOSE, struct.pack("!H", code) + reason)
                self.assertEqual(peer.close_code(), code)
                peer.end()

    def test_codes_that_may_not(self):
        for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
            self.assert_fails(1002, (CLOSE, struct.pack("!H", code), {}))
            self.assert_fails(1002, (CLOSE, struct.pack("!H", code) + b"reason", {}))

    def test_payloads_of_close_frames(self):
        self.assert_fails(None, (CLOSE, b"", {}))
        self.assert_fails(1002, (CLOSE, b"\x03", {}))
        self.assert_fails(1007, (CLOSE, struct.pack("!H", 1000) + b"\xce\xba\xed\xa0\x80", {}))

    def test_nothing_is_heard_after_a_close_frame(self):
        for after in ((TEXT, b"message"), (PING, b"ping"), (CLOSE, struct.pack("!H", 1001)), (TEXT, b"\xff")):
            self.assert_fails(1000, (CLOSE, struct.pack("!H", 1000), {}), (*after, {}))

    def test_a_close_in_the_middle_of_a_message(self):
        self.assert_fails(1000, (TEXT, b"fragment", {"is_final": False}), (CLOSE, struct.pack("!H", 1000), {}))

    def test_a_large_message_comes_before_the_close(self):
        peer = self.open()
        payload = b"B" * 256 * 1024
        peer.send(TEXT, payload)
        peer.send(CLOSE, struct.pack("!H", 1000))
        self.assert_echo(peer, TEXT, payload)
        self.assertEqual(peer.close_code(), 1000)


BOTH = "server_no_context_takeover; client_no_context_takeover"


class Compression(EchoTest):
    def test_what_is_agreed_on(self):
        answer = f"permessage-deflate; {BOTH}"
        for offer, expected in (
                (None, ""), ("x-other", ""), ("permessage-deflate", answer),
                ("permessage-deflate; client_max_window_bits", answer),
                (f"permessage-deflate; {BOTH}; client_max_window_bits=9", answer),
                ("permessage-deflate; server_max_window_bits=9", answer + "; server_max_window_bits=9"),
                ("permessage-deflate; server_max_window_bits=15", answer + "; server_max_window_bits=15"),
                ("permessage-deflate; server_max_window_bits=8", ""),
                ("permessage-deflate; server_max_window_bits=8, permessage-deflate", answer),
                ("permessage-deflate; mode=fast", "")):
            with self.subTest(offer):
                self.assertEqual(self.open(offers=offer).extensions, expected)
        peer = Peer(self.url, offers="permessage-deflate; =")
        self.addCleanup(peer.end)
        self.assertEqual(peer.status, 400)

    def test_messages_of_every_size_window_and_level(self):
        sample = "".join(f'{{"id":{n},"name":"Zażółć {n % 17}"}}' for n in range(12_000)).encode()
        for bits in (9, 10, 12, 15):
            peer = self.open(offers=f"permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}")
            for size, level in itertools.product((0, 1, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072),
                                                 (0, 1, 9)):
                text = sample[:size].decode(errors="ignore").encode()
                peer.send(TEXT, deflate(text, bits, level=level), bits=RSV1)
                self.assert_echo(peer, TEXT, text)
            self.assert_clean_end(peer)

    def test_long_messages_come_back_smaller(self):
        peer = self.open(offers="permessage-deflate")
        text = b"the same again, " * 4096
        peer.send(TEXT, deflate(text), bits=RSV1)
        first, payload = peer.receive()
        self.assertEqual(first, 0x80 | RSV1 | TEXT)
        self.assertLess(len(payload), len(text) // 50)
        noise = os.urandom(4096)
        peer.send(BINARY_FRAME, deflate(noise), bits=RSV1)
        self.assertEqual(peer.receive(), (0x80 | BINARY_FRAME, noise), "what does not shrink is sent as it is")

    def test_compressed_and_plain_messages_in_fragments_of_any_size(self):
        text = os.urandom(20_000).hex().encode()
        for size in (1, 13, 500, 40_000):
            peer = self.open(offers="permessage-deflate")
            for is_compressed in (True, False, True):
                payload = deflate(text[:3000] if size == 1 else text) if is_compressed else text
                pieces = [payload[at:at + size * 7] for at in range(0, len(payload), size * 7)]
                for index, piece in enumerate(pieces):
                    peer.send(CONTINUATION if index else TEXT, piece, is_final=index == len(pieces) - 1,
                              bits=RSV1 if is_compressed and index == 0 else 0)
                    if index % 1000 == 3:
                        peer.send(PING, b"between")
                        self.assertEqual(peer.receive(), (0x80 | PONG, b"between"))
                self.assert_echo(peer, TEXT, text[:3000] if is_compressed and size == 1 else text)

    def test_streams_that_end(self):
        peer = self.open(offers="permessage-deflate")
        peer.send(TEXT, deflate(b"Hello", flush=zlib.Z_FINISH), bits=RSV1)
        self.assert_echo(peer, TEXT, b"Hello")
        peer.send(TEXT, b"", bits=RSV1)
        self.assert_echo(peer, TEXT, b"")

    def test_rsv1_where_it_means_nothing(self):
        hello = deflate(b"Hello")
        self.assert_fails(1002, (TEXT, hello, {"bits": RSV1}))
        offer = {"offers": "permessage-deflate"}
        for opcode in (PING, PONG, CLOSE):
            self.assert_fails(1002, (opcode, b"", {"bits": RSV1}), **offer)
        self.assert_fails(1002, (TEXT, hello[:2], {"is_final": False, "bits": RSV1}),
                          (CONTINUATION, hello[2:], {"bits": RSV1}), **offer)
        self.assert_fails(1002, (TEXT, hello, {"bits": RSV1 | RSV2}), **offer)

    def test_what_is_no_deflate_or_no_text(self):
        offer = {"offers": "permessage-deflate"}
        self.assert_fails(1007, (BINARY_FRAME, b"\x07", {"bits": RSV1}), **offer)
        self.assert_fails(1007, (BINARY_FRAME, deflate(b"Hello, Hello, Hello" * 50)[:-3], {"bits": RSV1}), **offer)
        self.assert_fails(1007, (BINARY_FRAME, b"\xf2\x00\x11\x00\x00", {"bits": RSV1}), **offer)
        for octets in INVALID:
            self.assert_fails(1007, (TEXT, deflate(octets), {"bits": RSV1}), **offer)

    def test_a_bomb(self):
        """A gibibyte in a mebibyte, and one byte over what may be sent."""
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = b"".join(compressor.compress(bytes(MIB)) for _ in range(1024))
        bomb += compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]
        offer = {"offers": "permessage-deflate"}
        self.assert_fails(1009, (BINARY_FRAME, bomb, {"bits": RSV1}), **offer)
        self.assert_fails(1009, (BINARY_FRAME, deflate(bytes(16 * MIB + 1)), {"bits": RSV1}), **offer)
        peer = self.open(**offer)
        peer.send(BINARY_FRAME, deflate(bytes(16 * MIB)), bits=RSV1)
        self.assert_echo(peer, BINARY_FRAME, bytes(16 * MIB))


class Tap:
    """Passes one connection on to a server, and keeps what the server says."""

    def __init__(self, server):
        self.server, self.heard = server, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        near, _ = self.listener.accept()
        far = socket.create_connection((self.server.address.hostname, self.server.address.port))
        threading.Thread(target=self.pass_on, args=(near, far, False), daemon=True).start()
        self.pass_on(far, near, True)

    def pass_on(self, source, target, is_kept):
        try:
            while piece := source.recv(65536):
                if is_kept:
                    self.heard += piece
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class OnTheServer(ProcessTest):
    """Snapshots and changes, for those who take them compressed and those who do not."""

    def open(self, server, path="/connection/websocket", offers="permessage-deflate; client_max_window_bits"):
        peer = Peer(server.url, path, offers, [f"{name}: {value}" for name, value in server.headers().items()])
        self.addCleanup(peer.end)
        self.assertEqual(peer.status, 101)
        return peer

    def follow(self, peer):
        """(bytes on the wire, whether it came compressed, what) of a large record."""
        peer.send(TEXT, json.dumps([{"hello": {"version": 1}}, {"subscribe": {"channel": "board:large"}}]).encode())
        text = ""
        while "subscribed" not in text and "snapshot" not in text:
            text = peer.message()[1].decode()
        while "a long sentence" not in text:
            text = peer.message()[1].decode()
        return peer.received

    def fill(self, server):
        ops = [put(f"field/{index}", SENTENCE) for index in range(200)]
        status, _, answer = patch(server, "board:large", ops)
        self.assertEqual(status, 200, answer)

    def test_all_who_speak_websocket_may_have_it(self):
        server = self.start()
        for path in ("/connection/websocket", "/yjs/room", "/hocuspocus"):
            self.assertEqual(self.open(server, path).extensions, f"permessage-deflate; {BOTH}")
            self.assertEqual(self.open(server, path, None).extensions, "")
        off = self.start("--server.deflate", "false", data=self.data + "-off")
        for path in ("/connection/websocket", "/yjs/room", "/hocuspocus"):
            self.assertEqual(self.open(off, path).extensions, "")

    def test_a_snapshot_is_smaller_on_the_wire(self):
        server = self.start("--server.threads", "3")
        self.fill(server)
        plain = self.follow(self.open(server, offers=None))
        self.assertGreater(plain, 60_000)
        for _ in range(4):
            self.assertLess(self.follow(self.open(server)), plain // 10)
        narrow = self.open(server, offers="permessage-deflate; server_max_window_bits=9")
        self.assertGreater(self.follow(narrow), 60_000)
        above = self.start("--server.deflate_min_bytes", "100000000", data=self.data + "-above")
        self.fill(above)
        self.assertGreater(self.follow(self.open(above)), 60_000)

    def test_the_typescript_sdk_has_it_by_itself(self):
        sdk = ROOT / "sdk" / "ts" / "dist" / "index.js"
        self.assertTrue(sdk.exists(), "the SDK is not built; run ./dev build web")
        heard = []
        for name, arguments in (("on", ()), ("off", ("--server.deflate", "false"))):
            server = self.start(*arguments, data=self.data + name)
            self.fill(server)
            tap = Tap(server)
            self.addCleanup(tap.listener.close)
            script = self.write_file("client.mjs", f"""
import {{ connect, f }} from {json.dumps(str(sdk))};
const client = connect({json.dumps(tap.url)});
const board = client.channel({{ namespace: 'board', fields: {{ field: f.map(f.string()), changed: f.string() }} }}, 'large');
await board.ready({{ signal: AbortSignal.timeout(15000) }});
if (board.fields.field.at('199').value !== {json.dumps(SENTENCE)}) throw new Error('the record is not there');
await board.fields.changed.set({json.dumps(SENTENCE)}.repeat(20)).committed({{ signal: AbortSignal.timeout(15000) }});
await client.close();
""")
            done = subprocess.run(["node", script], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(record(server, "board:large")["value"]["changed"], SENTENCE * 20)
            self.assertEqual(b"permessage-deflate" in tap.heard, name == "on")
            heard.append(len(tap.heard))
        self.assertLess(heard[0] * 8, heard[1])

    def test_a_change_is_the_same_for_both(self):
        server = self.start()
        self.fill(server)
        with_it, without = self.open(server), self.open(server, offers=None)
        for peer in (with_it, without):
            self.follow(peer)
        for index, size in enumerate((10, 5000, 100, 60_000)):
            value = f"change {index} " + "is long " * (size // 8)
            patch(server, "board:large", [put("changed", value)])
            for peer in (with_it, without):
                text = ""
                before = peer.received
                while f"change {index} " not in text:
                    text = peer.message()[1].decode()
                self.assertIn(value, text)
                if size >= 5000:
                    (self.assertLess if peer is with_it else self.assertGreater)(peer.received - before, size // 2)

    def test_what_comes_compressed_is_held_to_the_limit_of_a_message(self):
        server = self.start("--limits.message_bytes", "20000")
        peer = self.open(server)
        peer.send(TEXT, deflate(json.dumps([{"hello": {"version": 1}}]).encode() + b" " * 19_000), bits=RSV1)
        while "welcome" not in peer.message()[1].decode():
            pass
        peer.send(TEXT, deflate(b" " * 20_001), bits=RSV1)
        self.assertEqual(peer.close_code(), 1009)
