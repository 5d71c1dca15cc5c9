"""The stream of events with POSTs, where a WebSocket cannot be opened: alone, and through proxies that are the reason."""

import base64
import http.client
import json
import socket
import subprocess
import threading
import time

from auth_test import BOARD_ALL, Auth
from check_run import CheckFailed
from limits_test import PROXY
from streams import PATH, Proxy, Stream, StreamEnded
from support import BINARY, ROOT, ProcessTest, next_of, patch, put, record, request
from tls_test import Tls

CHANNEL = "board:1"


def add(channel=CHANNEL, by=1):
    return {"push": {"channel": channel, "ops": [{"op": "inc", "path": "votes", "value": by}]}}


class Streams(ProcessTest):
    def stream(self, server, **named):
        stream = Stream(server, **named)
        self.addCleanup(stream.close)
        return stream

    def proxy(self, server, **settings):
        proxy = Proxy(server)
        self.addCleanup(proxy.close)
        for name, value in settings.items():
            setattr(proxy, name, value)
        return proxy

    def follow(self, stream, channel=CHANNEL, after=None):
        stream.send({"subscribe": {"channel": channel, **(after or {})}})
        return next_of(stream, "subscribed")

    def assert_ends(self, stream, code=None, reason=None):
        with self.assertRaises(StreamEnded) as ended:
            while True:
                stream.receive()
        if code is not None:
            told = ended.exception.args[0]
            self.assertEqual(told["code"], code)
            self.assertIn(reason, told["reason"])

    def assert_refused(self, answer, status, code):
        self.assertEqual((answer[0], (answer[1] or {}).get("code")), (status, code), answer[1])


