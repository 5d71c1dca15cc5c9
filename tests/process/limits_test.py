"""Limits of addresses and connections, as a proxy on this machine would make them felt."""

import json
import pathlib
import re
import socket
import subprocess
import threading
import time

from check_run import CheckFailed
from support import BINARY, ROOT, ProcessTest, next_of, put, record, request

PROXY = ("--server.trusted_proxies", "127.0.0.0/8")


class Proxy:
    """Passes connections on to a server, and says for each that another address asks."""

    def __init__(self, server, address):
        self.server, self.address = server, address
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection((self.server.address.hostname, self.server.address.port))
                threading.Thread(target=self.pass_on, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(far, near, False), daemon=True).start()
        except OSError:
            pass

    def pass_on(self, source, target, is_request):
        try:
            while piece := source.recv(65536):
                if is_request:
                    piece = piece.replace(b"\r\n", f"\r\nX-Forwarded-For: {self.address}\r\n".encode(), 1)
                    is_request = False
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Limits(ProcessTest):
    def connect_from(self, server, address, field="X-Forwarded-For"):
        server.headers = lambda: {field: address}
        return self.connect(server)

    def get_from(self, server, address, path="/health"):
        return request(server, path, headers={"X-Forwarded-For": address})

    def hello(self, client):
        client.send({"hello": {"version": 1}})
        next_of(client, "welcome")


class Addresses(Limits):
    def test_connections_of_an_address_at_the_limit_and_one_past_it(self):
        server = self.start(*PROXY, "--limits.connections_per_address", "3")
        held = [self.connect_from(server, "198.51.100.7") for _ in range(3)]
        with self.assertRaisesRegex(CheckFailed, "429"):
            self.connect_from(server, "198.51.100.7")
        with self.assertRaisesRegex(CheckFailed, "429"):
            self.connect_from(server, "6.6.6.6, 198.51.100.7")
        self.connect_from(server, "198.51.100.8")
        held[0].close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                return self.connect_from(server, "198.51.100.7")
            except CheckFailed:
                time.sleep(0.02)
        self.fail("the place was not given back")

    def test_an_ipv6_customer_counts_as_one(self):
        server = self.start(*PROXY, "--limits.connections_per_address", "1")
        self.connect_from(server, "2001:db8::1")
        with self.assertRaisesRegex(CheckFailed, "429"):
            self.connect_from(server, "2001:db8::2:1")
        self.connect_from(server, "2001:db8:0:1::1")

    def test_new_connections_a_second_at_the_limit_and_one_past_it(self):
        server = self.start(*PROXY, "--limits.new_connections_per_address", "5")
        for _ in range(5):
            self.connect_from(server, "198.51.100.7").close()
        with self.assertRaisesRegex(CheckFailed, "429"):
            for _ in range(5):
                self.connect_from(server, "198.51.100.7").close()

    def test_requests_are_refused_with_the_time_to_wait(self):
        server = self.start(*PROXY, "--limits.requests_per_address", "1")
        for _ in range(2):
            self.assertEqual(self.get_from(server, "198.51.100.7")[0], 200)
        status, fields, answer = self.get_from(server, "198.51.100.7")
        self.assertEqual((status, answer["error"]["code"], fields["Retry-After"]), (429, "rate_limited", "1"))
        self.assertGreater(answer["error"]["detail"], 0)
        self.assertEqual(self.get_from(server, "198.51.100.8")[0], 200)
        self.assertEqual(request(server, "/health")[0], 200, "the proxy itself is not counted")
        time.sleep(answer["error"]["detail"] / 1000)
        self.assertEqual(self.get_from(server, "198.51.100.7")[0], 200)

    def test_who_is_no_trusted_proxy_is_not_believed(self):
        server = self.start("--limits.connections_per_address", "1")
        for _ in range(3):
            self.connect_from(server, "198.51.100.7")
        rows = request(server, "/api/v1/connections")[2]["connections"]
        self.assertTrue(all(row["remote"].startswith("127.0.0.1:") for row in rows), rows)

    def test_the_address_is_the_forwarded_one_everywhere(self):
        server = self.start(*PROXY, "--server.forwarded_field", "forwarded")
        self.connect_from(server, 'for="[2001:db8::9]:4711";proto=https', "Forwarded")
        self.connect_from(server, "9.9.9.9", "X-Forwarded-For")
        rows = request(server, "/api/v1/connections")[2]["connections"]
        self.assertEqual(sorted(row["remote"].split(":")[0] for row in rows), ["127.0.0.1", "2001"])

    def test_what_is_no_network_is_refused_at_the_start(self):
        done = self.tandem("checkconfig", "--server.trusted_proxies", "10.0.0.1/8")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("trusted_proxies", done.stderr + done.stdout)


