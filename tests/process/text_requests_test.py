"""Texts over HTTP: reading, and edits of programs that have no document of their own."""

import json
import os
import subprocess
import urllib.request

from support import BINARY, ProcessTest, patch, put, request

TEXT = "/api/v1/channels/text:a/text"


class TextRequests(ProcessTest):
    def edit(self, server, edits, query="", **more):
        return request(server, TEXT + query, "POST", {"edits": edits, **more}, {"Content-Type": "application/json"})

    def read(self, server, form, query=""):
        return request(server, f"{TEXT}?as={form}{query}")[2]

    def update_of(self, server, query=""):
        with urllib.request.urlopen(server.url + TEXT + "?as=update" + query, timeout=15) as response:
            self.assertEqual(response.headers["Content-Type"], "application/octet-stream")
            return response.read()

    def send(self, server, update, query=""):
        return request(server, TEXT + query, "POST", update, {"Content-Type": "application/octet-stream"})

    def serve(self, *arguments):
        return self.start("--config", self.write_file("tandem.toml", "[namespaces.text]\n"), *arguments)

    def test_edits_are_read_back_after_a_restart(self):
        server = self.serve()
        self.assertEqual(self.edit(server, [{"append": "hello"}], root="t")[2]["seq"], 1)
        self.assertEqual(self.edit(server, [{"insert": {"index": 5, "text": " wörld 👋", "attributes": {"bold": True}}},
                                            {"delete": {"index": 0, "length": 1}}])[0], 200)
        self.edit(server, [{"delta": [{"retain": 1}, {"insert": "X"}, {"delete": 1}, {"insert": {"image": "a"}}]}])
        delta = [{"insert": "eX"}, {"insert": {"image": "a"}}, {"insert": "lo"},
                 {"insert": " wörld 👋", "attributes": {"bold": True}}]
        self.assertEqual(self.read(server, "delta"), delta)
        server.kill()
        server = self.serve()
        self.assertEqual(self.read(server, "delta"), delta)
        self.assertEqual(self.read(server, "text"), "eXlo wörld 👋")
        self.assertEqual(self.read(server, "json"), {"t": "eXlo wörld 👋"})
        # Edited on from there, by the same program as by another one.
        self.edit(server, [{"append": "."}], author={"name": "Agent"})
        self.edit(server, [{"append": "."}])
        self.assertEqual(self.read(server, "text"), "eXlo wörld 👋..")
        texts = request(server, "/api/v1/channels/text:a/texts")[2]["texts"]
        self.assertEqual([(row["name"], row["seq"]) for row in texts], [("main", 5)])

    def test_an_edit_is_written_whole_or_not_at_all(self):
        server = self.serve()
        self.edit(server, [{"append": "abc"}], root="t")
        status, _, answer = self.edit(server, [{"append": "d"}, {"insert": {"index": 99, "text": "x"}}])
        self.assertEqual((status, answer["error"]["code"], answer["error"]["detail"]), (400, "out_of_range", 4))
        status, _, answer = self.edit(server, [{"append": "d"}, {"insert": {"index": -1, "text": "x"}}])
        self.assertEqual((answer["error"]["code"], answer["error"]["detail"]), ("invalid_argument", 2))
        self.assertEqual(self.read(server, "text"), "abc")
        # A text that nothing was written to is not there.
        self.edit(server, [{"delete": {"index": 5, "length": 1}}], "?name=new", root="t")
        self.assertEqual(len(request(server, "/api/v1/channels/text:a/texts")[2]["texts"]), 1)

    def test_maps_lists_and_xml_are_edited_by_path(self):
        server = self.serve()
        self.edit(server, [{"set": {"key": "title", "value": "Plan"}}, {"set": {"key": "cards", "shared": [{"note": "a"}, 5]}},
                           {"set": {"key": "note", "shared": "hey"}}, {"append": {"path": ["note"], "text": "!"}},
                           {"insert": {"path": ["cards"], "index": 1, "values": [True, {"x": [1]}]}},
                           {"set": {"path": ["cards", 0], "key": "done", "value": None}}], root="m")
        self.edit(server, [{"delete": {"path": ["cards"], "index": 3, "length": 1}}, {"remove": {"key": "title"}}], root="m")
        self.assertEqual(self.read(server, "json"),
                         {"m": {"cards": [{"note": "a", "done": None}, True, {"x": [1]}], "note": "hey!"}})
        paragraph = {"name": "paragraph", "attributes": {"level": "1"}, "children": ["Hello", {"name": "image"}]}
        self.edit(server, [{"insert": {"index": 0, "xml": [paragraph]}}, {"append": {"path": [0, 0], "text": " you"}},
                           {"format": {"path": [0, 0], "index": 0, "length": 5, "attributes": {"em": {}}}},
                           {"set": {"path": [0], "key": "align", "value": "left"}}], "?name=xml", root="x")
        self.assertEqual(self.read(server, "xml", "&name=xml"),
                         '<paragraph align="left" level="1"><em>Hello</em> you<image></image></paragraph>')
        for edit, code in (({"set": {"path": ["cards"], "key": "a", "value": 1}}, "wrong_type"),
                           ({"append": "x"}, "wrong_type"), ({"set": {"path": ["none"], "key": "a", "value": 1}}, "not_found"),
                           ({"insert": {"path": ["cards"], "index": 9, "values": [1]}}, "out_of_range"),
                           ({"insert": {"path": ["cards"], "index": 0, "xml": ["a"]}}, "wrong_type"),
                           ({"set": {"key": "a"}}, "invalid_argument"), ({"set": {"path": [-1], "key": "a", "value": 1}}, "invalid_argument")):
            self.assertEqual(self.edit(server, [edit], root="m")[2]["error"]["code"], code, edit)

    def post(self, server, body):
        status, _, answer = request(server, TEXT, "POST", body, {"Content-Type": "application/json"})
        self.assertEqual(status, 400)
        return answer["error"]

    def test_a_body_that_is_not_taken_is_told_what_is_wrong_with_it(self):
        server = self.serve()
        deep = "[" * 200 + "]" * 200
        for body, code, words in ((b'{"edits":[', "malformed", "not JSON"), (b"", "malformed", "empty"),
                                  (b'{"edits":[{"append":"\xff"}]}', "malformed", "UTF-8"),
                                  (b'{"edits":[{"set":{"key":"a","value":{"__proto__":1}}}]}', "reserved_key", "reserved by JavaScript"),
                                  (b'{"edits":[{"set":{"key":"a","value":%s}}]}' % deep.encode(), "too_deep", "nested deeper")):
            error = self.post(server, body)
            self.assertEqual(error["code"], code, body[:40])
            self.assertIn(words, error["message"])
            self.assertEqual("not JSON" in error["message"], words == "not JSON", error)

    def test_an_edit_with_a_fault_is_told_which_member(self):
        server = self.serve()
        for edit, words in (({"insert": {"text": "x"}}, "needs `index`"), ({"delete": {"index": 0}}, "needs `length`"),
                            ({"insert": {"index": "0", "text": "x"}}, "`index` of insert of text must be a whole number"),
                            ({"set": {"key": "a", "shared": 5}}, "`shared` of set must be an object, an array or a string"),
                            ({"insert": {"index": 0, "shared": [5]}}, "`values`"), ({"prepend": "x"}, "no edit `prepend`")):
            error = self.edit(server, [{"append": "a"}, edit], root="t")[2]["error"]
            self.assertEqual((error["code"], error["detail"]), ("invalid_argument", 2))
            self.assertTrue(error["message"].startswith("Edit 2: ") and words in error["message"], error["message"])
        # In lists there are items, not units of text.
        self.edit(server, [{"insert": {"index": 0, "values": ["👋"]}}], root="l")
        error = self.edit(server, [{"insert": {"index": 2, "values": [1]}}], root="l")[2]["error"]
        self.assertEqual((error["code"], error["detail"]), ("out_of_range", 1))
        self.assertIn("1 position by then", error["message"])
        self.assertIn("a list one for each item", error["hint"])

    def test_a_root_may_have_an_empty_name(self):
        server = self.serve()
        self.assertEqual(self.edit(server, [{"append": "unnamed"}])[2]["error"]["code"], "not_found", "none is named")
        self.edit(server, [{"append": "unnamed"}], root="")
        self.edit(server, [{"append": "named"}], root="t")
        self.assertEqual(self.read(server, "json"), {"": "unnamed", "t": "named"})
        self.assertEqual(self.read(server, "text", "&root="), "unnamed")
        self.assertEqual(self.read(server, "text")["error"]["code"], "not_found", "it may be either")
        shown = self.tandem("text", "get", server.url, "text:a", "--root", "")
        self.assertEqual((shown.returncode, shown.stdout), (0, "unnamed\n"))
        error = self.tandem("text", "get", server.url, "text:a").stderr
        self.assertIn("--root", error)

    def test_edits_and_restores_on_a_condition(self):
        server = self.serve()
        json_type = {"Content-Type": "application/json"}
        self.edit(server, [{"append": "one"}], root="t")
        _, headers, _ = request(server, TEXT + "?as=text")
        seen = headers["ETag"]
        body = {"edits": [{"insert": {"index": 3, "text": " two"}}]}
        self.assertEqual(request(server, TEXT, "POST", body, {**json_type, "If-Match": seen})[0], 200)
        status, _, answer = request(server, TEXT, "POST", body, {**json_type, "If-Match": seen})
        self.assertEqual((status, answer["error"]["code"]), (412, "precondition_failed"))
        self.assertIn("text", answer["error"]["message"])
        restore = TEXT.removesuffix("text") + "text-restore"
        self.assertEqual(request(server, restore, "POST", {"at": 1}, {**json_type, "If-Match": seen})[0], 412)
        self.assertEqual(request(server, restore, "POST", {"at": 1}, {**json_type, "If-Match": "nonsense"})[0], 400)
        self.assertEqual(self.read(server, "text"), "one two")
        seen = request(server, TEXT + "?as=text")[1]["ETag"]
        self.assertEqual(request(server, restore, "POST", {"at": 1}, {**json_type, "If-Match": seen})[0], 200)
        self.assertEqual(self.read(server, "text"), "one")

    def test_the_limit_of_a_body_is_told_as_it_is(self):
        server = self.serve()
        status, _, answer = self.send(server, b"\0" * 17_000_000)
        self.assertEqual((status, answer["error"]["code"], answer["error"]["detail"]), (413, "too_large", 16 * 1024 * 1024))

    def test_numbers_and_files_of_the_command_line_are_bounded(self):
        for verb in (("text", "get", "localhost:1", "text:a", "--at", "-1"), ("get", "localhost:1", "text:a", "--at", "1.5")):
            done = self.tandem(*verb)
            self.assertNotIn(done.returncode, (0, 1))
            self.assertLess(len(done.stderr), 300)
            self.assertIn("no whole number of 0 or more", done.stderr)
        for more in ((), ("--max-bytes", "1000")):
            done = self.tandem("text", "json", "/dev/zero", *more)
            self.assertEqual(done.returncode, 1)
            self.assertIn("larger than " + (more[1] if more else str(64 * 1024 * 1024)), done.stderr)

    def test_updates_are_copied_and_missing_ones_refused(self):
        server = self.serve()
        self.edit(server, [{"append": "one"}], root="t")
        first = self.update_of(server)
        self.edit(server, [{"append": " two"}])
        both = self.update_of(server)
        self.assertEqual(self.send(server, first, "?name=copy")[2]["seq"], 3)
        self.assertEqual(self.send(server, first, "?name=copy")[2]["seq"], 3, "nothing new takes no seq")
        self.assertEqual(self.send(server, both, "?name=copy")[2]["seq"], 4)
        self.assertEqual(self.read(server, "text", "&name=copy"), "one two")
        self.assertEqual(self.update_of(server, "&name=copy"), both)
        self.assertEqual(self.send(server, b"\x01\x02\x03")[2]["error"]["code"], "malformed")
        # A struct that follows one which nobody has: client 9 from clock 5.
        missing = b"\x01\x01\x09\x05\x84\x09\x04\x01x\x00"
        status, _, answer = self.send(server, missing)
        self.assertEqual((status, answer["error"]["code"]), (400, "base_in_future"))

    def test_a_text_of_megabytes(self):
        server = self.serve()
        self.edit(server, [{"append": "x" * 3_000_000}], root="t")
        update = self.update_of(server)
        self.assertGreater(len(update), 3_000_000)
        self.assertEqual(self.send(server, update, "?name=copy")[0], 200)
        self.assertEqual(len(self.read(server, "text", "&name=copy")), 3_000_000)
        # Other addresses take no more than before.
        status, _, answer = request(server, "/api/v1/channels/text:a/record", "PATCH", b"[" + b" " * 2_000_000 + b"]")
        self.assertEqual((status, answer["error"]["code"]), (413, "too_large"))

    def test_export_and_import_have_the_texts(self):
        server = self.serve()
        self.edit(server, [{"append": "hello 👋"}], root="t")
        self.edit(server, [{"append": "notes"}], "?name=a%20b", root="t")
        patch(server, "text:both", [put("title", "x")])
        request(server, "/api/v1/channels/text:both/text", "POST", {"root": "t", "edits": [{"append": "z"}]})
        file = f"{self.folder}/all.jsonl"
        self.assertEqual(self.tandem("export", server.url, file).returncode, 0)
        other = self.start("--config", f"{self.folder}/tandem.toml", data=f"{self.folder}/other")
        self.assertEqual(self.tandem("import", other.url, file).stderr, "2 channels imported\n")
        self.assertEqual(self.update_of(other), self.update_of(server))
        self.assertEqual(self.read(other, "text", "&name=a%20b"), "notes")
        self.assertEqual(request(other, "/api/v1/channels/text:both/text")[2], {"t": "z"})
        self.assertEqual(self.tandem("import", other.url, file).stderr, "0 channels imported, 2 already there\n")
        # What was typed since stays.
        self.edit(other, [{"append": "!"}])
        self.assertEqual(self.tandem("import", other.url, file).stderr, "0 channels imported, 2 already there\n")
        self.assertEqual(self.read(other, "text"), "hello 👋!")

    def test_what_cannot_be_meant_is_refused(self):
        server = self.serve()
        self.edit(server, [{"append": "x"}], root="a")
        self.edit(server, [{"append": "y"}], root="b")
        self.assertEqual(self.read(server, "text")["error"]["code"], "not_found")
        self.assertEqual(self.read(server, "text", "&root=b"), "y")
        self.assertEqual(self.read(server, "json", "&root=b"), {"b": "y"})
        self.assertEqual(self.edit(server, [{"append": "z"}])[2]["error"]["code"], "not_found")
        self.assertEqual(self.read(server, "xml", "&root=b")["error"]["code"], "wrong_type")
        self.assertEqual(self.edit(server, [], author={"nam": "x"})[2]["error"]["code"], "invalid_argument")
        self.assertEqual(self.edit(server, [], color="x")[2]["error"]["code"], "invalid_argument")