class Sessions(Streams):
    def test_a_stream_is_a_connection_like_any_other(self):
        for threads in ("1", "4"):
            server = self.start("--server.threads", threads, data=f"{self.data}{threads}")
            names = [f"board:{i}" for i in range(8)]
            stream, other, web = self.stream(server), self.stream(server), self.connect(server)
            for client in (stream, other, web):
                client.send([{"subscribe": {"channel": name}} for name in names])
                for _ in names:
                    next_of(client, "snapshot")
            for name in names:
                for client in (stream, other, web):
                    client.send(add(name))
            seqs = {name: 0 for name in names}
            while sum(seqs.values()) < 3 * len(names):
                entries = next_of(other, "entries")
                self.assertEqual(entries["from"], seqs[entries["channel"]], "no gap and nothing twice")
                seqs[entries["channel"]] = entries["to"]
            for name in names:
                self.assertEqual(record(server, name)["value"], {"votes": 3})
            rows = request(server, "/api/v1/connections")[2]["connections"]
            self.assertEqual(len(rows), 3)
            self.assertTrue(all(row["channels"] == names and row["bytes_in"] and row["bytes_out"] for row in rows), rows)
            metrics = request(server, "/metrics")[2]
            self.assertIn("\ntandem_streams 2\n", metrics)
            self.assertIn("\ntandem_connections 3\n", metrics)
            server.stop()

    def test_the_first_bytes_come_at_once_and_nobody_is_to_keep_them(self):
        server = self.start()
        began = time.monotonic()
        stream = self.stream(server)
        self.assertLess(time.monotonic() - began, 2)
        fields = stream.response.headers
        self.assertEqual(fields["Content-Type"], "text/event-stream")
        self.assertEqual(fields["Cache-Control"], "no-store, no-transform")
        self.assertEqual(fields["X-Accel-Buffering"], "no")
        self.assertRegex(stream.session, r"^[A-Za-z0-9_-]{24}$")
        self.assertNotEqual(stream.session, self.stream(server).session)

    def test_the_binary_protocol_goes_in_base64_and_many_messages_in_a_post(self):
        server = self.start("--limits.message_bytes", "2048")
        stream = self.stream(server, query="?protocol=tandem.v1")
        self.assertEqual(stream.post_bytes_max, 16 * 2048)
        hello = bytes.fromhex("0a0e0a0c080112 0664656d6f2f31 1801".replace(" ", ""))
        ping = bytes.fromhex("0a043a020801")
        binary = {"Content-Type": "application/octet-stream"}
        self.assertEqual(stream.post(hello + ping * 1000, 1, binary)[0], 204)
        welcome = base64.b64decode(stream.event()[1])
        self.assertEqual(welcome[0], 0x0a)
        self.assertIn(b"tandem", welcome)
        pongs = 0
        while pongs < 1000:
            message = base64.b64decode(stream.event()[1])
            while message:
                self.assertEqual((message[0], message[2]), (0x0a, 0x42), "a frame with a pong")
                message = message[2 + message[1]:]
                pongs += 1
        self.assert_refused(stream.post(ping * 6000, 2, binary), 413, "too_large")
        long = b"\x22\x81\x10" + b"x" * 2049
        self.assert_refused(stream.post(ping * 400 + b"\x0a\x84\x10" + long, 2, binary), 413, "too_large")
        self.assert_refused(stream.post(b"\x12\x00" * 1025, 2, binary), 400, "malformed")
        self.assertEqual(stream.post(ping, 2, binary)[0], 204, "what was refused was not taken")
        self.assertEqual(Stream(server, query="?protocol=tandem.v9").error["code"], "unsupported_version")

    def test_posts_are_taken_in_order_and_once(self):
        server = self.start("--server.threads", "4")
        stream = self.stream(server)
        self.assertEqual(stream.post(add(), 1), (204, None))
        for _ in range(5):
            self.assertEqual(stream.post(add(by=100), 1), (204, None))
        self.assert_refused(stream.post(add(by=100), 3), 403, "protocol_error")
        self.assertEqual(stream.post(add(by=10), 2), (204, None))
        self.assertEqual(stream.post(add(by=100), 1), (204, None), "one that was overtaken by its repetition")
        for _ in range(2):
            next_of(stream, "ack")
        self.assertEqual(record(server, CHANNEL)["value"], {"votes": 11})
        # Many that all claim to be the next: each number is taken once.
        threads = []
        for number in range(3, 13):
            done = []
            threads = [threading.Thread(target=lambda: done.append(stream.post(add(), number)[0])) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(done, [204] * 4)
            next_of(stream, "ack")
        self.assertEqual(record(server, CHANNEL)["value"], {"votes": 21})
        self.assertIn("\ntandem_stream_repeats_total 36\n", request(server, "/metrics")[2])

    def test_what_cannot_be_taken_is_told_by_a_code(self):
        server = self.start("--limits.message_bytes", "2048")
        stream = self.stream(server)
        for session in ("", "x", "A" * 24, "_" * 24, "é" * 12, "A" * 5000):
            headers = {"Tandem-Session": session.encode()}
            self.assert_refused(stream.post(add(), headers=headers), 410, "session_unknown")
        self.assert_refused(stream.post(add(), headers={"Tandem-Session": None}), 410, "session_unknown")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "", None):
            self.assert_refused(stream.post(add(), headers={"Content-Type": kind}), 415, "invalid_argument")
        self.assert_refused(stream.post(add(), headers={"Content-Type": "application/octet-stream"}), 415, "invalid_argument")
        for number in ("", "0", "-1", "1.5", "x", "99999999999999999999999", None):
            self.assert_refused(stream.post(add(), headers={"Tandem-Sequence": number}), 400, "invalid_argument")
        self.assert_refused(stream.post(b""), 400, "malformed")
        self.assert_refused(stream.post(b"x" * 2049), 413, "too_large")
        self.assert_refused(stream.post(b"x" * 300_000), 413, "too_large")
        self.assert_refused(stream.request("PUT"), 405, "method_not_allowed")
        self.assertEqual(stream.post(add(), headers={"Content-Type": "Application/JSON; charset=utf-8"})[0], 204)
        next_of(stream, "ack")
        stream.sequence = 1
        stream.send(b"no json")
        self.assertEqual(next_of(stream, "error")["code"], "malformed")
        self.assertEqual(stream.end(), (204, None))
        self.assert_ends(stream, 1000, "")
        self.assert_refused(stream.post(add()), 410, "session_unknown")
        self.assert_refused(stream.end(), 410, "session_unknown")

    def test_who_ends_in_good_order_is_gone_at_once(self):
        server = self.start()
        watcher, leaver, lost = self.connect(server), self.stream(server), self.stream(server)
        watcher.send({"subscribe": {"channel": CHANNEL}})
        for stream in (leaver, lost):
            self.follow(stream)
            stream.send({"presence": {"channel": CHANNEL, "state": {"name": "ann"}}})
        joined = []
        while len(joined) < 2:
            joined += [member["id"] for member in next_of(watcher, "members").get("joined", [])]
        leaver.end()
        while not (left := next_of(watcher, "members").get("left")):
            pass
        self.assertEqual(left, joined[:1])

    def test_silence_is_filled_and_the_dead_are_dropped(self):
        server = self.start("--limits.ping_interval_ms", "100", "--limits.idle_timeout_ms", "500")
        stream = self.stream(server)
        began = time.monotonic()
        for _ in range(4):
            stream.send({"ping": {"time_ms": 1}})
            next_of(stream, "pong")
            time.sleep(0.3)
        self.assert_ends(stream, 1001, "nothing was heard")
        self.assertGreater(stream.comments, 3)
        self.assertGreater(time.monotonic() - began, 1.9, "twice the limit after its last message")
        self.assertIn("\ntandem_connections 0\n", request(server, "/metrics")[2])

    def test_a_restart_is_resumed_from_the_cursor(self):
        server = self.start()
        stream = self.stream(server)
        cursor = self.follow(stream)
        stream.send(add())
        seen = next_of(stream, "entries")
        server.stop()
        self.assertIn("bye", json.dumps(stream.queue) + str(self.rest(stream)))
        again = self.start()
        patch(again, CHANNEL, [{"op": "inc", "path": "votes", "value": 1}])
        stream = self.stream(again)
        after = {"after": seen["to"], "epoch": cursor["epoch"], "check": seen["check"]}
        self.follow(stream, after=after)
        entries = next_of(stream, "entries")
        self.assertEqual((entries["from"], entries["to"]), (1, 2))

    def rest(self, stream):
        frames = []
        try:
            while True:
                frames.append(stream.receive())
        except StreamEnded:
            return frames

    def test_who_does_not_read_holds_little_and_catches_up(self):
        server = self.start("--limits.pushes_per_second", "0")
        stream, writer = self.stream(server), self.connect(server)
        self.follow(stream)
        next_of(stream, "snapshot")
        for i in range(1500):
            writer.send({"push": {"channel": CHANNEL, "ops": [put("title", f"{i}" + "x" * 8000)]}})
            next_of(writer, "ack")
        row = next(row for row in request(server, "/api/v1/connections")[2]["connections"] if row["id"] and row["channels"])
        self.assertLess(row["bytes_out"], 6_000_000, "12 MB were written meanwhile")
        cursor = 0
        while cursor < 1500:
            message = stream.receive()
            for name in ("entries", "diff"):
                if name in message:
                    self.assertLessEqual(message[name]["from"], cursor)
                    cursor = message[name]["to"]
            if "snapshot" in message:
                cursor = message["snapshot"]["seq"]
        self.assertEqual(cursor, 1500)


