"""Looking back over HTTP and on the command line, versions and conflicts."""

import json
import os
import signal
import subprocess
import time

from support import ProcessTest, next_of, patch, put, record, request

CHANNEL = "/api/v1/channels/board:1"


def post(server, path, body, headers=None):
    return request(server, path, "POST", body, {"Content-Type": "application/json", **(headers or {})})


class History(ProcessTest):
    def test_the_past_by_seq_and_by_name(self):
        server = self.start("--retention.entries", "10", "--retention.snapshot_every_entries", "5")
        for number in range(1, 61):
            self.assertEqual(patch(server, "board:1", [put("title", f"t{number}")])[0], 200)
            if number == 3:
                self.assertEqual(post(server, CHANNEL + "/versions", {"name": "third"})[2], {"seq": 3})
        head = record(server, "board:1")["seq"]
        near = json.loads(self.tandem("get", server.url, "board:1", "--at", str(head - 5), "--json").stdout)
        self.assertEqual(near["seq"], head - 5)
        gone = request(server, CHANNEL + "/record?at=1")
        self.assertEqual((gone[0], gone[2]["error"]["code"]), (410, "state_gone"))
        oldest = gone[2]["error"]["detail"]
        self.assertEqual(request(server, CHANNEL + f"/record?at={oldest}")[0], 200)
        refused = self.tandem("get", server.url, "board:1", "--at", "1")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"({oldest})", refused.stderr)
        # A version outlives the log, a crash and a backup.
        backup = os.path.join(self.folder, "copy.db")
        self.assertEqual(self.tandem("backup", backup, "--data", self.data, "--json").returncode, 0)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        restored = os.path.join(self.folder, "restored")
        os.mkdir(restored)
        self.assertEqual(self.tandem("restore", backup, "--data", restored).returncode, 0)
        for data in (self.data, restored):
            again = self.start(data=data)
            got = self.tandem("get", again.url, "board:1", "title", "--version", "third")
            self.assertEqual(got.stdout, '"t3"\n', got.stderr)
            reverted = self.tandem("revert", again.url, "board:1", "--version", "third", "--json")
            self.assertGreater(json.loads(reverted.stdout)["seq"], head)
            self.assertEqual(record(again, "board:1")["value"], {"title": "t3"})
            again.stop()

    def test_the_newest_rows(self):
        server = self.start()
        for number in range(1, 6):
            patch(server, "board:1", [put("title", f"t{number}"), put("note", number)])
        # Entries that change nothing have no rows, and one entry may have many.
        for _ in range(3):
            patch(server, "board:1", [put("title", "t5")])
        def newest(limit):
            listed = self.tandem("history", server.url, "board:1", "--limit", str(limit), "--json")
            return [(row["seq"], row["path"]) for row in map(json.loads, listed.stdout.splitlines())]
        self.assertEqual(newest(1), [(5, "note")])
        self.assertEqual(newest(3), [(4, "note"), (5, "title"), (5, "note")])
        self.assertEqual(len(newest(100)), 10)
        many = [put(f"x/k{number:03}", number) for number in range(300)]
        patch(server, "board:1", many)
        self.assertEqual(newest(2), [(9, "x/k298"), (9, "x/k299")])

    def test_who_changed_what(self):
        server = self.start()
        client = self.connect(server)
        client.send({"push": {"channel": "board:1", "counter": 1, "ops": [put("title", "one")]}})
        next_of(client, "ack")
        patch(server, "board:1", [put("title", "two"), {"op": "inc", "path": "votes", "value": 2}])
        rows = request(server, CHANNEL + "/changes")[2]["changes"]
        self.assertEqual([(r["seq"], r["path"], r.get("before"), r.get("after")) for r in rows],
                         [(1, "title", None, "one"), (2, "title", "one", "two"), (2, "votes", None, 2)])
        self.assertLess(abs(rows[0]["when_ms"] - time.time() * 1000), 60_000)
        self.assertNotEqual(rows[0]["by"], 1)
        self.assertEqual(rows[1]["by"], 1)
        pages, start = [], 0
        while start is not None:
            page = request(server, CHANNEL + f"/changes?from={start}&limit=1")[2]
            pages += page["changes"]
            start = page["next"]
        self.assertEqual(pages, rows)
        table = self.tandem("history", server.url, "board:1").stdout.splitlines()
        self.assertEqual(table[0].split(), ["SEQ", "WHEN", "BY", "OP", "PATH", "BEFORE", "AFTER"])
        self.assertIn("http", table[2])
        lines = self.tandem("history", server.url, "board:1", "--from", "1", "--json").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in lines], rows[1:])

    def test_a_restored_value_and_one_written_offline_cross(self):
        server = self.start()
        client = self.connect(server)
        patch(server, "board:1", [put("title", "old")])
        patch(server, "board:1", [put("title", "new")])
        self.assertEqual(post(server, CHANNEL + "/restore", {"at": 1})[2]["seq"], 3)
        self.assertEqual(post(server, CHANNEL + "/restore", {"at": 1})[2], {"seq": 3, "unchanged": True})
        client.send({"push": {"channel": "board:1", "base": 2, "ops": [put("title", "offline")]}})
        next_of(client, "ack")
        rows = request(server, CHANNEL + "/conflicts")[2]["conflicts"]
        self.assertEqual({rows[0]["value"], rows[0]["shown"]}, {"old", "offline"})
        tag = request(server, CHANNEL + "/record?at=3")[1]["ETag"]
        self.assertEqual(post(server, CHANNEL + "/restore", {"at": 1}, {"If-Match": tag})[0], 412)

    def test_a_restore_touches_what_it_changes_and_no_more(self):
        server = self.start()
        patch(server, "board:1", [put("title", "one"), put("tags", ["x"])])
        tag = request(server, CHANNEL + "/record")[1]["ETag"]
        self.assertEqual(post(server, CHANNEL + "/restore", {"at": 0}, {"If-Match": tag})[0], 200)
        self.assertEqual(record(server, "board:1")["value"], {})
        # Nothing was at this path before, and nothing is now.
        self.assertEqual(patch(server, "board:1", [put("note", "mine")], {"If-Match": tag})[0], 200)
        late = patch(server, "board:1", [put("title", "mine")], {"If-Match": tag})
        self.assertEqual((late[0], late[2]["error"]["code"]), (412, "precondition_failed"))
        # The same restore again, on a state that has changed since.
        patch(server, "board:1", [{"op": "delete", "path": "note"}])
        self.assertEqual(post(server, CHANNEL + "/restore", {"at": 0}, {"If-Match": tag})[0], 412)
        self.assertTrue(post(server, CHANNEL + "/restore", {"at": 0})[2]["unchanged"])

    def test_history_shows_a_set_that_is_written_as_set(self):
        server = self.start()
        patch(server, "board:1", [put("tags", ["x"])])
        patch(server, "board:1", [put("tags", ["y", "x"])])
        patch(server, "board:1", [{"op": "delete", "path": "tags"}])
        rows = [json.loads(line) for line in self.tandem("history", server.url, "board:1", "--json").stdout.splitlines()]
        self.assertEqual([(row["op"], row.get("after")) for row in rows],
                         [("set", ["x"]), ("set", ["x", "y"]), ("delete", None)])
        self.assertEqual(self.tandem("history", server.url, "board:1", "--limit", "0").returncode, 2)

    def test_conflicts_are_decided(self):
        server = self.start()
        clients = [self.connect(server) for _ in range(2)]
        for path in ("title", "decision"):
            for client, value in zip(clients, ("one", "two")):
                client.send({"push": {"channel": "board:1", "base": 0, "ops": [put(path, value)]}})
                next_of(client, "ack")
        rows = {row["path"]: row for row in request(server, CHANNEL + "/conflicts")[2]["conflicts"]}
        lost = rows["title"]["value"]
        answer = post(server, CHANNEL + "/conflicts",
                      {"path": "title", "dot": rows["title"]["dot"], "decision": "restore"})
        self.assertEqual(answer[0], 200)
        self.assertEqual(record(server, "board:1")["value"]["title"], lost)
        listed = self.tandem("conflicts", server.url, "board:1")
        self.assertIn("decision", listed.stdout)
        shown = record(server, "board:1")["value"]["decision"]
        self.assertEqual(self.tandem("conflicts", server.url, "board:1", "--keep", "decision").returncode, 0)
        self.assertEqual(record(server, "board:1")["value"]["decision"], shown)
        self.assertEqual(self.tandem("conflicts", server.url, "board:1").stdout, "No conflicts.\n")
        self.assertEqual(post(server, CHANNEL + "/conflicts",
                              {"path": "title", "dot": [1, 99], "decision": "keep"})[0], 404)

    def test_channels_publish_versions_and_bench(self):
        server = self.start()
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:1"}})
        next_of(client, "snapshot")
        self.assertEqual(self.tandem("publish", server.url, "board:1", "ring", '{"by":"Ada"}').returncode, 0)
        signal_frame = next_of(client, "signal")
        self.assertEqual((signal_frame["name"], signal_frame["value"]), ("ring", {"by": "Ada"}))
        sent = self.tandem("publish", server.url, "board:1", "--ops", '{"op":"inc","path":"votes","value":1}', "--json")
        self.assertEqual(json.loads(sent.stdout)["seq"], 1)
        self.assertEqual(self.tandem("publish", server.url, "board:1").returncode, 2)
        rows = [json.loads(line) for line in self.tandem("channels", server.url, "--json").stdout.splitlines()]
        self.assertEqual([(row["name"], row["head"]) for row in rows], [("board:1", 1)])
        self.assertIn("CHANNEL", self.tandem("channels", server.url).stdout)
        self.assertEqual(self.tandem("versions", server.url, "board:1", "--save", "v").returncode, 0)
        twice = self.tandem("versions", server.url, "board:1", "--save", "v")
        self.assertEqual(twice.returncode, 1)
        self.assertIn("version_exists", twice.stderr)
        self.assertIn("v", self.tandem("versions", server.url, "board:1").stdout)
        self.assertEqual(self.tandem("versions", server.url, "board:1", "--delete", "v").returncode, 0)
        measured = json.loads(self.tandem("bench", server.url, "--connections", "4", "--channels", "2", "--rate", "200",
                                          "--seconds", "1", "--json").stdout)
        self.assertEqual(measured["acked"], measured["sent"])
        self.assertEqual(measured["delivered"], 2 * measured["sent"])
        self.assertGreater(measured["ack_ms"]["p50"], 0)

    def test_completion_knows_every_verb(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.tandem("completion", shell).stdout
            for word in ("history", "conflicts", "export", "retention.entries"):
                self.assertIn(word, script, shell)
        check = self.tandem("completion", "bash").stdout + \
            'COMP_WORDS=(tandem hist); COMP_CWORD=1; _tandem; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", check], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "history")
        self.assertEqual(self.tandem("completion", "tcsh").returncode, 2)
