"""Tokens on every surface of the running server: what they permit, how they end, are renewed, revoked and rotated."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

from check_run import CheckFailed
from support import BINARY, ProcessTest, next_of, patch, put, request

BOARD_ALL = "board:*=read,write,presence,signal"


class Auth(ProcessTest):
    def start_required(self, *arguments, **named):
        return self.start("--auth.mode", "required", *arguments, **named)

    def token(self, subject="ann", *caps, key=None, **options):
        arguments = ["gentoken", "--sub", subject]
        for cap in caps:
            arguments += ["--cap", cap]
        for name, value in options.items():
            arguments += [f"--{name}", str(value)]
        if key:
            arguments += ["--key", key]
        done = self.tandem(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def connect_with(self, server, token):
        server.token = token
        try:
            return self.connect(server)
        finally:
            server.token = None

    def code(self, client):
        return next_of(client, "error")["code"]

    def assert_closes(self, client, within_s):
        deadline = time.monotonic() + within_s
        client.socket.settimeout(within_s)
        with self.assertRaises((CheckFailed, ConnectionError)):
            while time.monotonic() < deadline:
                client.receive()
            self.fail("still open")

    def bearer(self, token):
        return {"Authorization": f"Bearer {token}"}

    def status(self, server, path, token=None, method="GET", body=None, headers=None):
        sent = {**(self.bearer(token) if token else {}), **(headers or {})}
        return request(server, path, method, body, sent)[0]


class Texts(Auth):
    """What a program that follows a text is told when it may not: what other commands are, and at once."""

    def watch(self, server, channel, token=None, *more):
        began = time.monotonic()
        done = self.tandem("text", "watch", server.url, channel, *more, environment={"TANDEM_TOKEN": token or ""})
        self.assertLess(time.monotonic() - began, 8, "it waited")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertNotIn("timed_out", done.stderr)
        self.assertEqual(done.stderr.count("tandem: "), 1, done.stderr)
        return done.stderr.removeprefix("tandem: ").split(":")[0]

    def test_refusals_of_a_watched_text_are_told_by_their_codes(self):
        server = self.start_required("--limits.texts", "1", "--config", self.write_file("tandem.toml", "[namespaces.text]\n"))
        everything = self.token("ann", "*=read,write")
        self.assertEqual(self.watch(server, "text:a"), "unauthenticated")
        self.assertEqual(self.watch(server, "text:a", "rubbish"), "token_invalid")
        self.assertEqual(self.watch(server, "text:a", self.token("ann", "board:*=read")), "forbidden")
        self.assertEqual(self.watch(server, "text:a", self.token("ann", "text:*=write")), "forbidden")
        self.assertEqual(self.watch(server, "none:a", everything), "unknown_namespace")
        self.assertEqual(self.watch(server, "text:a", everything, "--name", "a\tb"), "bad_path")
        edit = {"root": "t", "edits": [{"append": "a"}]}
        self.assertEqual(self.status(server, "/api/v1/channels/text:a/text", everything, "POST", edit), 200)
        self.assertEqual(self.watch(server, "text:a", everything, "--name", "second"), "too_many_texts")
        server.kill()
        self.assertTrue(self.watch(server, "text:a", everything).startswith("no answer from"))

    def test_an_author_is_shown_by_who_may_be_present(self):
        server = self.start_required("--config", self.write_file("tandem.toml", "[namespaces.text]\n"))
        writer, author = self.token("ann", "text:*=write"), self.token("ann", "text:*=write,presence")
        text = "/api/v1/channels/text:a/text"
        for edits in ([], [{"append": "a"}]):
            body = {"root": "t", "edits": edits, "author": {"name": "Ann"}}
            status, _, answer = request(server, text, "POST", body, self.bearer(writer))
            self.assertEqual((status, answer["error"]["code"]), (403, "forbidden"))
            self.assertIn("presence", answer["error"]["hint"])
            self.assertEqual(self.status(server, text, author, "POST", body), 200)
        self.assertEqual(self.status(server, text, writer, "POST", {"edits": [{"append": "b"}]}), 200)

    def test_waits_of_the_sdk_end_with_the_refusal(self):
        program = str(pathlib.Path(BINARY).parent / "tandem_sdk_text_behaviour")
        server = self.start_required("--config", self.write_file("tandem.toml", "[namespaces.text]\n"))

        def waits(token):
            done = subprocess.run([program, server.url, "text:a", "refused"], capture_output=True, text=True, timeout=30,
                                  check=False, env={**os.environ, "TANDEM_TOKEN": token})
            self.assertEqual(done.returncode, 0, done.stdout)
            return done.stderr.split()

        self.assertEqual(waits(""), ["unauthenticated", "unauthenticated"])
        self.assertEqual(waits(self.token("ann", "board:*=read")), ["forbidden", "forbidden"])
        self.assertEqual(waits(self.token("ann", "text:*=read")), ["ready", "forbidden"])
        self.assertEqual(waits(self.token("ann", "text:*=read,write")), ["ready", "saved"])


class Surfaces(Auth):
    def test_http_denies_by_default_and_asks_for_each_capability(self):
        server = self.start_required()
        record = "/api/v1/channels/board:1/record"
        reader, writer = self.token("ann", "board:*=read"), self.token("bob", "board:1=write")
        admin = self.token("root", "*=admin,read")
        self.assertEqual(self.status(server, "/health"), 200)
        status, fields, answer = request(server, record)
        self.assertEqual((status, answer["error"]["code"], fields["WWW-Authenticate"]), (401, "unauthenticated", "Bearer"))
        self.assertEqual(self.status(server, record, "rubbish"), 401)
        self.assertEqual(self.status(server, record, headers={"Authorization": "Basic x"}), 401)
        self.assertEqual(self.status(server, record, reader), 200)
        self.assertEqual(self.status(server, record, self.token("ann", "text:*=read")), 403)
        write = {"ops": [put("title", "x")]}
        self.assertEqual(self.status(server, record, reader, "PATCH", write), 403)
        self.assertEqual(self.status(server, record, writer, "PATCH", write), 200)
        self.assertEqual(self.status(server, record, writer), 403, "writing is not reading")
        for path in ("connections", "channels", "webhooks", "revocations"):
            self.assertEqual(self.status(server, f"/api/v1/{path}", reader), 403, path)
            self.assertEqual(self.status(server, f"/api/v1/{path}", admin), 200, path)
        self.assertEqual(self.status(server, "/metrics"), 401)
        self.assertEqual(self.status(server, "/metrics", admin), 200)
        self.assertEqual(self.status(server, "/api/v1/channels/board:1", writer, "DELETE"), 403)
        for path in ("entries", "changes?from=0", "conflicts", "versions", "texts", "text", "text-versions", "text-changes", "presence"):
            self.assertEqual(self.status(server, f"/api/v1/channels/board:1/{path}", writer), 403, path)
        for method, path, body in (("POST", "restore", {"at": 1}), ("POST", "versions", {"name": "v"}), ("PUT", "record", {}),
                                   ("POST", "text", {"edits": []}), ("POST", "conflicts", {}), ("POST", "text-versions", {}),
                                   ("POST", "text-restore", {}), ("DELETE", "versions?name=v", None)):
            self.assertEqual(self.status(server, f"/api/v1/channels/board:1/{path}", reader, method, body), 403, path)

    def test_programs_come_with_a_key_of_their_own(self):
        keys = self.write_file("keys.json", json.dumps(
            {"keys": [{"name": "crm", "key": "k" * 32, "cap": {"board:*": ["read", "write"]}}]}))
        server = self.start_required("--auth.api_keys", keys)
        record = "/api/v1/channels/board:1/record"
        self.assertEqual(self.status(server, record, headers={"X-API-Key": "k" * 32}), 200)
        self.assertEqual(self.status(server, record, headers={"X-API-Key": "k" * 31}), 401)
        self.assertEqual(self.status(server, record, "x", headers={"X-API-Key": "k" * 32}), 400, "two at once")
        self.assertEqual(self.status(server, "/api/v1/channels", headers={"X-API-Key": "k" * 32}), 403)
        short = self.write_file("short.json", '{"keys":[{"name":"crm","key":"' + "k" * 31 + '","cap":{}}]}')
        refused = self.tandem("serve", "--port", "0", "--data", self.data, "--auth.api_keys", short)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("32 characters", refused.stderr)

    def test_a_websocket_is_let_in_by_its_header_or_by_hello(self):
        server = self.start_required()
        token = self.token("ann", BOARD_ALL)
        for client in (self.connect_with(server, token), self.connect(server)):
            client.send({"hello": {"version": 1, "client": "test", "token": token}})
            self.assertIn("connection", next_of(client, "welcome"))
            client.send({"subscribe": {"channel": "board:1"}})
            next_of(client, "snapshot")
            client.send({"push": {"channel": "board:1", "ops": [put("title", "x")]}})
            next_of(client, "ack")
            client.send({"push": {"channel": "text:1", "ops": [put("title", "x")]}})
            self.assertEqual(self.code(client), "forbidden")
        with self.assertRaises(CheckFailed):
            self.connect_with(server, token[:-4] + "AAAA")
        bad = self.connect(server)
        bad.send({"hello": {"version": 1, "token": "x"}})
        self.assertEqual(self.code(bad), "token_invalid")
        self.assert_closes(bad, 5)

    def test_the_stock_provider_shows_its_token_as_a_parameter(self):
        server = self.start_required()

        def upgrade(path):
            with socket.create_connection((server.address.hostname, server.address.port), timeout=10) as s:
                s.sendall((f"GET {path} HTTP/1.1\r\nHost: {server.address.netloc}\r\nUpgrade: websocket\r\n"
                           "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n").encode())
                return int(s.recv(4096).split(b" ")[1])
        self.assertEqual(upgrade("/yjs/room"), 401)
        self.assertEqual(upgrade("/yjs/room?token=x"), 401)
        self.assertEqual(upgrade("/yjs/room?token=" + self.token("ann", "board:*=read")), 403)
        self.assertEqual(upgrade("/yjs/room?token=" + self.token("ann", "text:*=read")), 101)
        self.assertEqual(upgrade("/connection/websocket?token=x"), 101, "only providers that know no better have tokens in addresses")

    def test_the_command_line_shows_a_token(self):
        server = self.start_required()
        token = self.token("ann", BOARD_ALL)
        refused = self.tandem("set", server.url, "board:1", "title", '"x"')
        self.assertIn("unauthenticated", refused.stderr)
        self.assertEqual(self.tandem("set", server.url, "board:1", "title", '"x"', "--token", token).returncode, 0)
        shown = self.tandem("get", server.url, "board:1", "title", environment={"TANDEM_TOKEN": token})
        self.assertEqual(shown.stdout.strip(), '"x"')
        watch = subprocess.run([BINARY, "watch", server.url, "board:1", "--after", "0", "--json", "--count", "1", "--token", token],
                               capture_output=True, text=True, timeout=30, check=False)
        self.assertIn('"path":"title"', watch.stdout)

    def test_fields_are_written_by_who_may(self):
        config = self.write_file("tandem.toml", '[namespaces.board.fields]\ntitle = "string"\n'
                                 'state = { type = "string", write = ["admin", "claim:role=editor"] }\n')
        server = self.start_required("--config", config)
        user, editor = self.token("ann", BOARD_ALL), self.token("ed", BOARD_ALL, claim='role="editor"')
        both = [put("title", "x"), put("state", "done")]
        status, _, answer = patch(server, "board:1", both, self.bearer(user))
        self.assertEqual((status, answer["error"]["code"]), (403, "forbidden"))
        self.assertEqual(request(server, "/api/v1/channels/board:1/record", headers=self.bearer(user))[2]["value"], {})
        self.assertEqual(patch(server, "board:1", both, self.bearer(editor))[0], 200)
        self.assertEqual(self.status(server, "/api/v1/channels/board:1/record", user, "PUT", {"title": "y"}), 403,
                         "a whole state without the field would take it away")
        self.assertEqual(self.status(server, "/api/v1/channels/board:1/restore", user, "POST", {"at": 0}), 403)
        wrong = self.write_file("wrong.toml", '[namespaces.board.fields]\nx = { type = "string", write = "root" }\n')
        self.assertIn("names nobody", self.tandem("checkconfig", "--config", wrong).stderr)


class Lifetime(Auth):
    def test_a_connection_closes_when_its_token_ends_and_not_when_it_is_renewed(self):
        server = self.start_required()
        ends = self.connect_with(server, self.token("ann", BOARD_ALL, ttl=3))
        renewed = self.connect_with(server, self.token("bob", BOARD_ALL, ttl=3))
        renewed.send({"hello": {"version": 1, "token": self.token("bob", BOARD_ALL, ttl=600)}})
        next_of(renewed, "welcome")
        self.assertEqual(self.code(ends), "token_expired")
        self.assert_closes(ends, 5)
        renewed.send({"subscribe": {"channel": "board:1"}})
        next_of(renewed, "snapshot")
        old = self.token("ann", BOARD_ALL, ttl=1)
        deadline = time.monotonic() + 10
        while self.status(server, "/api/v1/channels/board:1/record", old) == 200:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(request(server, "/api/v1/channels/board:1/record", headers=self.bearer(old))[2]["error"]["code"],
                         "token_expired")

    def test_a_revocation_acts_within_a_second_and_outlives_the_server(self):
        server = self.start_required("--server.threads", "3")
        admin = self.token("root", "*=admin")
        first, second = self.token("ann", BOARD_ALL, jti="one"), self.token("ann", BOARD_ALL, jti="two")
        clients = [self.connect_with(server, first) for _ in range(6)]
        stays = self.connect_with(server, second)
        for client in (*clients, stays):
            for number in range(4):
                client.send({"subscribe": {"channel": f"board:{number}"}})
            for _ in range(4):
                next_of(client, "snapshot")
        self.assertEqual(self.status(server, "/api/v1/revocations", first, "POST", {"jti": "one"}), 403)
        began = time.monotonic()
        self.assertEqual(self.tandem("revoke", server.url, "--jti", "one", "--token", admin).returncode, 0)
        for client in clients:
            self.assertEqual(self.code(client), "token_revoked")
            self.assert_closes(client, 5)
        self.assertLess(time.monotonic() - began, 1.0)
        stays.send({"push": {"channel": "board:1", "ops": [put("title", "x")]}})
        next_of(stays, "ack")
        self.assertIn("jti one", self.tandem("revoke", server.url, "--token", admin).stdout)
        server.kill()
        again = self.start_required()
        record = "/api/v1/channels/board:1/record"
        self.assertEqual(self.status(again, record, first), 401)
        self.assertEqual(self.status(again, record, second), 200)
        self.assertEqual(self.status(again, "/api/v1/revocations", admin, "POST", {"sub": "ann"}), 200)
        self.assertEqual(self.status(again, record, second), 401)

    def test_keys_are_rotated_by_a_signal(self):
        for name in ("old", "new"):
            made = self.tandem("genkey", "--kid", name, "--out", os.path.join(self.folder, name))
            self.write_file(name + ".json", made.stdout)
        keys = {name: os.path.join(self.folder, name) for name in ("old", "new")}
        jwks = self.write_file("jwks.json", open(keys["old"] + ".json", encoding="utf-8").read())
        self.assertEqual(os.stat(keys["old"]).st_mode & 0o777, 0o600)
        server = self.start_required("--auth.jwks", jwks)
        old, new = self.token("ann", BOARD_ALL, key=keys["old"]), self.token("ann", BOARD_ALL, key=keys["new"])
        record = "/api/v1/channels/board:1/record"
        client = self.connect_with(server, old)
        self.assertEqual((self.status(server, record, old), self.status(server, record, new)), (200, 401))
        self.assertEqual(self.status(server, record, self.token("ann", BOARD_ALL)), 401, "the development key")
        both = [json.load(open(keys[name] + ".json", encoding="utf-8"))["keys"][0] for name in keys]
        self.write_file("jwks.json", json.dumps({"keys": both}))
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while self.status(server, record, new) != 200:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.status(server, record, old), 200)
        # A file that is damaged changes nothing.
        self.write_file("jwks.json", "{")
        server.process.send_signal(signal.SIGHUP)
        client.send({"subscribe": {"channel": "board:1"}})
        next_of(client, "snapshot")
        self.write_file("jwks.json", json.dumps({"keys": both[1:]}))
        server.process.send_signal(signal.SIGHUP)
        self.assertEqual(self.code(client), "token_revoked")
        self.assertEqual((self.status(server, record, old), self.status(server, record, new)), (401, 200))

    def test_an_actor_is_its_subjects_after_a_restart_too(self):
        server = self.start_required()
        ann, mal = self.token("ann", BOARD_ALL), self.token("mal", BOARD_ALL)
        client = self.connect_with(server, ann)
        client.send({"hello": {"version": 1, "want_actor": True}})
        actor = next_of(client, "welcome")["actor"]
        write = {"push": {"channel": "board:1", "actor": actor, "counter": 1, "ops": [put("title", "x")]}}
        client.send(write)
        next_of(client, "ack")
        server.kill()
        again = self.start_required()
        thief = self.connect_with(again, mal)
        thief.send({"push": {**write["push"], "counter": 2}})
        self.assertEqual(self.code(thief), "actor_unknown")
        owner = self.connect_with(again, ann)
        owner.send({"push": {**write["push"], "counter": 2}})
        next_of(owner, "ack")


class Defaults(Auth):
    def test_development_keys_are_for_loopback_only(self):
        for arguments in (("dev", "--host", "0.0.0.0"), ("serve", "--host", "0.0.0.0"),
                          ("dev", "--host", "0.0.0.0", "--server.beyond_loopback", "plaintext"),
                          ("dev", "--host", "0.0.0.0", "--server.beyond_loopback", "open"),
                          ("serve", "--host", "0.0.0.0", "--server.beyond_loopback", "plaintext"),
                          ("serve", "--auth.mode", "required")):
            done = self.tandem(*arguments, "--port", "0", "--data", self.data)
            self.assertEqual(done.returncode, 1, arguments)
        jwks = self.write_file("dev.json", '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"x",'
                               '"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}')
        done = self.tandem("serve", "--host", "0.0.0.0", "--server.beyond_loopback", "plaintext", "--auth.jwks", jwks,
                           "--port", "0", "--data", self.data)
        self.assertIn("development key", done.stderr)

    def test_in_development_nothing_is_asked_for_but_a_token_counts(self):
        server = self.start()
        self.assertEqual(self.status(server, "/api/v1/channels/board:1/record"), 200)
        self.assertEqual(self.status(server, "/api/v1/channels/board:1/record", self.token("ann", "text:*=read")), 403)

    def test_other_hosts_and_their_own_pages_come_in_where_that_is_said(self):
        made = self.tandem("genkey", "--kid", "k", "--out", os.path.join(self.folder, "k"))
        config = self.write_file("tandem.toml", "[namespaces.board]\n")
        process = self.popen("serve", "--host", "127.0.0.1", "--port", "0", "--data", self.data, "--config", config, "--json",
                             "--server.beyond_loopback", "plaintext", "--auth.jwks", self.write_file("jwks.json", made.stdout),
                             "--server.origins", "https://app.example")
        url = json.loads(process.stdout.readline())["url"]
        port = urllib.parse.urlsplit(url).port
        token = self.token("ann", BOARD_ALL, key=os.path.join(self.folder, "k"))

        class At:
            pass
        at = At()
        at.url = url
        record = "/api/v1/channels/board:1/record"
        for origin, status in ((None, 200), ("http://sync.example", 200), ("https://app.example", 200), ("null", 403),
                               ("https://evil.example", 403), ("http://localhost:3000", 403), ("https://app.example.evil", 403)):
            headers = {"Host": "sync.example", **({"Origin": origin} if origin else {})}
            self.assertEqual(self.status(at, record, token, headers=headers), status, origin)
        self.assertEqual(self.status(at, record, headers={"Host": "sync.example"}), 401)
        self.assertEqual(self.status(at, record, token, headers={"Host": f"127.0.0.1:{port}", "Origin": "http://localhost:3000"}), 200)