class Proxies(Streams):
    def assert_refuses_upgrades(self, server, proxy):
        class There:
            address = type("Address", (), {"hostname": proxy.address[0], "port": proxy.address[1]})
            secure, headers = server.secure, server.headers

        with self.assertRaises((CheckFailed, ConnectionError)):
            self.connect(There)

    def test_through_those_that_refuse_upgrades(self):
        server = self.start()
        for number, settings in enumerate(({"upgrade_status": 400}, {"upgrade_status": 403}, {"upgrade_status": 426},
                                           {"drops_upgrade": True}, {"drops_upgrade": True, "old": True})):
            proxy = self.proxy(server, **settings)
            self.assert_refuses_upgrades(server, proxy)
            channel = f"board:{number}"
            stream = self.stream(server, address=proxy.address)
            self.follow(stream, channel)
            for i in range(1, 6):
                stream.send(add(channel))
                self.assertEqual(next_of(stream, "entries")["to"], i)
            self.assertEqual(record(server, channel)["value"], {"votes": 5})

    def test_one_that_buffers_lets_no_first_event_through(self):
        server = self.start()
        proxy = self.proxy(server, buffers=True)
        with self.assertRaises(socket.timeout):
            self.stream(server, address=proxy.address, timeout=1.5)
        self.assertEqual(self.stream(server).request("DELETE", headers={"Tandem-Session": "x"})[0], 410,
                         "by which clients find out that whole answers pass")
        proxy.close()

    def test_what_it_loses_is_sent_again_and_applied_once(self):
        server = self.start()
        proxy = self.proxy(server, upgrade_status=403)
        stream = self.stream(server, address=proxy.address)
        for i in range(1, 11):
            proxy.lost_answers = i % 3
            stream.send(add())
            next_of(stream, "ack")
        self.assertEqual(record(server, CHANNEL)["value"], {"votes": 10})
        self.assertEqual(record(server, CHANNEL)["seq"], 10)

    def test_streams_that_it_cuts_anywhere_miss_nothing_and_double_nothing(self):
        server = self.start()
        proxy = self.proxy(server, upgrade_status=403)
        for _ in range(30):
            patch(server, CHANNEL, [{"op": "inc", "path": "votes", "value": 1}])
        whole = self.stream(server)
        epoch = self.follow(whole)["epoch"]
        cursor, check, cuts = 0, 0, 0
        for cut in range(350, 12_000, 97):
            proxy.cut_after = cut
            patch(server, CHANNEL, [{"op": "inc", "path": "votes", "value": 1}])
            try:
                stream = Stream(server, address=proxy.address)
            except StreamEnded:
                continue
            try:
                self.follow(stream, after={"after": cursor, "epoch": epoch, "check": check} if cursor else None)
                while True:
                    message = stream.receive()
                    for name in ("entries", "diff"):
                        if name not in message:
                            continue
                        self.assertLessEqual(message[name]["from"], cursor)
                        self.assertGreater(message[name]["to"], cursor)
                        cursor, check = message[name]["to"], message[name]["check"]
                    if "snapshot" in message:
                        self.assertEqual(cursor, 0, "the cursor is one of this history")
                        cursor, check = message["snapshot"]["seq"], message["snapshot"]["check"]
                    if cursor == record(server, CHANNEL)["seq"]:
                        patch(server, CHANNEL, [{"op": "inc", "path": "votes", "value": 1}])
            except (StreamEnded, http.client.HTTPException):
                cuts += 1
            finally:
                stream.close()
        self.assertGreater(cuts, 100)
        self.assertGreater(cursor, 100)

    def test_addresses_behind_one_are_limited_each_for_itself(self):
        server = self.start(*PROXY, "--limits.connections_per_address", "2")
        first = [self.stream(server, headers={"X-Forwarded-For": "198.51.100.7"}) for _ in range(2)]
        third = self.stream(server, headers={"X-Forwarded-For": "198.51.100.7"})
        self.assertEqual((third.status, third.error["code"]), (429, "too_many_connections"))
        self.assertEqual(self.stream(server, headers={"X-Forwarded-For": "198.51.100.8"}).status, 200)
        first[0].end()
        self.assert_ends(first[0])
        first[0].close()
        deadline = time.monotonic() + 10
        while self.stream(server, headers={"X-Forwarded-For": "198.51.100.7"}).status != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_who_sends_too_fast_is_answered_later_and_waits_for_it(self):
        server = self.start(*PROXY, "--limits.messages_per_second", "5", "--limits.requests_per_address", "0",
                            "--limits.new_connections_per_address", "0")
        stream = self.stream(server, headers={"X-Forwarded-For": "198.51.100.7"})
        began = time.monotonic()
        for _ in range(20):
            stream.send({"ping": {"time_ms": 1}})
        self.assertGreater(time.monotonic() - began, 1.5, "ten at once, and five a second")
        # One that does not wait is refused, and the number is free.
        answers = []
        held = threading.Thread(target=lambda: answers.append(stream.post({"ping": {}}, 21)[0]))
        held.start()
        while True:
            status, error = stream.post({"ping": {}}, 22)
            if status != 403:
                break
        self.assertIn((status, (error or {}).get("code")), [(503, "overloaded"), (204, None)])
        held.join()
        self.assertEqual(answers, [204])


