"""Whole objects: written, read, edited in a file, compared."""

import json
import os

from support import ProcessTest, patch, put, record, request


class States(ProcessTest):
    def replace(self, server, channel, state, query="", headers=None):
        return request(server, f"/api/v1/channels/{channel}/record{query}", "PUT", state, headers)

    def diff(self, left, right, *flags):
        done = self.tandem("diff", left, right, *flags)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout) if "--json" in flags else done.stdout

    def metric(self, server, name):
        text = request(server, "/metrics")[2]
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith(f"tandem_{name} ")))

    def test_a_whole_object_writes_what_differs(self):
        server = self.start()
        status, headers, answer = self.replace(server, "board:1", {"title": "Plan", "votes": 3, "labels": ["p", "q"],
                                                                   "cards": [{"id": "a", "text": "x"}, {"id": "b"}]})
        self.assertEqual((status, answer), (200, {"seq": 1}))
        etag = headers["ETag"]
        read = record(server, "board:1")
        patch(server, "board:1", [{"op": "inc", "path": "votes", "value": 1}, put("cards/@a/text", "y")])
        # Both the one who says what it read, and the one who does so as a condition, keep others' edits.
        edited = {**read["value"], "title": "Other", "votes": 5}
        self.assertEqual(self.replace(server, "board:1", edited, "?base=1")[2], {"seq": 3})
        self.assertEqual(record(server, "board:1")["value"]["votes"], 6)
        self.assertEqual(record(server, "board:1")["value"]["cards"][0]["text"], "y")
        status, _, answer = self.replace(server, "board:1", edited, headers={"If-Match": etag})
        self.assertEqual((status, answer["error"]["code"]), (412, "precondition_failed"))
        self.assertEqual(self.replace(server, "board:1", edited, "?base=x")[0], 400)
        self.assertEqual(self.replace(server, "board:1", [])[0], 400)

    def test_a_large_state_is_written_in_several_entries_or_not_at_all(self):
        server = self.start()
        state = {f"extra{i}": {"a": i, "b": [i]} for i in range(2500)}
        state["cards"] = [{"id": f"c{i}", "text": "t"} for i in range(300)]
        status, headers, answer = self.replace(server, "board:1", state, headers={"Idempotency-Key": "k"})
        self.assertEqual(status, 200, answer)
        self.assertGreater(answer["seq"], 2)
        self.assertEqual(record(server, "board:1")["value"], state)
        self.assertEqual(record(server, "board:1")["seq"], answer["seq"])
        again = self.replace(server, "board:1", state, headers={"Idempotency-Key": "k"})[2]
        self.assertEqual(again, {"seq": answer["seq"], "duplicate": True})
        self.assertEqual(request(server, "/api/v1/channels/board:1/conflicts?all=1")[2]["conflicts"], [])
        # Half of it changes, and somebody else has written one of these.
        other = {**{name: "text" for name in state if name != "cards"}, "cards": state["cards"][::-1]}
        patch(server, "board:1", [put("extra7", "theirs")])
        before = record(server, "board:1")
        status, _, refused = self.replace(server, "board:1", other, headers={"If-Match": headers["ETag"]})
        self.assertEqual((status, refused["error"]["code"]), (412, "precondition_failed"))
        self.assertEqual(record(server, "board:1"), before)
        # A wrong one among them: nothing of it either.
        status, _, refused = self.replace(server, "board:1", {**other, "title": 5})
        self.assertEqual((status, refused["error"]["code"]), (400, "wrong_type"))
        self.assertEqual(record(server, "board:1"), before)
        # As one who read the first state: the other's write crosses it.
        base = answer["seq"]
        self.assertEqual(self.replace(server, "board:1", other, f"?base={base}")[0], 200)
        rows = request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"]
        self.assertEqual([row["path"] for row in rows], ["extra7"])
        self.assertEqual(self.replace(server, "board:1", other)[0], 200)
        self.assertEqual(record(server, "board:1")["value"], other)

    def test_the_same_order_from_two_programs_crosses_nothing(self):
        server = self.start()
        cards = [{"id": name, "text": name} for name in "abcdef"]
        self.replace(server, "board:1", {"cards": cards})
        base = record(server, "board:1")["seq"]
        order = [cards[i] for i in (3, 0, 5, 1, 2, 4)] + [{"id": "new"}]
        for _ in range(2):
            self.assertEqual(self.replace(server, "board:1", {"cards": order}, f"?base={base}")[0], 200)
        self.assertEqual([c["id"] for c in record(server, "board:1")["value"]["cards"]], [c["id"] for c in order])
        self.assertEqual(request(server, "/api/v1/channels/board:1/conflicts")[2]["conflicts"], [])

    def test_a_state_that_changes_nothing_costs_no_entry_and_no_hash(self):
        server = self.start()
        state = {"title": "Plan", "cards": [{"id": "a"}]}
        self.replace(server, "board:1", state)
        hashes = self.metric(server, "record_hashes_total")
        for _ in range(5):
            self.assertEqual(self.replace(server, "board:1", state)[2], {"seq": 1, "unchanged": True})
        self.assertEqual(self.metric(server, "record_hashes_total"), hashes)
        self.assertEqual(self.metric(server, "record_unchanged_total"), 5)

    def test_a_file_that_get_wrote_goes_back_edited(self):
        server = self.start()
        self.tandem("set", server.url, "board:1", "title", '"Plan"')
        read = json.loads(self.tandem("get", server.url, "board:1", "--json").stdout)
        self.tandem("set", server.url, "board:1", "votes", "3")
        read["value"]["note"] = "mine"
        done = self.tandem("set", server.url, "board:1", "--file", self.write_file("f.json", json.dumps(read)), "--json")
        self.assertEqual(json.loads(done.stdout), {"seq": 3})
        self.assertEqual(record(server, "board:1")["value"], {"title": "Plan", "votes": 3, "note": "mine"})
        done = self.tandem("set", server.url, "board:1", "--file", self.write_file("g.json", '{"title":"New"}'))
        self.assertEqual(done.stdout, "stored as 4\n")
        self.assertEqual(record(server, "board:1")["value"], {"title": "New"})
        for wrong in (["title"], ["title", "1", "--file", "f"], ["--file", os.path.join(self.folder, "none")], []):
            self.assertEqual(self.tandem("set", server.url, "board:1", *wrong).returncode, 2)

    def test_diff_of_two_servers_that_share_no_history(self):
        left, right = self.start(), self.start(data=os.path.join(self.folder, "other"))
        state = {f"f{i}": i for i in range(400)}
        for server in (left, right):
            self.replace(server, "board:1", state)
        a, b = f"{left.url}/board:1", f"{right.url}/board:1"
        code, answer = self.diff(a, b, "--json")
        self.assertEqual((code, answer), (0, {"equal": True, "differences": []}))
        patch(right, "board:1", [put("f7", "seven"), {"op": "delete", "path": "f8"}, put("new", 1)])
        code, answer = self.diff(a, b, "--json")
        self.assertEqual(code, 1)
        self.assertEqual(answer["differences"], [
            {"path": "f7", "left": 7, "right": "seven", "newer": "right"},
            {"path": "f8", "left": 8}, {"path": "new", "right": 1}])
        table = self.diff(a, b)[1].splitlines()
        self.assertEqual(table[0].split(), ["FIELD", "LEFT", "RIGHT", "NEWER"])
        self.assertEqual(table[1].split(), ["f7", "7", '"seven"', "right"])

    def test_an_equal_record_costs_one_request_however_large(self):
        server = self.start()
        for part in range(4):
            patch(server, "board:1", [put(f"p{part}/f{i}", i) for i in range(900)])
        url = f"{server.url}/board:1"
        self.assertEqual(self.diff(url, url)[0], 0)
        hashes = self.metric(server, "record_hashes_total")
        code, text = self.diff(url, f"{server.url}/api/v1/channels/board:1/record")
        self.assertEqual((code, text), (0, "The records show the same.\n"))
        self.assertEqual(self.metric(server, "record_hashes_total"), hashes)

    def test_diff_with_files(self):
        server = self.start()
        self.replace(server, "board:1", {"title": "Plan", "cards": [{"id": "a", "t": 1}, {"id": "b", "t": 2}]})
        url = f"{server.url}/board:1"
        same = self.write_file("same.json", self.tandem("get", server.url, "board:1", "--json").stdout)
        other = self.write_file("other.json", json.dumps({"title": "Plan", "cards": [{"id": "b", "t": 2}, {"id": "a", "t": 5}]}))
        self.assertEqual(self.diff(url, same)[0], 0)
        code, answer = self.diff(same, other, "--json")
        self.assertEqual(code, 1)
        self.assertEqual([row["path"] for row in answer["differences"]], ["cards/@a", "cards/@a/t", "cards/@b"])
        self.assertEqual(self.diff(other, url, "--json")[1]["differences"][1], {"path": "cards/@a/t", "left": 5, "right": 1})

    def test_diff_in_trouble(self):
        server = self.start()
        for wrong in (server.url, f"{server.url}/", f"{server.url}/nowhere:1", "http://127.0.0.1:1/board:1",
                      os.path.join(self.folder, "none.json")):
            done = self.tandem("diff", f"{server.url}/board:1", wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertTrue(done.stderr.startswith("tandem: "), done.stderr)
