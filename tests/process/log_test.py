"""The log as text and as JSON: each line is whole, whatever names it tells of."""

import json
import os
import re
import signal
import subprocess
import types
import urllib.parse

from support import BINARY, ProcessTest, next_of, request

HOSTILE = 'board:"x"\\ \x1b[31m\u0085\u2028{"level":"info"}\n\r\t\x7fé😀'
CONFIG = "[namespaces.board.fields]\ntitle = \"string\"\n"
WAIT_S = 20


class Log(ProcessTest):
    def run_server(self, *arguments, stop=True, data=None):
        """What it writes to stderr, as bytes."""
        path = os.path.join(self.folder, "stderr")
        with open(path, "wb") as out:
            server = subprocess.Popen([BINARY, *arguments, "--data", data or self.data], stdout=subprocess.PIPE, stderr=out)
        self.addCleanup(server.stdout.close)
        self.addCleanup(lambda: server.poll() is None and server.kill())
        if stop:
            ready = json.loads(server.stdout.readline())
            self.use(ready["url"])
            server.send_signal(signal.SIGTERM)
        self.code = server.wait(WAIT_S)
        with open(path, "rb") as written:
            return written.read()

    def use(self, url):
        """Has the server tell of a name that was made to break lines."""
        there = types.SimpleNamespace(url=url, address=urllib.parse.urlsplit(url), headers=dict, secure=lambda link: link)
        client = self.connect(there)
        client.send({"subscribe": {"channel": HOSTILE}})
        next_of(client, "error")
        self.assertEqual(request(there, "/health")[0], 200)

    def test_json_is_one_object_a_line(self):
        text = self.run_server("dev", "--port", "0", "--json", "--log.format", "json")
        lines = [json.loads(line) for line in text.decode("utf-8").split("\n")[:-1]]
        self.assertTrue(text.endswith(b"\n"))
        for line in lines:
            self.assertEqual(sorted(line), ["level", "message", "time"])
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$")
            self.assertIn(line["level"], ("info", "warning", "error"))
        messages = [line["message"] for line in lines]
        for words in ("starts as process", "serving http://", "refused", "stopped"):
            self.assertTrue(any(words in message for message in messages), (words, messages))
        self.assertFalse(any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for message in messages for c in message))

    def test_text_has_a_line_for_each(self):
        text = self.run_server("dev", "--port", "0", "--json").decode("utf-8")
        for line in text.split("\n")[:-1]:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (info|warning|error) \S")
            self.assertNotIn("\x1b", line)
        self.assertIn("refused", text)

    def test_a_level_leaves_out_what_is_below(self):
        self.assertEqual(self.run_server("dev", "--port", "0", "--json", "--log.level", "error"), b"")

    def test_a_folder_that_is_no_utf_8_breaks_no_json(self):
        data = os.fsencode(self.folder) + b"/\xff\xc3("
        text = self.run_server("dev", "--port", "0", "--json", "--log.format", "json", data=data)
        self.assertEqual(self.code, 0)
        lines = [json.loads(line) for line in text.decode("utf-8").split("\n")[:-1]]
        self.assertTrue(any("/??(" in line["message"] for line in lines), lines)

    def test_why_it_does_not_start_is_told_as_the_rest(self):
        for level in ("info", "off"):
            text = self.run_server("serve", "--port", "0", "--host", "192.0.2.1", "--log.format", "json", "--log.level", level,
                                   "--config", self.write_file("tandem.toml", CONFIG), stop=False)
            self.assertEqual(self.code, 1)
            lines = [json.loads(line) for line in text.decode().split("\n")[:-1]]
            self.assertEqual(lines[-1]["level"], "critical")
            self.assertIn("TLS", lines[-1]["message"])
        text = self.run_server("serve", "--port", "0", "--host", "192.0.2.1", stop=False).decode()
        self.assertRegex(text, r"(?m)^tandem: without TLS")
        self.assertTrue(re.search(r"(?m)^.* warning no namespaces are configured", text), text)