class Tokens(Streams, Auth):
    def test_a_stream_is_let_in_by_its_header_or_by_hello(self):
        server = self.start_required()
        token = self.token("ann", BOARD_ALL)
        for headers in (self.bearer(token), {}):
            stream = self.stream(server, headers=headers)
            stream.send({"hello": {"version": 1, "token": token}})
            self.assertIn("connection", next_of(stream, "welcome"))
            self.follow(stream)
            stream.send(add())
            next_of(stream, "ack")
            stream.send(add("text:1"))
            self.assertEqual(self.code(stream), "forbidden")
        bad = self.stream(server, headers=self.bearer(token[:-4] + "AAAA"))
        self.assertEqual((bad.status, bad.error["code"]), (401, "token_invalid"))
        in_query = self.stream(server, query=f"?token={token}")
        in_query.send({"subscribe": {"channel": CHANNEL}})
        self.assertEqual(self.code(in_query), "unauthenticated")

    def test_a_session_alone_does_not_speak_for_who_has_shown_a_token(self):
        server = self.start_required("--server.threads", "4")
        ann, bob = self.token("ann", BOARD_ALL), self.token("bob", BOARD_ALL)
        stream = self.stream(server, headers=self.bearer(ann))
        expired = self.token("ann", BOARD_ALL, ttl=1)
        self.assert_refused(stream.post(add(), headers={"Authorization": None}), 401, "unauthenticated")
        self.assert_refused(stream.post(add(), headers=self.bearer(bob)), 403, "forbidden")
        self.assert_refused(stream.request("DELETE", headers=self.bearer(bob))[:2], 403, "forbidden")
        self.assert_refused(stream.request("DELETE", headers={"Authorization": None})[:2], 401, "unauthenticated")
        time.sleep(1.1)
        self.assert_refused(stream.post(add(), headers=self.bearer(expired)), 401, "token_expired")
        self.assertEqual(stream.post(add(), headers=self.bearer(self.token("ann", "board:*=read")))[0], 204,
                         "another token of the subject; what may be done is the stream's")
        next_of(stream, "ack")
        plain = self.stream(server)
        self.assert_refused(plain.post(add(), headers=self.bearer(ann)), 403, "forbidden")

    def test_it_ends_with_its_token_and_goes_on_with_a_fresh_one(self):
        server = self.start_required()
        short = self.token("ann", BOARD_ALL, ttl=2)
        ends, stays = (self.stream(server, headers=self.bearer(short)) for _ in range(2))
        for stream in (ends, stays):
            self.follow(stream)
        fresh = self.token("ann", BOARD_ALL, ttl=60)
        stays.headers = {**stays.headers, **self.bearer(fresh)}
        stays.send({"hello": {"version": 1, "token": fresh}})
        self.assertEqual(next_of(ends, "error")["code"], "token_expired")
        self.assert_ends(ends, 1008, "token_expired")
        stays.send(add())
        next_of(stays, "ack")
        admin = self.token("root", "*=admin")
        self.assertEqual(self.tandem("revoke", server.url, "--sub", "ann", "--token", admin).returncode, 0)
        self.assertEqual(next_of(stays, "error")["code"], "token_revoked")
        self.assert_ends(stays, 1008, "token_revoked")

    def test_who_shows_no_token_is_dropped(self):
        server = self.start_required()
        began = time.monotonic()
        stream = self.stream(server)
        self.assertEqual(next_of(stream, "error")["code"], "unauthenticated")
        self.assert_ends(stream, 1008, "unauthenticated")
        self.assertLess(time.monotonic() - began, 8)


