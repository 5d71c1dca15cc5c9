"""The command line where people err: what is contradictory, misspelt or impossible is refused, with what to do."""

import json
import os
import shutil
import socket
import subprocess
import threading

from support import BINARY, ProcessTest, next_of, patch, put, record, request


class Misuse(ProcessTest):
    def refused(self, *arguments, words, code=2):
        done = self.tandem(*arguments)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        for word in words:
            self.assertIn(word, done.stderr, arguments)

    def test_unknown_verbs_name_the_nearest(self):
        self.refused("sett", words=["no verb 'sett'", "'set'", "--help"])
        self.refused("wacth", "localhost:1", "board:1", words=["'watch'"])
        self.refused("webhooks", "lits", words=["'list'"])
        self.refused("xyzzy", words=["no verb 'xyzzy'", "--help"])
        self.assertEqual(self.tandem("--help").returncode, 0)

    def test_flags_that_contradict_each_other(self):
        one = ("localhost:1", "board:1")
        self.refused("versions", *one, "--save", "a", "--delete", "b", words=["--delete", "--save"])
        self.refused("versions", *one, "--at", "3", words=["--at", "--save"])
        self.refused("conflicts", *one, "--keep", "a", "--restore", "b", words=["--keep", "--restore"])
        self.refused("conflicts", *one, "--dot", "1:2", words=["--dot", "--keep"])
        self.refused("get", *one, "--at", "1", "--version", "a", words=["--at", "--version"])
        self.refused("revert", *one, "--at", "1", "--version", "a", words=["--at", "--version"])
        self.refused("history", *one, "--limit", "0", words=["--limit"])

    def test_servers_that_are_none(self):
        self.refused("get", "http://no.such.host:8080", "board:1", words=["no.such.host", "not known", "localhost"])
        self.refused("get", "https://127.0.0.1:1", "board:1", words=["Is the server running?"], code=1)
        self.refused("get", "http://", "board:1", words=["no server address"])
        self.refused("get", "http://127.0.0.1:1", "board:1", words=["Is the server running?"], code=1)

    def test_hints_fit(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a")])
        self.refused("get", server.url, "board:1", "--at", "99999", words=["newest is 1"], code=1)
        self.refused("revert", server.url, "board:1", "--at", "99999", words=["newest is 1"], code=1)
        twice = self.write_file("twice.json", '{"cards":[{"id":"a"},{"id":"a"}]}')
        self.refused("set", server.url, "board:1", "--file", twice, words=["id of its own"], code=1)

    def test_restore_names_what_is_in_the_way(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a")])
        backup = os.path.join(self.folder, "copy.db")
        self.assertEqual(self.tandem("backup", backup, "--data", self.data).returncode, 0)
        self.refused("restore", backup, "--data", self.data, words=[self.data, "in use"], code=1)
        missing = os.path.join(self.folder, "missing")
        self.refused("restore", backup, "--data", missing, words=[missing, "is not there"], code=1)
        self.refused("restore", missing, "--data", self.data, words=["no backup " + missing], code=1)
        wrong = self.write_file("wrong.db", "this is no store" * 100)
        server.stop()
        self.refused("restore", wrong, "--data", self.data, words=["the backup " + wrong, "Nothing was changed"], code=1)
        self.refused("backup", backup, "--data", missing, words=["no store in the folder " + missing, "--data"], code=1)
        self.refused("backup", os.path.join(missing, "x"), "--data", self.data, words=[missing], code=1)
        empty = os.path.join(self.folder, "empty")
        os.mkdir(empty)
        done = self.tandem("restore", backup, "--data", empty)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("former", done.stdout)
        for name in ("tandem.db.replaced", "tandem.db.replaced.2"):
            done = self.tandem("restore", backup, "--data", empty)
            self.assertIn("kept as " + os.path.join(empty, name) + ".", done.stdout)
            self.assertTrue(os.path.exists(os.path.join(empty, name)))
        shutil.rmtree(empty)

    def test_a_list_that_nothing_names_is_told(self):
        config = self.write_file("tandem.toml", '[namespaces.board.fields]\n"cards/*/text" = "string"\n')
        for verb in (["types", "--ts"], ["checkconfig"]):
            done = self.tandem(*verb, "--config", config)
            self.assertEqual(done.returncode, 0)
            self.assertIn('"cards" = "list"', done.stderr)
        self.assertEqual(self.tandem("checkconfig", "--config", config).stdout, "The configuration is good: 1 namespace.\n")
        self.assertEqual(self.tandem("types", "--ts").stderr, "")


class Watching(ProcessTest):
    def lines(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def test_history_that_is_gone_is_told_and_counted(self):
        server = self.start("--retention.entries", "5", "--retention.snapshot_every_entries", "2")
        for number in range(40):
            patch(server, "board:1", [put("title", f"t{number}")])
        head = record(server, "board:1")["seq"]
        done = self.tandem("watch", server.url, "board:1", "--after", "2", "--json", "--count", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        line, = self.lines(done.stdout)
        self.assertEqual((line["op"], line["seq"], line["path"], line["value"]), ("reset", head, "", {"title": "t39"}))
        self.assertIn("after 2, up to", done.stderr)
        self.assertIn("too old to be told one by one", done.stderr)
        plain = self.tandem("watch", server.url, "board:1", "--after", "2", "--count", "1")
        self.assertEqual(plain.stdout.split("  ")[1][:5], "reset")

    def test_a_seq_above_the_head_is_refused(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a")])
        done = self.tandem("watch", server.url, "board:1", "--after", "99", "--json")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no seq 99", done.stderr)
        self.assertIn("newest is 1", done.stderr)

    def test_large_snapshots_and_signals_are_shown(self):
        server = self.start()
        for part in range(3):
            patch(server, "board:1", [put(f"extra{part}-{i}", i) for i in range(900)])
        done = self.tandem("watch", server.url, "board:1", "--after", "0", "--count", "2700", "--json")
        self.assertEqual(len(self.lines(done.stdout)), 2700)
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:1"}})
        next_of(client, "snapshot")
        watching = self.popen("watch", server.url, "board:1", "--json", "--count", "1")
        while len(request(server, "/api/v1/connections")[2]["connections"]) < 2 or \
                request(server, "/api/v1/channels")[2]["channels"][0]["subscribers"] < 2:
            pass
        client.send({"signal": {"channel": "board:1", "name": "ring", "value": {"by": "Ada"}}})
        line, = self.lines(watching.communicate(timeout=15)[0])
        self.assertEqual((line["op"], line["seq"], line["name"], line["value"]), ("signal", None, "ring", {"by": "Ada"}))
        self.assertEqual(watching.returncode, 0)


class Files(ProcessTest):
    def test_a_file_counts_once_however_often_it_is_written(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a"), put("votes", 5)])
        file = os.path.join(self.folder, "f.json")
        self.assertEqual(self.tandem("get", server.url, "board:1", "--file", file).returncode, 0)
        with open(file, encoding="utf-8") as text:
            read = json.load(text)
        self.assertEqual(read, {**record(server, "board:1"), "channel": "board:1"})
        read["value"]["votes"] = 8
        file = self.write_file("f.json", json.dumps(read))
        patch(server, "board:1", [{"op": "inc", "path": "votes", "value": 1}])
        first = json.loads(self.tandem("set", server.url, "board:1", "--file", file, "--json").stdout)
        # It holds what is there now, and the next edit begins with that.
        with open(file, encoding="utf-8") as text:
            self.assertEqual(json.load(text), {**record(server, "board:1"), "channel": "board:1"})
        # One whose answer was lost is sent again as it was.
        self.write_file("f.json", json.dumps(read))
        again = json.loads(self.tandem("set", server.url, "board:1", "--file", file, "--json").stdout)
        self.assertEqual(again, {**first, "duplicate": True})
        self.assertEqual(record(server, "board:1")["value"]["votes"], 9)
        same = self.write_file("same.json", json.dumps(record(server, "board:1")["value"]))
        done = self.tandem("set", server.url, "board:1", "--file", same)
        self.assertIn("nothing to change", done.stdout)
        self.assertIs(json.loads(self.tandem("set", server.url, "board:1", "--file", same, "--json").stdout)["unchanged"], True)
        negative = self.tandem("get", server.url, "board:1", "--at", "-1")
        self.assertEqual((negative.returncode, "--at" in negative.stderr), (2, True), negative.stderr)
        # Somebody else with the same edit means another one.
        other = self.write_file("g.json", json.dumps(read))
        self.assertEqual(self.tandem("set", server.url, "board:1", "--file", other).returncode, 0)
        self.assertEqual(record(server, "board:1")["value"]["votes"], 12)
        # And so does another edit of the same file.
        read["value"]["votes"] = 9
        self.write_file("f.json", json.dumps(read))
        self.assertEqual(self.tandem("set", server.url, "board:1", "--file", file).returncode, 0)
        self.assertEqual(record(server, "board:1")["value"]["votes"], 16)

    def test_a_file_may_bring_back_what_it_had_before(self):
        server = self.start()
        patch(server, "board:1", [put("light", "off")])
        file = os.path.join(self.folder, "light.json")
        self.tandem("get", server.url, "board:1", "--file", file)
        for light in ("on", "off", "on", "off"):
            with open(file, encoding="utf-8") as text:
                read = json.load(text)
            read["value"]["light"] = light
            self.write_file("light.json", json.dumps(read))
            done = self.tandem("set", server.url, "board:1", "--file", file)
            self.assertIn("stored as", done.stdout)
            self.assertEqual(record(server, "board:1")["value"], {"light": light})
        self.assertEqual(request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"], [])

    def test_a_large_record_goes_back_as_it_came(self):
        server = self.start()
        for i in range(24):
            patch(server, "board:1", [put(f"k{i}", "z" * 60_000)])
        file = os.path.join(self.folder, "large.json")
        self.tandem("get", server.url, "board:1", "--file", file)
        with open(file, encoding="utf-8") as text:
            read = json.load(text)
        read["value"]["k2"] = "y"
        self.write_file("large.json", json.dumps(read))
        done = self.tandem("set", server.url, "board:1", "--file", file)
        self.assertEqual((done.returncode, done.stdout), (0, "stored as 25\n"), done.stderr)
        self.assertEqual(record(server, "board:1")["value"]["k2"], "y")
        self.assertEqual(request(server, "/api/v1/channels/board:1/record", "PUT", b'"' + b"x" * (9 << 20) + b'"')[2]["error"]["code"], "too_large")

    def test_output_that_cannot_be_written_is_a_failure(self):
        server = self.start()
        with open("/dev/full", "w", encoding="utf-8") as full:
            for verb in (("get", server.url, "board:1"), ("channels", server.url), ("get", server.url, "board:1", "--json")):
                done = subprocess.run([BINARY, *verb], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
                self.assertEqual((done.returncode, "cannot be written" in done.stderr), (1, True), verb)

    def test_another_server_is_noticed(self):
        for body in (b"[]", b'{"seq":"a"}', b'{"seq":-1}', b"{}"):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                def answer(listener=listener, body=body):
                    peer, _ = listener.accept()
                    with peer:
                        peer.recv(65536)
                        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                        peer.recv(1)
                thread = threading.Thread(target=answer)
                thread.start()
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                done = self.tandem("set", url, "board:1", "title", '"x"')
                thread.join()
                self.assertEqual((done.returncode, done.stdout), (1, ""), body)

    def test_a_file_goes_back_to_where_it_came_from(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a"), put("votes", 5)])
        whole, part = (os.path.join(self.folder, name) for name in ("whole.json", "part.json"))
        self.tandem("get", server.url, "board:1", "--file", whole)
        self.tandem("get", server.url, "board:1", "title", "--file", part)
        done = self.tandem("set", server.url, "board:2", "--file", whole)
        self.assertEqual(done.returncode, 2)
        self.assertIn("board:1", done.stderr)
        done = self.tandem("set", server.url, "board:1", "--file", part)
        self.assertEqual(done.returncode, 2)
        self.assertIn("only the part title", done.stderr)
        self.assertEqual(record(server, "board:1")["value"], {"title": "a", "votes": 5})
        self.assertEqual(record(server, "board:2")["value"], {})

    def test_diff_of_empty_records_older_states_and_places(self):
        left, right = self.start(), self.start(data=os.path.join(self.folder, "other"))
        url, other = f"{left.url}/board:1", f"{right.url}/board:1"

        def diff(a, b):
            done = self.tandem("diff", a, b, "--json")
            self.assertIn(done.returncode, (0, 1), done.stderr)
            return [(row["path"], row.get("left"), row.get("right")) for row in json.loads(done.stdout)["differences"]]

        patch(left, "board:1", [put("title", "a")])
        self.assertEqual(diff(url, other), [("title", "a", None)])
        self.assertEqual(diff(url, self.write_file("empty.json", "{}")), [("title", "a", None)])
        patch(left, "board:1", [put("title", "b")])
        patch(left, "board:1", [{"op": "delete", "path": "title"}])
        self.assertEqual(diff(url, other), [])
        self.assertEqual(diff(url + "?at=1", url + "?at=2"), [("title", "a", "b")])
        self.assertEqual(diff(url + "?at=2", url), [("title", "b", None)])
        self.assertEqual(diff(url.removeprefix("http://") + "?at=2", url.removeprefix("http://")), [("title", "b", None)])
        self.tandem("versions", left.url, "board:1", "--save", "the first", "--at", "1")
        self.assertEqual(diff(url + "?version=the%20first", url + "?at=1"), [])
        for wrong in ("?at=x", "?seq=1", "?at=1&version=a"):
            self.assertEqual(self.tandem("diff", url + wrong, url).returncode, 2, wrong)
        # Cards that were made by writing into them have no position; in whatever way a list came to be, its order counts.
        patch(left, "board:1", [put("cards/@k1/text", "x"), put("cards/@k2/text", "y")])
        state = record(left, "board:1")["value"]
        request(right, "/api/v1/channels/board:1/record", "PUT", state)
        self.assertEqual(diff(url, other), [])
        patch(right, "board:1", [{"op": "move", "path": "cards/@k2", "at": "first"}, put("cards/@k1/text", "z")])
        found = diff(url, other)
        self.assertIn(("cards/@k1/text", "x", "z"), found)
        self.assertIn("cards/@k2", [row[0] for row in found])

    def test_places_in_the_table_of_conflicts(self):
        server = self.start()
        patch(server, "board:1", [{"op": "insert", "path": f"cards/@{name}", "at": "last"} for name in "abc"])
        for value in ("first", {"after": "b"}):
            body = {"base": 1, "ops": [{"op": "move", "path": "cards/@a" if value != "first" else "cards/@c", "at": value}]}
            request(server, "/api/v1/channels/board:1/record", "PATCH", body)
        request(server, "/api/v1/channels/board:1/record", "PATCH",
                {"base": 1, "ops": [{"op": "move", "path": "cards/@c", "at": {"before": "b"}}]})
        table = self.tandem("conflicts", server.url, "board:1", "--all").stdout
        self.assertIn("position", table)
        self.assertIn("(another place)", table)
        self.assertNotIn("null", table)
