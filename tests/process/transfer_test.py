"""Export and import of channels, interrupted, repeated, and onto what others have edited since."""

import json
import os

from support import ProcessTest, next_of, patch, put, record, request


class Transfer(ProcessTest):
    def heads(self, server):
        return {row["name"]: row["head"] for row in request(server, "/api/v1/channels?limit=1000")[2]["channels"]}

    def read(self, path):
        with open(path, encoding="utf-8") as text:
            return text.read()

    def test_export_and_import(self):
        server = self.start()
        clients = [self.connect(server) for _ in range(2)]
        for client, value in zip(clients, ("one", "two")):
            client.send({"push": {"channel": "board:a", "base": 0, "ops": [put("title", value)]}})
            next_of(client, "ack")
        patch(server, "board:a", [
            put("votes", 7), put("tags", ["x", "y"]), {"op": "assign", "path": "empty", "value": {}},
            {"op": "insert", "path": "cards/@1", "at": "last", "value": {"text": "first"}},
            {"op": "insert", "path": "cards/@2", "at": "first", "value": {"text": "second", "done": True}}])
        for number in range(120):
            patch(server, f"board:m{number:03}", [put("title", str(number))])
        # Each op is judged by itself, however many there are.
        patch(server, "board:large", [put(f"extra{number}", {"a": number, "b": [number]}) for number in range(1000)])
        patch(server, "board:large", [
            {"op": "insert", "path": f"cards/@{number}", "at": "last", "value": {"text": "t", "done": False}}
            for number in range(400)])
        file = os.path.join(self.folder, "all.jsonl")
        self.assertEqual(self.tandem("export", server.url, file).returncode, 0)
        with open(file, encoding="utf-8") as lines:
            whole = lines.read()
        self.assertEqual(len(whole.splitlines()), 124)
        # Interrupted in the middle of a line: started again, it is the same.
        with open(file, "w", encoding="utf-8") as out:
            out.write(whole[:len(whole) // 2])
        self.assertEqual(self.tandem("export", server.url, file).returncode, 0)
        with open(file, encoding="utf-8") as lines:
            self.assertEqual(lines.read(), whole)
        other = self.start(data=os.path.join(self.folder, "other"))
        done = self.tandem("import", other.url, file)
        self.assertEqual((done.returncode, done.stderr), (0, "122 channels imported\n"))
        heads = self.heads(other)
        done = self.tandem("import", other.url, file)
        self.assertEqual((done.returncode, done.stderr), (0, "0 channels imported, 122 already there\n"))
        self.assertEqual(self.heads(other), heads, "what is there already is not written again")
        for name in ("board:a", "board:large", "board:m000", "board:m119"):
            self.assertEqual(record(other, name)["value"], record(server, name)["value"])
        mine, theirs = (request(s, "/api/v1/channels/board:a/conflicts")[2]["conflicts"] for s in (server, other))
        self.assertEqual([(r["path"], r["value"]) for r in mine], [(r["path"], r["value"]) for r in theirs])
        self.assertEqual(len(mine), 1)
        refused = self.tandem("import", other.url, __file__)
        self.assertEqual(refused.returncode, 1)

    def test_a_finished_export_is_not_taken_for_an_interrupted_one(self):
        server = self.start()
        patch(server, "board:a", [put("title", "one")])
        file = os.path.join(self.folder, "all.jsonl")
        self.assertEqual(self.tandem("export", server.url, file).stderr, "1 channel exported\n")
        finished = self.read(file)
        patch(server, "board:b", [put("title", "two")])
        for flags in ([], ["--prefix", "board:b"]):
            refused = self.tandem("export", server.url, file, *flags)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("finished export", refused.stderr)
            self.assertIn("--overwrite", refused.stderr)
            self.assertEqual(self.read(file), finished)
        self.assertEqual(self.tandem("export", "http://127.0.0.1:1", file, "--overwrite").returncode, 1)
        self.assertEqual(self.read(file), finished, "it stays until there is a new one")
        done = self.tandem("export", server.url, file, "--overwrite", "--prefix", "board:b")
        self.assertEqual((done.returncode, done.stderr), (0, "1 channel exported\n"))
        self.assertIn("two", self.read(file))
        self.assertNotIn("one", self.read(file))
        for text in ("not an export\n", "not an export", '{"title":"somebody\'s"}', '{"title":"somebody\'s"}\n'):
            other = self.write_file("notes.txt", text)
            self.assertEqual(self.tandem("export", server.url, other).returncode, 1, text)
            self.assertEqual(self.read(other), text)
        for text in ("", '{"form'):
            begun = self.write_file("begun.jsonl", text)
            self.assertEqual(self.tandem("export", server.url, begun, "--prefix", "board:b").returncode, 0, text)
            self.assertEqual(self.read(begun), self.read(file))

    def test_only_the_same_export_is_continued(self):
        server = self.start()
        for name in ("board:a", "board:b", "text:c"):
            patch(server, name, [put("title", name)])
        whole = self.tandem("export", server.url, "-").stdout
        lines = whole.splitlines(keepends=True)
        file = self.write_file("all.jsonl", "".join(lines[:2]) + lines[2][:20])
        refused = self.tandem("export", server.url, file, "--prefix", "board:")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("an interrupted export of", refused.stderr)
        elsewhere = self.start(data=os.path.join(self.folder, "elsewhere"))
        self.assertEqual(self.tandem("export", elsewhere.url, file).returncode, 1)
        self.assertEqual(self.read(file), "".join(lines[:2]) + lines[2][:20])
        self.assertEqual(self.tandem("export", server.url.replace("127.0.0.1", "localhost"), file).returncode, 0)
        self.assertEqual(self.read(file), whole)

    def test_an_import_leaves_newer_edits(self):
        server, other = self.start(), self.start(data=os.path.join(self.folder, "other"))
        for name in ("board:a", "board:b", "board:c"):
            patch(server, name, [put("title", name), put("votes", 5), put("tags", ["x"]),
                                 {"op": "insert", "path": "cards/@1", "at": "last", "value": {"text": "t"}},
                                 put("cards/@2/text", "no place of its own")])
        file = os.path.join(self.folder, "all.jsonl")
        self.tandem("export", server.url, file)
        self.assertEqual(self.tandem("import", other.url, file).returncode, 0)
        self.assertEqual(record(other, "board:a")["value"], record(server, "board:a")["value"])
        patch(other, "board:a", [put("title", "newer"), {"op": "inc", "path": "votes", "value": 1}])
        patch(other, "board:b", [{"op": "delete", "path": "cards/@1"}])
        before = self.heads(other)
        done = self.tandem("import", other.url, file, "--json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("board:a is left as it is", done.stderr)
        self.assertIn("--overwrite", done.stderr)
        self.assertIn("0 channels imported, 1 already there, 2 left as they were", done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(row["channel"], row["outcome"]) for row in rows],
                         [("board:a", "kept"), ("board:b", "kept"), ("board:c", "present")])
        self.assertEqual(self.heads(other), before)
        done = self.tandem("import", other.url, file, "--overwrite")
        self.assertEqual((done.returncode, done.stderr), (0, "2 channels imported, 1 already there\n"))
        for name in before:
            self.assertEqual(record(other, name)["value"], record(server, name)["value"])
        after = self.heads(other)
        self.assertEqual(self.tandem("import", other.url, file).returncode, 0)
        self.assertEqual(self.heads(other), after)

    def test_overwriting_makes_any_state_of_any_other(self):
        server, other = self.start(), self.start(data=os.path.join(self.folder, "other"))
        states = [
            {"extra": {"a": 1, "b": {"c": [1, 2]}}, "cards": [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}],
             "tags": ["p", "q"], "votes": 3, "more": {}},
            {"extra": "text", "cards": [{"id": "2", "text": "z"}, {"id": "1"}, {"id": "3", "text": "n"}],
             "tags": ["q", "r"], "votes": -1, "more": {"deep": {"er": True}}},
            {"extra": {"b": 7}, "list": [{"id": "a", "in": {"x": 1}}], "title": "only"},
            {"list": {"a": {"in": 2}}, "title": "map"},
            {},
        ]
        for number, state in enumerate(states):
            request(server, f"/api/v1/channels/board:s{number}/record", "PUT", state)
        file = os.path.join(self.folder, "all.jsonl")
        for at, wanted in enumerate(states):
            self.tandem("export", server.url, file, "--overwrite", "--prefix", f"board:s{at}")
            lines = self.read(file)
            for now, state in enumerate(states):
                name = f"board:from{now}to{at}"
                request(other, f"/api/v1/channels/{name}/record", "PUT", {**state, "foreign": 1})
                one = self.write_file("one.jsonl", lines.replace(f"board:s{at}", name))
                done = self.tandem("import", other.url, one, "--overwrite")
                self.assertEqual(done.returncode, 0, done.stderr)
                if wanted:
                    self.assertEqual(record(other, name)["value"], wanted, name)

    def test_an_import_that_was_interrupted_goes_on(self):
        server, other = self.start(), self.start(data=os.path.join(self.folder, "other"))
        clients = [self.connect(server) for _ in range(2)]
        for client, value in zip(clients, ("one", "two")):
            client.send({"push": {"channel": "board:a", "base": 0, "ops": [put("title", value)]}})
            next_of(client, "ack")
        patch(server, "board:a", [put(f"extra{number}", number) for number in range(900)])
        file = os.path.join(self.folder, "all.jsonl")
        self.tandem("export", server.url, file)
        rows = request(server, "/api/v1/channels/board:a/conflicts")[2]["conflicts"]
        # The first pieces of it: the value in conflict, and some fields.
        body = {"base": 0, "ops": [put("title", rows[0]["value"])]}
        request(other, "/api/v1/channels/board:a/record", "PATCH", body)
        body = {"base": 0, "ops": [put(f"extra{number}", number) for number in range(400)]}
        request(other, "/api/v1/channels/board:a/record", "PATCH", body)
        self.assertEqual(self.tandem("import", other.url, file).returncode, 0)
        self.assertEqual(record(other, "board:a")["value"], record(server, "board:a")["value"])
        again = request(other, "/api/v1/channels/board:a/conflicts")[2]["conflicts"]
        self.assertEqual([(r["path"], r["value"]) for r in again], [(r["path"], r["value"]) for r in rows])

    def test_files_that_are_no_whole_export(self):
        server = self.start()
        patch(server, "board:a", [put("title", "a")])
        whole = self.tandem("export", server.url, "-").stdout.splitlines()
        for text, words in (("", "empty"), ("{broken", "this is no export"), (whole[0] + "\n{broken\n", "line 2 is not JSON"),
                            ('{"format":"tandem-export-99"}\n', "unknown format"),
                            ("\n".join(whole[:-1]) + "\n", "was interrupted"),
                            (whole[0] + '\n{"a":1}\n', "line 2 is no channel")):
            refused = self.tandem("import", server.url, self.write_file("wrong.jsonl", text))
            self.assertEqual(refused.returncode, 1, text)
            self.assertIn(words, refused.stderr)
        former = ['{"format":"tandem-export-1"}', whole[1]]
        self.assertEqual(self.tandem("import", server.url, self.write_file("old.jsonl", "\n".join(former))).returncode, 0)