class TextVerbs(ProcessTest):
    """`tandem text list|get|edit` on a running server."""

    def text(self, verb, *arguments, code=0, standard_input=None):
        done = subprocess.run([BINARY, "text", verb, self.server.url, "text:room", *arguments], input=standard_input,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout if code == 0 else done.stderr.decode()

    def test_a_text_is_written_and_read(self):
        self.server = self.start()
        self.assertEqual(json.loads(self.text("list", "--json")), {"texts": []})
        self.assertEqual(self.text("edit", "--root", "t", "--append", "Hello world", "--author", "Agent"), b"stored as 1\n")
        self.assertEqual(json.loads(self.text("edit", "--delete", "0", "5", "--insert", "0", "HELLO", "--json")), {"seq": 2})
        self.text("edit", "--append", "-", standard_input=b" and more")
        self.text("edit", "--edits", '[{"append":"!"}]', "--name", "second", "--root", "t")
        self.assertEqual(self.text("get"), b"HELLO world and more\n")
        self.assertEqual(json.loads(self.text("get", "--as", "json")), {"t": "HELLO world and more"})
        self.assertEqual(self.text("get", "--name", "second"), b"!\n")
        self.assertEqual([row["name"] for row in json.loads(self.text("list", "--json"))["texts"]], ["main", "second"])
        self.assertIn(b"second", self.text("list"))
        # An update goes out to a file and into another text.
        file = os.path.join(self.folder, "main.yjs")
        self.text("get", "--as", "update", "--file", file)
        with open(file, "rb") as update:
            self.assertEqual(self.text("get", "--as", "update"), update.read())
        self.text("edit", "--update", file, "--name", "copy")
        self.assertEqual(self.text("get", "--name", "copy"), b"HELLO world and more\n")
        self.assertIn(b"nothing to change", self.text("edit", "--update", file))
        self.text("edit", "--author", "Agent", "--leaves")

    def test_what_is_wrong_is_said(self):
        self.server = self.start()
        self.text("edit", "--root", "t", "--append", "four")
        for arguments, code, word in (((), 2, "nothing to edit"), (("--insert", "x", "y"), 2, "position"), (("--edits", "{}"), 2, "array"),
                                      (("--delete", "3", "5"), 1, "out_of_range"), (("--leaves",), 2, "--author"),
                                      (("--update", self.folder + "/none"), 1, "cannot read")):
            self.assertIn(word, self.text("edit", *arguments, code=code))
        self.assertIn("not_found", self.text("get", "--name", "none", code=1))
        self.assertIn("--as", self.text("get", "--as", "html", code=2))
        self.assertEqual(self.text("get"), b"four\n")