class TypeScript(Streams, Auth):
    """The SDK as it is shipped, in Node."""

    def test_it_works_through_a_proxy_with_tokens_that_end(self):
        sdk = ROOT / "sdk" / "ts" / "dist"
        self.assertTrue((sdk / "fallback.js").exists(), "the SDK is not built; run ./dev build web")
        server = self.start_required("--server.threads", "3")
        proxy = self.proxy(server, upgrade_status=426)
        script = self.write_file("client.mjs", f"""
import {{ execFileSync }} from 'node:child_process';
import {{ connect, transportOf }} from {json.dumps(str(sdk / "fallback.js"))};
import {{ keepFresh }} from {json.dumps(str(sdk / "token.js"))};
const token = () => execFileSync({json.dumps(BINARY)}, ['gentoken', '--sub', 'ann', '--cap', {json.dumps(BOARD_ALL)}, '--ttl', '5'], {{ encoding: 'utf8' }}).trim();
const client = connect('http://127.0.0.1:{proxy.address[1]}', {{ token, onRefused: error => {{ throw error; }} }});
const stop = keepFresh(client);
const votes = client.channel({json.dumps(CHANNEL)}).counter('votes');
const links = [];
client.status.subscribe(({{ link }}) => links.push(link));
for (const end = Date.now() + 8_000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 200)))
    await votes.add(1).committed({{ signal: AbortSignal.timeout(15_000) }});
stop();
console.log(JSON.stringify({{ by: transportOf(client).value.by, votes: votes.value, links: [...new Set(links)] }}));
await client.close();
""")
        done = subprocess.run(["node", script], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual((told["by"], told["links"]), ("http", ["connecting", "online"]), "on one stream, past the end of its first token")
        admin = self.token("root", "*=read")
        self.assertEqual(request(server, f"/api/v1/channels/{CHANNEL}/record", headers=self.bearer(admin))[2]["value"], {"votes": told["votes"]})
        self.assertGreater(told["votes"], 10)


class Pages(Streams):
    def test_only_pages_of_allowed_origins_get_a_stream(self):
        server = self.start("--server.origins", "https://app.example")
        evil = {"Origin": "https://evil.example"}
        stream = self.stream(server, headers={"Origin": "https://app.example"})
        self.assertEqual(stream.response.headers["Access-Control-Allow-Origin"], "https://app.example")
        for headers in (evil, {"Origin": "null"}, {"Sec-Fetch-Mode": "no-cors"}, {"Sec-Fetch-Mode": "navigate"}):
            refused = self.stream(server, headers=headers)
            self.assertEqual((refused.status, refused.error["code"]), (403, "origin_refused"))
        self.assert_refused(stream.post(add(), headers=evil), 403, "origin_refused")
        self.assert_refused(stream.request("DELETE", headers=evil)[:2], 403, "origin_refused")
        self.assertEqual(stream.post(add())[0], 204)

    def test_a_preflight_allows_what_the_sdk_sends(self):
        server = self.start("--server.origins", "https://app.example")
        asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,tandem-sequence,tandem-session"}
        status, fields, _ = request(server, PATH, "OPTIONS", headers=asks)
        self.assertEqual(status, 204)
        self.assertIn("DELETE", fields["Access-Control-Allow-Methods"])
        for name in ("Authorization", "Content-Type", "Tandem-Session", "Tandem-Sequence"):
            self.assertIn(name, fields["Access-Control-Allow-Headers"])
        self.assertEqual(request(server, PATH, "OPTIONS", headers={**asks, "Origin": "https://evil.example"})[0], 403)


class Encrypted(Streams, Tls):
    def test_over_tls(self):
        server = self.start_tls("--auth.mode", "off")
        stream = self.stream(server)
        self.follow(stream)
        for i in range(1, 4):
            stream.send(add())
            self.assertEqual(next_of(stream, "entries")["to"], i)
