"""Versions of texts: kept by the server and by name, read, compared and brought back, over HTTP and on the command line."""

import json
import subprocess
import time

from support import BINARY, ProcessTest, request

CHANNEL = "/api/v1/channels/text:a/"


class TextVersions(ProcessTest):
    def serve(self, *arguments):
        return self.start("--config", self.write_file("tandem.toml", "[namespaces.text]\n"), *arguments)

    def edit(self, server, *edits):
        status, _, answer = request(server, CHANNEL + "text", "POST", {"root": "t", "edits": list(edits)})
        self.assertEqual(status, 200, answer)
        return answer["seq"]

    def shown(self, server, query=""):
        return request(server, CHANNEL + "text?as=text" + query)[2]

    def versions(self, server):
        return request(server, CHANNEL + "text-versions")[2]["versions"]

    def cli(self, server, verb, *arguments, code=0):
        run = subprocess.run([str(BINARY), "text", verb, server.url, "text:a", *arguments], capture_output=True, text=True,
                             timeout=30, check=False)
        self.assertEqual(run.returncode, code, run.stdout + run.stderr)
        return run.stdout if code == 0 else run.stderr

    def test_versions_outlive_a_kill_and_the_log(self):
        keep = ("--retention.entries", "5", "--retention.snapshot_every_entries", "5", "--retention.states", "2")
        server = self.serve(*keep)
        self.edit(server, {"append": "draft"})
        self.assertEqual(request(server, CHANNEL + "text-versions", "POST", {"name": "v 1"})[2], {"seq": 1})
        for _ in range(40):
            self.edit(server, {"append": "."})
        self.assertEqual(request(server, CHANNEL + "text?at=2")[0], 410)
        server.kill()
        server = self.serve(*keep)
        self.assertEqual(self.shown(server, "&version=v%201"), "draft")
        self.assertEqual([(row["name"], row["kind"], row["seq"]) for row in self.versions(server)], [("v 1", "named", 1)])
        changes = request(server, CHANNEL + "text-changes?from_version=v%201")[2]
        self.assertEqual(changes["changes"][0]["delta"], [{"retain": 5}, {"insert": "." * 40}])
        self.assertEqual(len(changes["changes"][0]["by"]), 1)
        self.assertEqual(request(server, CHANNEL + "text-restore", "POST", {"version": "v 1"})[0], 200)
        self.assertEqual(self.shown(server), "draft")
        server.kill()
        server = self.serve(*keep)
        self.assertEqual(self.shown(server), "draft")
        self.assertEqual([row["kind"] for row in self.versions(server)], ["named", "before_restore"])
        self.assertEqual(self.shown(server, f"&at={self.versions(server)[1]['seq']}"), "draft" + "." * 40)

    def test_the_server_keeps_states_by_itself(self):
        server = self.serve("--retention.text_version_every_ms", "50")
        self.edit(server, {"append": "one"})
        end = time.monotonic() + 10
        while not self.versions(server):
            self.assertLess(time.monotonic(), end, "no version was kept")
            self.edit(server, {"append": "."})
        row = self.versions(server)[0]
        self.assertEqual((row["name"], row["kind"]), (None, "automatic"))
        self.assertEqual(self.shown(server, f"&at={row['seq']}"), "one" + "." * (row["seq"] - 1))
        self.assertEqual(request(server, CHANNEL + f"text-versions?at={row['seq']}", "DELETE")[2], {"deleted": True})
        self.assertNotIn(row["seq"], [other["seq"] for other in self.versions(server)])

    def test_limits_hold(self):
        server = self.serve("--retention.text_versions", "1")
        self.edit(server, {"append": "one"})
        self.assertEqual(request(server, CHANNEL + "text-versions", "POST", {"name": "a"})[0], 200)
        for name, code in (("a", "version_exists"), ("b", "too_many_versions"), ("", "invalid_argument")):
            self.assertEqual(request(server, CHANNEL + "text-versions", "POST", {"name": name})[2]["error"]["code"], code)

    def test_a_text_is_watched_over_a_restart(self):
        server = self.serve()
        self.edit(server, {"append": "one"})
        watch = self.popen("text", "watch", server.url, "text:a", "--json", "--count", "2")
        self.assertEqual(json.loads(watch.stdout.readline()), {"state": {"t": "one"}})
        self.edit(server, {"append": " two"})
        self.assertEqual(json.loads(watch.stdout.readline())["delta"], [{"retain": 3}, {"insert": " two"}])
        port = server.address.port
        server.kill()
        server = self.serve("--port", str(port))
        self.edit(server, {"append": " three"})
        self.assertEqual(json.loads(watch.stdout.readline())["delta"], [{"retain": 7}, {"insert": " three"}])
        self.assertEqual(watch.wait(10), 0)

    def test_the_command_line(self):
        server = self.serve()
        self.edit(server, {"append": "one two"})
        self.assertEqual(self.cli(server, "versions", "--save", "good"), "'good' is the text at 1\n")
        self.edit(server, {"delete": {"index": 0, "length": 4}}, {"append": "!"})
        self.assertRegex(self.cli(server, "versions"), r"good +named +1 ")
        rows = self.cli(server, "versions", "--json").splitlines()
        self.assertEqual(json.loads(rows[0])["name"], "good")
        history = self.cli(server, "history", "--from-version", "good").splitlines()
        self.assertEqual(history[:2], ["t:", "  @0 - 4"])
        self.assertRegex(history[2], r'^  @3 \+ "!"   by \d+$')
        self.assertEqual(json.loads(self.cli(server, "history", "--from", "1", "--json"))["from"], 1)
        self.assertEqual(self.cli(server, "get", "--version", "good"), "one two\n")
        self.assertEqual(self.cli(server, "get", "--at", "1"), "one two\n")
        self.assertEqual(self.cli(server, "revert", "--version", "good"), "written as 3\n")
        self.assertEqual(self.cli(server, "get"), "one two\n")
        self.assertEqual(self.cli(server, "revert", "--version", "good"), "it shows that already\n")
        self.assertEqual(self.cli(server, "history", "--from", "3"), "nothing has changed\n")
        self.assertIn("no version of that name", self.cli(server, "get", "--version", "none", code=1))
        self.assertIn("which state?", self.cli(server, "revert", code=2))
        self.assertEqual(self.cli(server, "versions", "--delete-at", "2"), "that of 2 is deleted\n")
        self.assertEqual(self.cli(server, "versions", "--delete", "good"), "'good' is deleted\n")
        self.assertEqual(self.cli(server, "versions", "--json"), "")
