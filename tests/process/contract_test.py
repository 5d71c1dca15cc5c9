"""The command line, the HTTP API, the JSON protocol, and what people do wrong."""

import json
import os
import socket
import sqlite3
import subprocess

from check_run import CheckFailed
from support import BINARY, ROOT, ProcessTest, next_of, patch, put, record, request


class Contract(ProcessTest):
    def test_get_set_watch(self):
        server = self.start()
        made = self.tandem("set", server.url, "board:1", "title", '"Plan"', "--json")
        self.assertEqual(json.loads(made.stdout), {"seq": 1})
        self.tandem("set", server.url, "board:1", "votes", "3", "--json")
        got = json.loads(self.tandem("get", server.url, "board:1", "--json").stdout)
        self.assertEqual(set(got), {"epoch", "seq", "hash", "value"})
        self.assertEqual((got["seq"], got["value"]), (2, {"title": "Plan", "votes": 3}))
        self.assertEqual(got, record(server, "board:1"))
        part = json.loads(self.tandem("get", server.url, "board:1", "title", "--json").stdout)
        self.assertEqual(part["value"], "Plan")
        watched = self.tandem("watch", server.url, "board:1", "--after", "0", "--count", "2", "--json")
        lines = [json.loads(line) for line in watched.stdout.splitlines()]
        self.assertEqual([(line["seq"], line["path"], line["value"]) for line in lines],
                         [(1, "title", "Plan"), (2, "votes", 3)])
        self.assertTrue(all(isinstance(line["actor"], int) for line in lines))

    def test_watch_resumes_after_a_restart(self):
        server = self.start()
        port = server.address.port
        watch = subprocess.Popen([BINARY, "watch", server.url, "board:1", "--json", "--after", "0", "--count", "2"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(lambda: watch.poll() is None and watch.kill())
        self.tandem("set", server.url, "board:1", "title", '"one"')
        self.assertEqual(json.loads(watch.stdout.readline())["value"], "one")
        server.stop()
        again = self.start("--port", str(port))
        self.tandem("set", again.url, "board:1", "title", '"two"')
        line = json.loads(watch.stdout.readline())
        self.assertEqual((line["seq"], line["value"]), (2, "two"))
        self.assertEqual(watch.wait(15), 0)

    def test_errors_have_code_message_hint_and_docs_and_harm_nothing_else(self):
        server = self.start()
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:ok"}})
        next_of(client, "snapshot")

        def refused(frame, code):
            client.send(frame)
            error = next_of(client, "error")
            self.assertEqual(error["code"], code)
            for member in ("message", "hint", "docs"):
                self.assertTrue(error[member], member)

        refused({"push": {"channel": "nowhere:1", "ops": [put("a", 1)]}}, "unknown_namespace")
        refused({"push": {"channel": "board", "ops": [put("a", 1)]}}, "bad_channel")
        refused({"push": {"channel": "board:ok", "ops": [put("title", 1)]}}, "wrong_type")
        refused({"push": {"channel": "board:ok", "ops": [put("a//b", 1)]}}, "bad_path")
        refused({"push": {"channel": "board:ok", "ops": [put("__proto__", 1)]}}, "bad_path")
        refused({"push": {"channel": "board:ok", "ops": [put("a", {"constructor": 1})]}}, "reserved_key")
        refused({"push": {"channel": "board:ok", "ops": [{"op": "inc", "path": "votes", "value": 1.5}]}}, "wrong_type")
        refused({"push": {"channel": "board:ok", "ops": [{"op": "fly", "path": "a"}]}}, "unknown_operation")
        refused({"push": {"channel": "board:ok", "base": 99, "ops": [put("a", 1)]}}, "base_in_future")
        refused({"presence": {"channel": "board:other", "state": {}}}, "not_subscribed")
        refused({"subscribe": {"channel": "nowhere:1"}}, "unknown_namespace")
        client._send(1, b"{not json")
        self.assertEqual(next_of(client, "error")["code"], "malformed")
        client.send([
            {"push": {"channel": "board:bad", "actor": 70000, "counter": 1, "ref": 5, "ops": [put("a", {"constructor": 1})]}},
            {"push": {"channel": "board:other", "ref": 2, "ops": [put("title", "too")]}},
        ])
        error = next_of(client, "error")
        self.assertEqual([error.get(name) for name in ("code", "channel", "actor", "counter", "ref")],
                         ["reserved_key", "board:bad", 70000, 1, 5])
        self.assertEqual(next_of(client, "ack")["ref"], 2)
        client.send({"unknown frame": {"x": 1}})
        client.send({"push": {"channel": "board:ok", "ops": [put("title", "fine")]}})
        self.assertEqual(next_of(client, "entries")["items"][0]["ops"][0]["value"], "fine")

    def test_a_message_over_the_limit_closes_with_1009(self):
        server = self.start()
        client = self.connect(server)
        other = self.connect(server)
        client.send({"push": {"channel": "board:1", "ops": [put("title", "x" * 65_400)]}})
        self.assertEqual(next_of(client, "ack")["seq"], 1)
        with self.assertRaisesRegex(CheckFailed, "closed the connection: too_large: at most 65536 bytes; split"):
            client.send({"push": {"channel": "board:1", "ops": [put("title", "x" * 65_600)]}})
            next_of(client, "ack")
        self.assertEqual(request(server, "/api/v1/channels/board:1/record", "PATCH", b"x" * (2 << 20))[0], 413)
        other.send({"push": {"channel": "board:1", "ops": [put("title", "fine")]}})
        self.assertEqual(next_of(other, "ack")["seq"], 2)

    def test_http_versions_and_conditions(self):
        server = self.start()
        path = "/api/v1/channels/board:1/record"
        self.assertEqual(patch(server, "board:1", [put("title", "a")])[0], 200)
        status, fields, _ = request(server, path)
        tag = fields["ETag"]
        self.assertEqual(status, 200)
        self.assertEqual(request(server, path, headers={"If-None-Match": tag})[0], 304)
        self.assertEqual(patch(server, "board:1", [put("done", True)])[0], 200)
        self.assertEqual(request(server, path, headers={"If-None-Match": tag})[0], 200)
        # Another field has changed since, this one has not.
        self.assertEqual(patch(server, "board:1", [put("title", "b")], {"If-Match": tag})[0], 200)
        late = patch(server, "board:1", [put("title", "c")], {"If-Match": tag})
        self.assertEqual((late[0], late[2]["error"]["code"]), (412, "precondition_failed"))
        merged = request(server, path, "PATCH", {"title": None, "meta": {"a": 1}},
                         {"Content-Type": "application/merge-patch+json"})
        self.assertEqual(merged[0], 200)
        self.assertEqual(record(server, "board:1")["value"], {"done": True, "meta": {"a": 1}})
        self.assertEqual(request(server, path + "?path=nothing")[0], 404)
        self.assertEqual(request(server, path, "POST", {})[0], 405)

    def test_list_delete_and_reuse_of_channels(self):
        server = self.start()
        for name in ("board:a", "board:b", "board:c"):
            patch(server, name, [put("title", name)])
        listed = request(server, "/api/v1/channels?limit=2")[2]
        self.assertEqual(([c["name"] for c in listed["channels"]], listed["more"]), (["board:a", "board:b"], True))
        rest = request(server, "/api/v1/channels?after=board:b")[2]
        self.assertEqual([c["name"] for c in rest["channels"]], ["board:c"])
        old = record(server, "board:a")
        watcher = self.connect(server)
        watcher.send({"subscribe": {"channel": "board:a"}})
        next_of(watcher, "snapshot")
        self.assertEqual(request(server, "/api/v1/channels/board:a", "DELETE")[2], {"deleted": True})
        emptied = next_of(watcher, "snapshot")
        self.assertEqual((emptied["reset"], emptied["value"]), (True, {}))
        patch(server, "board:a", [put("title", "new")])
        new = record(server, "board:a")
        self.assertEqual(new["value"], {"title": "new"})
        self.assertNotEqual(new["epoch"], old["epoch"])
        self.assertGreater(new["seq"], old["seq"])

    def test_conflicts_are_listed_and_closed_by_a_decision(self):
        server = self.start()
        a, b = self.connect(server), self.connect(server)
        a.send({"push": {"channel": "board:1", "counter": 1, "base": 0, "ops": [put("decision", "yes")]}})
        next_of(a, "ack")
        b.send({"push": {"channel": "board:1", "counter": 1, "base": 0, "ops": [put("decision", "no")]}})
        next_of(b, "ack")
        rows = request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"]
        self.assertEqual(len(rows), 1)
        shown = record(server, "board:1")["value"]["decision"]
        self.assertEqual({rows[0]["value"], shown}, {"yes", "no"})
        patch(server, "board:1", [put("decision", "maybe")])
        self.assertEqual(request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"], [])
        every = request(server, "/api/v1/channels/board:1/conflicts?all=1")[2]["conflicts"]
        self.assertEqual([row["closed_seq"] for row in every], [3])

    def test_presence_is_seen_and_ends_with_its_connection(self):
        server = self.start()
        a, b = self.connect(server), self.connect(server)
        for client in (a, b):
            client.send({"subscribe": {"channel": "board:1"}})
            next_of(client, "snapshot")
        a.send({"presence": {"channel": "board:1", "state": {"name": "Ada"}}})
        joined = next_of(b, "members")["joined"]
        self.assertEqual([m["state"] for m in joined], [{"name": "Ada"}])
        b.send({"signal": {"channel": "board:1", "name": "cursor", "value": {"x": 1}}})
        signal = next_of(a, "signal")
        self.assertEqual((signal["name"], signal["value"]), ("cursor", {"x": 1}))
        a._send(8, (1000).to_bytes(2, "big"))
        self.assertEqual(next_of(b, "members")["left"], [joined[0]["id"]])

    def test_strangers_are_refused(self):
        server = self.start()
        for headers, code in (({"Origin": "https://evil.example"}, "origin_refused"), ({"Origin": "null"}, "origin_refused"),
                              ({"Host": "evil.example"}, "host_refused"),
                              ({"Origin": "http://localhost.evil.example"}, "origin_refused")):
            status, _, answer = request(server, "/api/v1/channels", headers=headers)
            self.assertEqual((status, answer["error"]["code"]), (403, code), headers)
        self.assertEqual(request(server, "/api/v1/channels", headers={"Origin": "http://localhost:3000"})[0], 200)
        allowed = self.start("--server.origins", "https://app.example", data=os.path.join(self.folder, "other"))
        self.assertEqual(request(allowed, "/api/v1/channels", headers={"Origin": "https://app.example"})[0], 200)

    def test_the_root_must_be_meant(self):
        server = self.start()
        patch(server, "board:1", [put("title", "here")])
        for op in ({"op": "delete"}, {"op": "delete", "pth": "title"}, {"op": "set", "value": 5}):
            status, _, answer = patch(server, "board:1", [op])
            self.assertEqual((status, answer["error"]["code"]), (400, "bad_path"), op)
        for op in (put("", 5), {"op": "inc", "path": "", "value": 1}):
            self.assertEqual(patch(server, "board:1", [op])[0], 400, op)
        self.assertEqual(patch(server, "board:1", [{"op": "move", "path": "cards/@a", "position": "!!"}])[0], 400)
        self.assertEqual(record(server, "board:1")["value"], {"title": "here"})
        self.assertEqual(patch(server, "board:1", [{"op": "delete", "path": ""}])[0], 200)
        self.assertEqual(record(server, "board:1")["value"], {})

    def test_bases_over_http(self):
        server = self.start()
        patch(server, "board:1", [put("title", "one")])
        patch(server, "board:1", [put("title", "two")])
        body = {"ops": [put("title", "three")], "base": 1}
        self.assertEqual(request(server, "/api/v1/channels/board:1/record", "PATCH", body)[0], 200)
        rows = request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"]
        self.assertEqual(len(rows), 1)
        body["base"] = 999
        answer = request(server, "/api/v1/channels/board:1/record", "PATCH", body)
        self.assertEqual((answer[0], answer[2]["error"]["code"]), (400, "base_in_future"))

    def test_a_counter_is_set_to_what_was_said(self):
        server = self.start()
        patch(server, "board:1", [{"op": "inc", "path": "votes", "value": 5}])
        patch(server, "board:1", [{"op": "counter_set", "path": "votes", "value": 10}])
        self.assertEqual(record(server, "board:1")["value"], {"votes": 10})

    def test_a_large_record_can_be_followed_in_json(self):
        server = self.start()
        for n in range(90):
            self.assertEqual(patch(server, "board:1", [put(f"field{n}", "x" * 60_000)])[0], 200)
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:1"}})
        self.assertEqual(len(next_of(client, "snapshot")["value"]), 90)

    def test_health_ready_metrics(self):
        server = self.start()
        self.assertEqual(request(server, "/health")[2], {"status": "ok"})
        self.assertEqual(request(server, "/ready")[0], 200)
        patch(server, "board:1", [put("title", "x")])
        metrics = request(server, "/metrics")[2]
        self.assertIn("\ntandem_entries_total 1\n", metrics)
        self.assertIn("tandem_store_commit_seconds_count 1\n", metrics)


class Startup(ProcessTest):
    def refused(self, *arguments, words, code=1):
        result = self.tandem(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.refused("dev", "--data", self.data, "--port", str(taken.getsockname()[1]),
                         words=["another program has this port", "--port"])

    def test_data_folder_that_cannot_be_made(self):
        file = self.write_file("file", "x")
        self.refused("dev", "--port", "0", "--data", file + "/data", words=["cannot be made", "--data"])

    def test_damaged_store(self):
        os.mkdir(self.data)
        with open(os.path.join(self.data, "tandem.db"), "wb") as out:
            out.write(b"this is not a database, whatever its name says" * 100)
        self.refused("dev", "--port", "0", "--data", self.data, words=["damaged", "restore"])

    def test_newer_store(self):
        self.start().stop()
        with sqlite3.connect(os.path.join(self.data, "tandem.db")) as store:
            store.execute("pragma user_version = 99")
        store.close()
        self.refused("dev", "--port", "0", "--data", self.data, words=["newer version"])

    def test_store_in_use(self):
        self.start()
        self.refused("dev", "--port", "0", "--data", self.data, words=["in use by another process"])

    def test_only_loopback(self):
        self.refused("dev", "--port", "0", "--data", self.data, "--host", "0.0.0.0", words=["loopback only"])

    def test_configuration_is_checked(self):
        good = self.write_file("good.toml", '[namespaces.n.fields]\nvotes = "counter"\n"l/*/x" = "string"\n')
        self.assertEqual(self.tandem("checkconfig", "-c", good).returncode, 0)
        bad = self.write_file("bad.toml", '[server]\nprot = 1\nport = 99999\n[namespaces.n.fields]\nv = "integer"\n')
        self.refused("checkconfig", "-c", bad, words=["server.prot", "not a setting", "server.port", "unknown type"])
        for word, is_good in (("true", True), ("false", True), ("1", False), ('"yes"', False)):
            flag = self.write_file("flag.toml", f"[server]\nio_uring = {word}\n")
            self.assertEqual(self.tandem("checkconfig", "-c", flag).returncode, 0 if is_good else 1, word)
        unfit = self.write_file("unfit.toml", '[namespaces.n.fields]\na = { type = "list", resolver = "mean" }\n')
        self.refused("checkconfig", "-c", unfit, words=["does not fit its type"])
        broken = self.write_file("broken.toml", "[server\n")
        self.refused("checkconfig", "-c", broken, words=["broken.toml:1"])
        self.refused("checkconfig", "-c", self.folder + "/none.toml", words=["cannot be read"])
        unknown = self.tandem("checkconfig", "-c", good, environment={"TANDEM_SERVER_PROT": "1"})
        self.assertIn("TANDEM_SERVER_PROT", unknown.stderr)
        defaults = self.tandem("defaultconfig").stdout
        self.assertEqual(self.tandem("checkconfig", "-c", self.write_file("d.toml", defaults)).returncode, 0)

    def test_flags_win_over_environment_and_file(self):
        file = self.write_file("t.toml", '[server]\nreconnect_after_ms = 1\nport = 0\n[namespaces.n.fields]\na = "json"\n')
        found = self.tandem("serve", "-c", file, "--server.reconnect_after_ms", "x",
                            environment={"TANDEM_SERVER_RECONNECT_AFTER_MS": "2"})
        self.assertIn("--server.reconnect_after_ms must be", found.stderr)

    def test_wrong_words(self):
        self.assertEqual(self.tandem("fly").returncode, 2)
        self.assertEqual(self.tandem("get").returncode, 2)
        server = self.start()
        result = self.tandem("set", server.url, "board:1", "title", "Plan")
        self.assertEqual(result.returncode, 2)
        self.assertIn("quotes", result.stderr)
        server.stop()
        gone = self.tandem("get", server.url, "board:1")
        self.assertEqual(gone.returncode, 1)
        self.assertIn("Is the server running?", gone.stderr)

    def test_types(self):
        config = self.write_file("t.toml", '[namespaces.shop.fields]\nprice = "number"\nlog = "list"\n"log/*/who" = "string"\n'
                                           '"by-day/*" = "counter"\n"by-day" = "map"\n')
        text = self.tandem("types", "--ts", "-c", config).stdout
        for part in ("export const Shop", "price: f.number()", "log: f.list({", "who: f.string()",
                     '"by-day": f.map(f.counter())'):
            self.assertIn(part, text)

    def test_generated_types_check_against_the_sdk(self):
        tsc = ROOT / "sdk" / "ts" / "node_modules" / ".bin" / "tsc"
        self.assertTrue(tsc.exists(), "the SDK's npm packages are not installed; run ./dev setup")
        self.write_file("tandem.gen.ts", self.tandem("types", "--ts").stdout)
        self.write_file("use.ts", """
            import { connect } from '@tandem/client';
            import { Board } from './tandem.gen';
            const board = connect('http://localhost:8080').channel(Board, 'demo');
            board.fields.title.set('Plan');
            board.fields.votes.add(1);
            board.fields.cards.insert({ text: 'x', done: false, color: '' }, 'first').fields.done.set(true);
            // @ts-expect-error: a title is a text
            board.fields.title.set(1);
        """)
        self.write_file("tsconfig.json", json.dumps({
            "compilerOptions": {
                "strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "types": [],
                "moduleResolution": "bundler", "lib": ["es2022", "dom", "dom.iterable", "esnext.disposable"],
                "skipLibCheck": True, "paths": {"@tandem/client": [str(ROOT / "sdk" / "ts" / "src" / "index.ts")]}},
            "files": ["use.ts"]}))
        checked = subprocess.run([str(tsc), "-p", self.folder], capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stdout)
