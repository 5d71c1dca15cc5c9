"""TLS: what is negotiated, whom clients trust, certificates that change, and those who only pretend to speak it."""

import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import time

from check_run import CheckFailed
from support import BINARY, ROOT, ProcessTest, next_of, put

CHANNEL = "board:1"


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Tls(ProcessTest):
    def setUp(self):
        super().setUp()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
                "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test Authority",
                "-addext", "basicConstraints=critical,CA:TRUE", folder=self.folder)
        self.issue("one")
        self.ca = self.path("ca.pem")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}", folder=self.folder)
        self.write_file("extensions", f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "1", "-extfile", "extensions", folder=self.folder)

    def start_tls(self, *arguments, name="one", **named):
        server = self.start("--tls.certificate", self.path(f"{name}.pem"), "--tls.key", self.path(f"{name}.key"),
                            *arguments, **named)
        server.url = f"https://{server.address.netloc}"
        server.secure = lambda connection: self.context().wrap_socket(connection, server_hostname="localhost")
        return server

    def context(self, **settings):
        context = ssl.create_default_context(cafile=self.ca)
        for name, value in settings.items():
            setattr(context, name, value)
        return context

    def raw(self, server):
        connection = socket.create_connection((server.address.hostname, server.address.port), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def secured(self, server, context=None):
        connection = (context or self.context()).wrap_socket(self.raw(server), server_hostname="localhost")
        self.addCleanup(connection.close)
        return connection

    def get(self, server, path="/health", context=None):
        connection = self.secured(server, context)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer.decode()

    def assert_alive(self, server):
        self.assertTrue(self.get(server).startswith("HTTP/1.1 200"))

    def assert_ends(self, connection, within_s=20):
        connection.settimeout(within_s)
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass

    def title(self, client, counter, value):
        client.send({"push": {"channel": CHANNEL, "counter": counter, "ops": [put("title", value)]}})
        while next_of(client, "ack")["counter"] < counter:
            pass

    def hello(self, client):
        client.send({"hello": {"version": 1}})
        next_of(client, "welcome")


class Handshakes(Tls):
    def test_versions_1_2_and_1_3_and_none_before(self):
        server = self.start_tls()
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            connection = self.secured(server, self.context(minimum_version=version, maximum_version=version))
            self.assertEqual(connection.version(), name)
            self.assertRegex(connection.cipher()[0], "GCM|CHACHA20")
        old = self.context()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaisesRegex(ssl.SSLError, "ALERT_PROTOCOL_VERSION"):
            self.secured(server, old)
        weak = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
        weak.set_ciphers("AES128-SHA:AES256-SHA256:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
        with self.assertRaisesRegex(ssl.SSLError, "ALERT_HANDSHAKE_FAILURE"):
            self.secured(server, weak)

    def test_http_1_1_is_what_is_spoken(self):
        server = self.start_tls()
        context = self.context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.assertEqual(self.secured(server, context).selected_alpn_protocol(), "http/1.1")

    def test_a_session_is_resumed(self):
        server = self.start_tls()
        context = self.context(maximum_version=ssl.TLSVersion.TLSv1_2)
        first = self.secured(server, context)
        again = context.wrap_socket(self.raw(server), server_hostname="localhost", session=first.session)
        self.addCleanup(again.close)
        self.assertTrue(again.session_reused)

    def test_half_handshakes_time_out(self):
        server = self.start_tls("--tls.handshake_timeout_ms", "300")
        silent, half = self.raw(server), self.raw(server)
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
        for connection in (silent, half):
            self.assert_ends(connection)
        slow = self.secured(server)
        time.sleep(0.5)
        slow.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertIn(b"200 OK", slow.recv(4096), "the time ends with the handshake")

    def test_handshakes_under_way_at_the_limit_and_one_past_it(self):
        server = self.start_tls("--tls.handshakes", "2", "--server.threads", "1")
        held = [self.raw(server) for _ in range(2)]
        for connection in held:
            connection.sendall(b"\x16")
        self.assert_ends(self.raw(server))
        held[0].close()
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.assert_alive(server)
            except (OSError, ssl.SSLError):
                self.assertLess(time.monotonic(), deadline, "the place was not given back")

    def test_garbage_and_plain_http_on_the_port(self):
        server = self.start_tls()
        garbage = self.raw(server)
        garbage.sendall(bytes(range(128, 256)) * 100)
        self.assert_ends(garbage)
        inside = self.raw(server)
        inside.sendall(b"\x16\x03\x01\x00\x10" + b"\xff" * 16)
        self.assert_ends(inside)
        plain = self.raw(server)
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = plain.recv(4096).decode()
        self.assertTrue(answer.startswith("HTTP/1.1 400"), answer)
        head, body = answer.split("\r\n\r\n")
        self.assertEqual(int(re.search(r"Content-Length: (\d+)", head)[1]), len(body))
        self.assertIn("https://", body)
        self.assert_ends(plain)
        self.assert_alive(server)

    def test_those_who_are_cut_off_in_the_middle_leave_nothing(self):
        server = self.start_tls("--server.threads", "1")
        gone = struct.pack("ii", 1, 0)
        for sent in (b"\x16\x03\x01", b"\x16\x03\x01\x00\x05\x01\x00"):
            connection = self.raw(server)
            connection.sendall(sent)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
            connection.close()
        client = self.connect(server)
        self.hello(client)
        client.send({"subscribe": {"channel": CHANNEL}})
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, gone)
        client.socket.close()
        broken = self.secured(server)
        inner = socket.socket(fileno=os.dup(broken.fileno()))
        self.addCleanup(inner.close)
        inner.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        self.assert_ends(inner)
        self.assert_alive(server)
        metrics = self.get(server, "/metrics")
        self.assertRegex(metrics, r"\ntandem_connections 0\n")


class Connections(Tls):
    def test_changes_reach_others_whatever_their_size(self):
        for threads in ("1", "3"):
            with self.subTest(threads=threads):
                server = self.start_tls("--server.threads", threads, data=self.data + threads)
                clients = [self.connect(server) for _ in range(40)]  # enough for sends in batches
                for client in clients:
                    self.hello(client)
                    client.send({"subscribe": {"channel": CHANNEL}})
                    next_of(client, "subscribed")
                for counter, size in enumerate((10, 1000, 16384, 50000), 1):
                    self.title(clients[0], counter, "x" * size)
                    for client in clients[1:]:
                        while f"'{'x' * size}'" not in self.entries(client):
                            pass

    def entries(self, client):
        return str(next_of(client, "entries"))

    def test_a_new_certificate_while_an_old_connection_goes_on(self):
        server = self.start_tls()
        old = self.connect(server)
        self.hello(old)
        self.title(old, 1, "before")
        serial = self.secured(server).getpeercert()["serialNumber"]
        self.issue("two")
        for suffix in ("pem", "key"):
            os.replace(self.path(f"two.{suffix}"), self.path(f"one.{suffix}"))
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self.secured(server).getpeercert()["serialNumber"] == serial:
            self.assertLess(time.monotonic(), deadline, "the old certificate is still shown")
        renewed = self.secured(server).getpeercert()["serialNumber"]
        self.title(old, 2, "after")
        self.write_file("one.pem", "no certificate")
        server.process.send_signal(signal.SIGHUP)
        self.title(old, 3, "still")
        self.assertEqual(self.secured(server).getpeercert()["serialNumber"], renewed, "a bad file changes nothing")

    def test_a_server_that_is_killed_is_noticed(self):
        server = self.start_tls()
        client = self.connect(server)
        self.hello(client)
        server.kill()
        with self.assertRaises((CheckFailed, ConnectionError, ssl.SSLError)):
            client.receive()


class Clients(Tls):
    def test_the_command_line_and_the_sdk_speak_it(self):
        server = self.start_tls()
        url = server.url.replace("127.0.0.1", "localhost")
        ca = ("--ca", self.ca)
        done = self.tandem("set", url, CHANNEL, "title", '"Plan"', *ca)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.tandem("get", server.url, CHANNEL, environment={"TANDEM_CA": self.ca})
        self.assertIn("Plan", done.stdout, done.stderr)
        done = self.tandem("publish", url, CHANNEL, "hello", "1", *ca)
        self.assertEqual(done.returncode, 0, done.stderr)
        watch = self.popen("watch", url, CHANNEL, "--json", "--after", "0", *ca)
        self.assertIn("Plan", watch.stdout.readline())
        self.tandem("set", url, CHANNEL, "title", '"Next"', *ca)
        while "Next" not in watch.stdout.readline():
            pass
        done = self.tandem("text", "edit", url, "text:1", "--root", "content", "--insert", "0", "hello", *ca)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.popen("text", "watch", url, "text:1", *ca)
        self.assertIn("hello", text.stdout.readline())

    def assert_refused(self, url, *arguments):
        for verb in (("get",), ("set",), ("publish",), ("watch",)):
            more = {"set": ("title", "1"), "publish": ("hello", "1")}.get(verb[0], ())
            done = self.tandem(*verb, url, CHANNEL, *more, *arguments)
            self.assertEqual(done.returncode, 1, f"{verb}: {done.stdout} {done.stderr}")
            self.assertNotIn("stored", done.stdout)

    def test_a_server_of_another_name_is_refused(self):
        self.issue("other", "DNS:other.example")
        server = self.start_tls(name="other")
        self.assert_refused(server.url, "--ca", self.ca)
        self.assert_refused(server.url.replace("127.0.0.1", "localhost"), "--ca", self.ca)
        self.assertIn("is not trusted", self.tandem("get", server.url, CHANNEL, "--ca", self.ca).stderr)

    def test_an_authority_that_nobody_knows_is_refused(self):
        server = self.start_tls()
        self.assert_refused(server.url)
        done = self.tandem("get", server.url, CHANNEL, "--ca", "/nowhere.pem")
        self.assertEqual(done.returncode, 2, done.stderr)

    def test_a_server_without_tls_is_no_https_server(self):
        server = self.start()
        self.assert_refused(server.url.replace("http:", "https:"), "--ca", self.ca)

    def test_the_typescript_client_in_node(self):
        sdk = ROOT / "sdk" / "ts" / "dist" / "index.js"
        self.assertTrue(sdk.exists(), "the SDK is not built; run ./dev build web")
        server = self.start_tls()
        url = server.url.replace("https", "wss").replace("127.0.0.1", "localhost")
        script = self.write_file("client.mjs", f"""
import {{ connect, f }} from {json.dumps(str(sdk))};
const client = connect({json.dumps(url)});
const board = client.channel({{ namespace: 'board', fields: {{ title: f.string() }} }}, '1');
await board.fields.title.set('from node').committed({{ signal: AbortSignal.timeout(15000) }});
await client.close();
""")
        done = subprocess.run(["node", script], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "NODE_EXTRA_CA_CERTS": self.ca})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("from node", self.get(server, f"/api/v1/channels/{CHANNEL}/record"))


class Starts(Tls):
    def test_beyond_loopback_tls_needs_no_flag_but_tokens(self):
        tls = ("--tls.certificate", self.path("one.pem"), "--tls.key", self.path("one.key"))
        at = ("serve", "--host", "0.0.0.0", "--port", "0", "--data", self.data)
        done = self.tandem(*at)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--tls.certificate", done.stderr)
        done = self.tandem(*at, *tls)
        self.assertEqual(done.returncode, 1)
        self.assertIn("tokens are needed", done.stderr)
        keys = self.write_file("jwks.json", self.tandem("genkey").stdout)
        process = subprocess.Popen([BINARY, *at, *tls, "--auth.jwks", keys, "--json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertIn('"url":"https://0.0.0.0:', process.stdout.readline())

    def test_files_that_do_not_belong_together_are_refused(self):
        self.issue("two")
        for certificate, key in (("one.pem", "two.key"), ("one.pem", "none.key"), ("one.key", "one.pem")):
            done = self.tandem("dev", "--port", "0", "--data", self.data, "--tls.certificate", self.path(certificate),
                               "--tls.key", self.path(key))
            self.assertEqual(done.returncode, 1)
            self.assertIn(certificate, done.stderr)
