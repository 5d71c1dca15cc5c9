"""The HTTP API where requests are wrong, and for pages of other origins."""

import http.client
import json
import os
import urllib.parse

from support import ProcessTest, patch, put, record, request

CHANNEL = "/api/v1/channels/board:1"


class HttpApi(ProcessTest):
    def error(self, answer, status, code):
        self.assertEqual((answer[0], answer[1]["Content-Type"]), (status, "application/json"), answer[2])
        error = answer[2]["error"]
        self.assertEqual(error["code"], code, error)
        for member in ("message", "hint", "docs"):
            self.assertTrue(error[member], member)
        return error

    def test_refusals_are_json_of_the_catalogue(self):
        server = self.start()
        answer = request(server, CHANNEL + "/record", "POST", {})
        self.error(answer, 405, "method_not_allowed")
        self.assertEqual(answer[1]["Allow"], "GET, HEAD, PUT, PATCH")
        for path in ("/health", "/ready", "/metrics"):
            answer = request(server, path, "PUT", {})
            self.error(answer, 405, "method_not_allowed")
            self.assertEqual(answer[1]["Allow"], "GET, HEAD")
        for name in ("Idempotency-Key", "If-Match"):
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=15)
            connection.putrequest("PATCH", CHANNEL + "/record")
            body = json.dumps({"ops": [put("title", "x")]}).encode()
            for field, value in ((name, '"1-1"'), (name, '"1-2"'), ("Content-Type", "application/json"), ("Content-Length", len(body))):
                connection.putheader(field, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            error = self.error((answer.status, answer.headers, json.loads(answer.read())), 400, "invalid_argument")
            connection.close()
            self.assertIn("twice", error["message"])
        error = self.error(request(server, CHANNEL + "/record?at=1&at=2"), 400, "invalid_argument")
        self.assertIn("more than once", error["message"])
        error = self.error(request(server, CHANNEL + "/record", "PUT", b'{"a":1,"a":2}'), 400, "malformed")
        self.assertIn("twice", error["message"])
        error = self.error(request(server, CHANNEL + "/record?base=12345-1", "PUT", {"a": 1}), 412, "precondition_failed")
        self.assertIn("another server", error["message"])
        large = request(server, CHANNEL + "/record", "PATCH", b"x" * (2 << 20))
        self.assertEqual(self.error(large, 413, "too_large")["detail"], 1 << 20)
        self.error(request(server, CHANNEL + "/record?x=" + "y" * 20_000), 414, "too_large")
        self.error(request(server, CHANNEL + "/record", "PATCH", {"ops": [put("a", 1)] * 1001},), 413, "too_large")
        self.assertEqual(request(server, CHANNEL + "/record", "PATCH", {"ops": [put("a", 1)] * 1001})[2]["error"]["detail"], 1000)

    def test_unknown_members_are_refused(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a")])
        patch(server, "board:1", [put("title", "b")])
        for method, path, body, name in (
                ("POST", "/versions", {"name": "v", "seq": 1}, "seq"), ("POST", "/restore", {"at": 1, "dry": True}, "dry"),
                ("POST", "/conflicts", {"path": "title", "dot": [1, 1], "decision": "keep", "why": 1}, "why"),
                ("PATCH", "/record", {"ops": [put("title", "c")], "bse": 1}, "bse"),
                ("PATCH", "/record", [{**put("title", "c"), "bse": 1}], "bse")):
            error = self.error(request(server, CHANNEL + path, method, body), 400, "invalid_argument")
            self.assertIn(f"'{name}'", error["message"])
        self.error(request(server, CHANNEL + "/hashes", "POST", {"node": []}), 400, "invalid_argument")
        self.error(request(server, CHANNEL + "/hashes", "POST", []), 400, "malformed")
        self.error(request(server, "/api/v1/webhooks", "POST", {"name": "a", "action": "test", "x": 1}), 400,
                   "invalid_argument")
        self.assertEqual(request(server, CHANNEL + "/versions")[2], {"versions": []})
        self.assertEqual(record(server, "board:1")["value"], {"title": "b"})

    def test_what_is_wrong_is_said(self):
        server = self.start()
        patch(server, "board:1", [put("title", "a")])
        for method, path, body, words in (
                ("POST", "/restore", b"", "is empty"), ("POST", "/restore", b"[1]", "no JSON object"),
                ("PATCH", "/record", b"", "is empty"), ("PATCH", "/record", b"{", "not JSON"), ("PATCH", "/record", b"{}", "no ops"),
                ("PUT", "/record", b"{", "not JSON"), ("GET", "/entries?limit=x", None, "`limit`"),
                ("GET", "/record?seq=1", None, "unknown parameter `seq`"), ("GET", "/changes?limit=0", None, "at least 1"),
                ("GET", "/conflicts?all=true", None, "`all`"),
                ("POST", "/restore", b"{}", "either `at`"), ("POST", "/versions", b'{"at":1}', "`name`"),
                ("GET", "/record?at=1&version=a", None, "two states"), ("GET", "/record?at=99", None, "newest is 1"),
                ("POST", "/versions", b'{"name":"a","at":99}', "newest is 1"), ("GET", "/changes?from=99", None, "newest seq, 1")):
            answer = request(server, CHANNEL + path, method, body)
            self.assertIn(words, answer[2]["error"]["message"], (method, path, body))
        error = self.error(request(server, CHANNEL + "/record", "PUT", {"cards": [{"id": "a"}, {"id": "a"}]}), 400, "wrong_type")
        self.assertIn("id of its own", error["hint"])
        answer = patch(server, "board:1", [put("title", "b")], {"If-Match": "yesterday"})
        self.assertIn("If-Match", self.error(answer, 400, "invalid_argument")["message"])

    def test_pages_of_other_origins(self):
        server = self.start("--server.origins", "https://app.example")
        patch(server, "board:1", [put("title", "a")])
        for origin in ("https://app.example", "http://localhost:3000"):
            for method, path, status in (("GET", "/record", 200), ("GET", "/record?path=nothing", 404), ("POST", "/record", 405)):
                got, fields, _ = request(server, CHANNEL + path, method, {} if method == "POST" else None, {"Origin": origin})
                self.assertEqual((got, fields["Access-Control-Allow-Origin"], fields["Vary"]), (status, origin, "Origin"))
                self.assertIn("ETag", fields["Access-Control-Expose-Headers"])
            status, fields, _ = request(server, CHANNEL + "/record", "OPTIONS", None, {
                "Origin": origin, "Access-Control-Request-Method": "PATCH",
                "Access-Control-Request-Headers": "content-type, if-match"})
            self.assertEqual((status, fields["Access-Control-Allow-Origin"]), (204, origin))
            self.assertIn("PATCH", fields["Access-Control-Allow-Methods"].split(", "))
            for name in ("Content-Type", "If-Match", "Idempotency-Key"):
                self.assertIn(name, fields["Access-Control-Allow-Headers"])
        for method in ("GET", "OPTIONS"):
            status, fields, _ = request(server, CHANNEL + "/record", method, None, {"Origin": "https://evil.example"})
            self.assertEqual((status, fields["Access-Control-Allow-Origin"]), (403, None))
        self.assertIsNone(request(server, CHANNEL + "/record")[1]["Access-Control-Allow-Origin"])

    def test_misspelt_windows_are_refused(self):
        server = self.start()
        client = self.connect(server)
        for wrong in ("cards[-1:3]", "cards[a:b]", "cards[1:]"):
            client.send({"subscribe": {"channel": "board:1", "select": [wrong]}})
            message = client.receive()
            while "error" not in message:
                message = client.receive()
            self.assertEqual(message["error"]["code"], "bad_select", wrong)