class Rates(Limits):
    def push(self, client, counter):
        client.send({"push": {"channel": "board:1", "counter": counter, "ops": [put("title", str(counter))]}})

    def test_pushes_past_the_rate_are_refused_for_a_while_and_none_is_lost(self):
        for threads in ("1", "3"):
            with self.subTest(threads=threads):
                server = self.start(*PROXY, "--limits.pushes_per_second", "50", "--limits.push_burst", "10",
                                    "--server.threads", threads, data=self.data + threads)
                client = self.connect_from(server, "198.51.100.7")
                self.hello(client)
                for counter in range(1, 12):
                    self.push(client, counter)
                error = next_of(client, "error")
                self.assertEqual((error["code"], error["counter"], error["temporary"]), ("rate_limited", 11, True))
                self.assertTrue(0 < error["retry_after_ms"] <= 100, error)
                time.sleep(error["retry_after_ms"] / 1000)
                self.push(client, 11)
                while next_of(client, "ack")["counter"] < 11:
                    pass
                self.assertEqual(record(server, "board:1")["value"]["title"], "11")

    def test_messages_past_the_rate_wait_to_be_read(self):
        server = self.start(*PROXY, "--limits.messages_per_second", "100")
        client = self.connect_from(server, "198.51.100.7")
        self.hello(client)
        began = time.monotonic()
        for i in range(300):
            client.send({"ping": {"time_ms": i + 1}})
        for i in range(300):
            self.assertEqual(next_of(client, "pong")["time_ms"], i + 1)
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 0.9, "200 at once, and 100 in a second")

    def test_bytes_past_the_rate_wait_to_be_read(self):
        server = self.start(*PROXY, "--limits.bytes_per_second", "50000")
        client = self.connect_from(server, "198.51.100.7")
        self.hello(client)
        began = time.monotonic()
        for counter in range(1, 7):
            client.send({"push": {"channel": "board:1", "counter": counter, "ops": [put("title", "x" * 50000)]}})
        while next_of(client, "ack")["counter"] < 6:
            pass
        self.assertGreaterEqual(time.monotonic() - began, 0.8, "200,000 at once, and 50,000 in a second")

    def test_a_program_on_this_machine_is_not_held_to_rates(self):
        server = self.start("--limits.messages_per_second", "1", "--limits.push_burst", "1", "--limits.bytes_per_second", "10")
        client = self.connect(server)
        self.hello(client)
        for counter in range(1, 51):
            self.push(client, counter)
        while next_of(client, "ack")["counter"] < 50:
            pass



class Clients(Limits):
    """The SDKs wait as long as they are told, and no edit is lost."""

    def start_slow(self):
        server = self.start(*PROXY, "--limits.pushes_per_second", "20", "--limits.push_burst", "3")
        proxy = Proxy(server, "198.51.100.7")
        self.addCleanup(proxy.listener.close)
        return server, proxy

    def assert_was_limited(self, server):
        metrics = request(server, "/metrics")[2]
        self.assertGreater(int(re.search(r"\ntandem_rate_limited_total (\d+)", metrics)[1]), 0)

    def test_the_cpp_sdk(self):
        server, proxy = self.start_slow()
        example = str(pathlib.Path(BINARY).parent / "tandem_sdk_example")
        done = subprocess.run([example, proxy.url, "board:1", "", "write"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        alone = subprocess.run([example, server.url, "board:2", "", "write"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(alone.returncode, 0, alone.stdout)
        titles = [record(server, channel)["value"]["title"] for channel in ("board:1", "board:2")]
        self.assertEqual(titles[0], titles[1])
        self.assertEqual(record(server, "board:1")["value"]["votes"], record(server, "board:2")["value"]["votes"])
        self.assert_was_limited(server)

    def test_the_typescript_sdk(self):
        sdk = ROOT / "sdk" / "ts" / "dist" / "index.js"
        self.assertTrue(sdk.exists(), "the SDK is not built; run ./dev build web")
        server, proxy = self.start_slow()
        script = self.write_file("client.mjs", f"""
import {{ connect, f }} from {json.dumps(str(sdk))};
const client = connect({json.dumps(proxy.url.replace('http', 'ws'))});
const board = client.channel({{ namespace: 'board', fields: {{ votes: f.counter() }} }}, '1');
await board.ready({{ signal: AbortSignal.timeout(15000) }});
const sent = [];
for (let i = 0; i < 20; i++) {{
    sent.push(board.fields.votes.add(1).committed({{ signal: AbortSignal.timeout(30000) }}));
    await new Promise(resolve => setTimeout(resolve, 5));
}}
await Promise.all(sent);
await client.close();
""")
        done = subprocess.run(["node", script], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(record(server, "board:1")["value"]["votes"], 20)
        self.assert_was_limited(server)
