"""Another strategy for a field, while it has values in conflict: the server starts anew with another configuration."""

from support import ProcessTest, next_of, put, record, request

CHANNEL = "board:1"
ROUNDS = [("lww", "lww"), ("mean", "text3"), ("max", "manual"), ("manual", "text3"), ("min", "agent"), ("agent", "lww"), ("mean", "text3")]


def conflicts(server):
    rows = request(server, f"/api/v1/channels/{CHANNEL}/conflicts")[2]["conflicts"]
    return {(row["path"], row["reason"], tuple(row["dot"])): row["value"] for row in rows}


class Follower:
    """A JSON client that applies what it is sent, and comes back with its cursor."""

    def __init__(self):
        self.value, self.rows, self.cursor = {}, {}, None

    def follow(self, client, head):
        subscribe = {"channel": CHANNEL}
        if self.cursor is not None:
            subscribe["after"] = self.cursor
        client.send({"subscribe": subscribe})
        while self.cursor is None or self.cursor["seq"] < head:
            message = client.receive()
            if "snapshot" in message:
                snapshot = message["snapshot"]
                if self.cursor is not None:
                    raise AssertionError("the history was taken for another one")
                self.value = dict(snapshot["value"])
                self.cursor = {"epoch": snapshot["epoch"], "seq": snapshot["seq"]}
                self.apply(snapshot["changes"])
            for name in ("entries", "diff"):
                if name in message:
                    self.apply(message[name].get("changes", []))
                    self.cursor["seq"] = message[name]["to"]

    def apply(self, changes):
        for change in changes:
            if change["change"] == "value":
                self.value[change["path"]] = change["value"]
            elif change["change"] in ("conflict", "no_conflict"):
                key = (change["path"], change["reason"], tuple(change["dot"]))
                self.rows.pop(key, None)
                if change["change"] == "conflict":
                    self.rows[key] = change["value"]


class Strategy(ProcessTest):
    def config(self, number, text):
        return self.write_file(f"{number}-{text}.toml",
                               "[namespaces.board.fields]\n"
                               f'n = {{ type = "number", resolver = "{number}" }}\n'
                               f's = {{ type = "string", resolver = "{text}" }}\n')

    def push(self, client, base, number, text):
        client.send({"push": {"channel": CHANNEL, "base": base, "ops": [put("n", number), put("s", text)]}})
        return next_of(client, "ack")["seq"]

    def test_another_strategy_over_the_same_siblings_corrupts_nothing(self):
        follower = Follower()
        texts = ["the red car stops here", "the blue car stops here", "the red van stops here", "the red car stops there"]
        seen, before, rows_before, written = 0, None, None, []
        for turn, (number, text) in enumerate(ROUNDS):
            server = self.start("-c", self.config(number, text))
            if before is not None:
                # Nothing is written: what was shown stands, and so do the rows.
                self.assertEqual(record(server, CHANNEL), before)
                self.assertEqual(conflicts(server), rows_before)
            client, reader = self.connect(server), self.connect(server)
            first = self.push(client, seen, -1 - turn, texts[0])
            follower.follow(reader, first)
            self.assertEqual((follower.value, follower.rows), (record(server, CHANNEL)["value"], conflicts(server)))
            for i in (1, 2, 3):
                head = self.push(client, first, 10 * turn + i, texts[i])
                written.append(10 * turn + i)
            follower.follow(self.connect(server), head)
            before, rows_before = record(server, CHANNEL), conflicts(server)
            self.assertEqual((before["seq"], follower.value), (head, before["value"]))
            self.assertEqual(follower.rows, rows_before)
            self.check_shown(number, text, turn, before["value"], rows_before)
            # After every other turn its values are still there, unseen, when the next strategy begins.
            seen = head if turn % 2 == 0 else first
            server.stop()
        server = self.start("-c", self.config("lww", "lww"))
        entries = request(server, f"/api/v1/channels/{CHANNEL}/entries?limit=1000")[2]["entries"]
        logged = [op["value"] for entry in sorted(entries, key=lambda entry: entry["seq"]) for op in entry["ops"] if op["path"] == "n"]
        self.assertEqual([value for value in logged if value in written], written)
        client = self.connect(server)
        head = self.push(client, before["seq"], 1, "decided")
        self.assertEqual(record(server, CHANNEL)["value"], {"n": 1, "s": "decided"})
        self.assertEqual(conflicts(server), {})
        follower.follow(self.connect(server), head)
        self.assertEqual((follower.value, follower.rows), ({"n": 1, "s": "decided"}, {}))

    def check_shown(self, number, text, turn, value, rows):
        numbers = [10 * turn + i for i in (1, 2, 3)]
        if number == "mean" and turn == 1:
            self.assertEqual(value["n"], sum(numbers) / 3)
        if number in ("max", "mean"):
            self.assertFalse([key for key in rows if key[0] == "n"])
        if text == "text3" and turn == 1:
            self.assertEqual(value["s"], "the blue van stops there")
        if text in ("lww", "manual", "agent"):
            self.assertIn(value["s"], ["the blue car stops here", "the red van stops here", "the red car stops there"])
            self.assertTrue([key for key in rows if key[0] == "s"])
