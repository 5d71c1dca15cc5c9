"""The description of the HTTP API against the running server: every address, method and status of the one is in
the other, and bodies have the shape that it gives them."""

import json
import re
import time

from support import ROOT, ProcessTest, next_of, patch, put, record, request
from webhooks_test import BOARD, SECRET, Receiver

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What no request can provoke on a server that is well; other tests do.
TROUBLE = {"500", "503", "507"}
# A record that is full, which 8 MiB would have to be written for.
# A server without tokens; tests of tokens have one.
WITHOUT_TOKENS = {(method, "/api/v1/revocations", "404") for method in ("GET", "POST")}
FULL = {("POST", f"/api/v1/channels/{{channel}}/{resource}", "413") for resource in ("conflicts", "restore", "text-versions")}
KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


class Schema:
    """As much of JSON Schema as the description uses."""

    def __init__(self, document):
        self.document = document

    def resolve(self, schema):
        while "$ref" in schema:
            at = self.document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            schema = at
        return schema

    def problems(self, value, schema, where="$"):
        schema = self.resolve(schema)
        kind = schema.get("type")
        if kind == "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                return [f"{where} is no integer: {value!r}"]
            if value < schema.get("minimum", value):
                return [f"{where} is below its minimum: {value}"]
        elif kind is not None and not isinstance(value, KINDS[kind]):
            return [f"{where} is no {kind}: {value!r}"]
        found = []
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{where} is none of {schema['enum']}: {value!r}")
        if "const" in schema and value != schema["const"]:
            found.append(f"{where} is not {schema['const']!r}")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{where} does not match {schema['pattern']}: {value!r}")
        if "oneOf" in schema:
            fits = [s for s in schema["oneOf"] if not self.problems(value, s, where)]
            if len(fits) != 1:
                found.append(f"{where} fits {len(fits)} of oneOf")
        if isinstance(value, dict):
            known = schema.get("properties", {})
            found += [f"{where} has no {name}" for name in schema.get("required", []) if name not in value]
            for name, member in value.items():
                if name in known:
                    found += self.problems(member, known[name], f"{where}.{name}")
                elif schema.get("additionalProperties") is False:
                    found.append(f"{where} has the unknown member {name}")
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                found.append(f"{where} has {len(value)} items")
            for index, item in enumerate(value):
                found += self.problems(item, schema.get("items", {}), f"{where}[{index}]")
        return found


class OpenApi(ProcessTest):
    def setUp(self):
        super().setUp()
        hook = Receiver()
        self.addCleanup(hook.close)
        config = self.write_file("tandem.toml", BOARD + f'[[webhooks]]\nname = "crm"\nsecret = "{SECRET}"\n'
                                 f'url = "{hook.url}"\nallow_private = true\ngather_ms = 60000\n')
        self.server = self.start("--config", config, "--retention.entries", "2", "--retention.snapshot_every_entries", "2",
                                 "--retention.versions", "2")
        self.document = request(self.server, "/api/v1/openapi.json")[2]
        self.schema = Schema(self.document)
        self.seen = set()

    def ask(self, method, template, channel="board:1", query="", body=None, headers=None):
        """Sends it and checks that the answer is documented."""
        operation = self.document["paths"][template][method.lower()]
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        status, fields, answer = request(self.server, template.replace("{channel}", channel) + query, method, body, sent)
        label = f"{method} {template} {query} {body} -> {status} {answer}"
        self.assertIn(str(status), operation["responses"], label)
        content = operation["responses"][str(status)].get("content", {})
        if "application/json" in content:
            self.assertEqual(fields["Content-Type"], "application/json", label)
            self.assertEqual(self.schema.problems(answer, content["application/json"]["schema"]), [], label)
        for name in operation["responses"][str(status)].get("headers", {}):
            self.assertTrue(fields[name] or "unchanged" in answer, label)
        self.seen.add((method, template, str(status)))
        return answer, fields

    def operations(self):
        for template, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), template, operation

    def test_the_file_is_what_is_served_and_names_every_route_and_method(self):
        self.assertEqual(self.document, json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")))
        table = (ROOT / "src" / "gateway" / "api_routes.cpp").read_text(encoding="utf-8")
        routes = {f"/api/v1/{path}" for path in re.findall(r'\{ApiRoute::\w+,\s*"([^"]+)"', table)}
        self.assertGreater(len(routes), 8)
        self.assertEqual(routes, {path for path in self.document["paths"] if path.startswith("/api/")})
        for template in routes:
            documented = {method.upper() for method in self.document["paths"][template]}
            for method in METHODS:
                path = template.replace("{channel}", "board:none")
                status, fields, _ = request(self.server, path, method, None if method == "GET" else {})
                if method not in documented:
                    self.assertEqual(status, 405, f"{method} {template}")
                    self.assertEqual(set(fields["Allow"].split(", ")) - {"HEAD"}, documented, template)
                else:
                    self.assertNotEqual(status, 405, f"{method} {template}")
        self.assertEqual(request(self.server, "/api/v1/nothing")[0], 404)

    def test_every_answer_is_documented_and_every_documented_answer_comes(self):
        api = "/api/v1/"
        one = api + "channels/{channel}"
        for path in ("/health", "/ready", "/metrics", api + "openapi.json"):
            self.ask("GET", path)
        clients = [self.connect(self.server) for _ in range(2)]
        for client, value in zip(clients, ("one", "two")):
            client.send({"subscribe": {"channel": "board:1"}})
            next_of(client, "snapshot")
            client.send({"presence": {"channel": "board:1", "state": {"name": value}}})
            client.send({"push": {"channel": "board:1", "base": 0, "ops": [put("title", value)]}})
            next_of(client, "ack")
        self.ask("GET", api + "connections")
        self.ask("GET", api + "channels")
        while not self.ask("GET", api + "webhooks")[0]["webhooks"][0]["streams"]:
            time.sleep(0.01)
        for action in ("test", "retry", "disable", "enable"):
            self.ask("POST", api + "webhooks", body={"name": "crm", "action": action})
        self.ask("POST", api + "webhooks", body={"name": "nobody", "action": "test"})
        self.ask("POST", api + "webhooks", body={"name": "crm", "action": "sing"})
        self.ask("POST", api + "revocations", body={"jti": "nobody's"})
        self.ask("POST", api + "revocations", body={})
        self.ask("GET", api + "revocations")
        self.ask("GET", api + "channels", query="?limit=x")
        self.ask("GET", one + "/presence")
        row = self.ask("GET", one + "/conflicts")[0]["conflicts"][0]
        decision = {"path": "title", "dot": row["dot"], "decision": "restore"}
        self.ask("POST", one + "/conflicts", body=decision)
        self.ask("POST", one + "/conflicts", body={**decision, "path": "nothing"})
        self.ask("POST", one + "/conflicts", body={"path": "title"})
        self.ask("GET", one + "/conflicts", query="?all=1&after=1")
        _, fields = self.ask("GET", one + "/record")
        tag = fields["ETag"]
        self.ask("GET", one + "/record", headers={"If-None-Match": tag})
        self.ask("GET", one + "/record", query="?form=changes")
        self.ask("GET", one + "/record", query="?form=wrong")
        write = {"ops": [put("title", "x"), {"op": "insert", "path": "cards", "value": {"text": "a"}}]}
        self.ask("PATCH", one + "/record", body=write, headers={"Idempotency-Key": "k"})
        self.ask("PATCH", one + "/record", body=write, headers={"Idempotency-Key": "k"})
        self.ask("PATCH", one + "/record", body={"ops": [put("a", 1)]}, headers={"Idempotency-Key": "k"})
        self.ask("PATCH", one + "/record", body=[put("title", "y")], headers={"If-Match": "*"})
        self.ask("PATCH", one + "/record", body=[put("title", "y")], headers={"If-Match": tag})
        self.ask("PATCH", one + "/record", body={"title": "z"}, headers={"Content-Type": "application/merge-patch+json"})
        self.ask("PUT", one + "/record", body={"title": "w"}, headers={"Idempotency-Key": "w"})
        self.ask("PUT", one + "/record", body={"title": "v"}, headers={"Idempotency-Key": "w"})
        self.ask("PUT", one + "/record", body={"title": "w"}, headers={"If-Match": "*"})
        self.ask("PUT", one + "/record", body={"title": "u"}, query="?base=99-99", headers={"If-Match": tag})
        self.ask("PUT", one + "/record", body={"title": "u"}, headers={"If-Match": tag})
        self.ask("PUT", one + "/record", body={"title": "u"}, headers={"Idempotency-Key": "k" * 300})
        root = self.ask("POST", one + "/hashes", body={"nodes": [""]})[0]["nodes"][0]
        key = root["leaves"][0][0] if "leaves" in root else "0" * 32
        self.ask("POST", one + "/hashes", body={"fields": [key, "0" * 32]})
        self.ask("POST", one + "/hashes", body={"nodes": [1]})
        self.ask("POST", one + "/hashes", body={"nodes": [""] * 1025})
        head = record(self.server, "board:1")["seq"]
        self.ask("PATCH", one + "/record", body={"ops": []})
        self.assertEqual(record(self.server, "board:1")["seq"], head, "an empty write takes no seq")
        self.ask("PATCH", one + "/record", body=[put("a", 1)], headers={"Idempotency-Key": "k" * 300})
        self.ask("GET", one + "/entries")
        self.ask("GET", one + "/entries", query="?after=x")
        edit = {"root": "t", "edits": [{"append": "hello"}, {"insert": {"index": 0, "text": "> ", "attributes": {"b": True}}},
                                       {"delete": {"index": 2, "length": 1}}, {"delta": [{"retain": 1}, {"insert": "!"}]},
                                       {"format": {"index": 0, "length": 1, "attributes": {"b": None}}}]}
        self.ask("POST", one + "/text", body=edit, headers={"Idempotency-Key": "t"})
        self.ask("POST", one + "/text", body=edit, headers={"Idempotency-Key": "t"})
        self.ask("POST", one + "/text", body={"edits": [{"append": "x"}]}, headers={"Idempotency-Key": "t"})
        self.ask("POST", one + "/text", body={"edits": [{"append": ""}] * 1001})
        self.ask("POST", one + "/text", body={"edits": [], "author": {"name": "Ann", "color": "#fff", "leaves": True}})
        self.ask("POST", one + "/text", body={"edits": [{"replace": "x"}]})
        self.ask("GET", one + "/texts")
        _, fields = self.ask("GET", one + "/text")
        self.ask("GET", one + "/text", headers={"If-None-Match": fields["ETag"]})
        self.ask("POST", one + "/text", body={"edits": [{"append": ""}]}, headers={"If-Match": fields["ETag"]})
        self.ask("POST", one + "/text", body={"edits": [{"append": ""}]}, headers={"If-Match": '"99-0"'})
        self.ask("GET", one + "/text", query="?as=delta")
        self.ask("GET", one + "/text", query="?as=picture")
        self.ask("GET", one + "/text", query="?name=none")
        self.ask("POST", one + "/text-versions", body={"name": "a"})
        self.ask("POST", one + "/text-versions", body={"name": "a"})
        self.ask("POST", one + "/text-versions", body={"at": 1})
        self.ask("GET", one + "/text-versions")
        self.ask("GET", one + "/text-versions", query="?version=a")
        self.ask("DELETE", one + "/text-versions", query="?version=none")
        self.ask("DELETE", one + "/text-versions")
        self.ask("POST", one + "/text", body={"edits": [{"append": "more"}]})
        self.ask("GET", one + "/text", query="?version=a")
        self.ask("GET", one + "/text", query="?version=a&at=3")
        self.ask("GET", one + "/text-changes", query="?from_version=a")
        self.ask("GET", one + "/text-changes", query="?from=99999")
        self.ask("GET", one + "/text-changes", query="?from_version=none")
        restore = {"version": "a"}
        self.ask("POST", one + "/text-restore", body=restore, headers={"Idempotency-Key": "tr"})
        self.ask("POST", one + "/text-restore", body=restore, headers={"Idempotency-Key": "tr"})
        self.ask("POST", one + "/text", body={"edits": [{"append": "x"}]})
        self.ask("POST", one + "/text-versions", body={"name": "b"})
        self.ask("POST", one + "/text-restore", body={"version": "b"}, headers={"Idempotency-Key": "tr"})
        self.ask("POST", one + "/text-restore", body={"version": "none"})
        self.ask("POST", one + "/text-restore", body=restore, headers={"If-Match": fields["ETag"]})
        self.ask("POST", one + "/text-restore", body=restore, headers={"Idempotency-Key": "k" * 300})
        self.ask("GET", one + "/changes", query=f"?from={head - 1}")
        self.ask("GET", one + "/changes", query="?from=99999")
        self.ask("POST", one + "/versions", body={"name": "a"})
        self.ask("POST", one + "/versions", body={"name": "a"})
        self.ask("POST", one + "/versions", body={"at": 1})
        self.ask("GET", one + "/versions")
        self.ask("DELETE", one + "/versions", query="?name=none")
        for number in range(20):
            patch(self.server, "board:1", [put("title", str(number))])
        for template in ("/record?at=1", "/changes?from=1"):
            path, query = template.split("?")
            self.ask("GET", one + path, query="?" + query)
        self.ask("POST", one + "/versions", body={"name": "b", "at": 1})
        for path in ("/text", "/text-changes"):
            self.ask("GET", one + path, query="?at=1" if path == "/text" else "?from=1")
        self.ask("POST", one + "/text-restore", body={"at": 1})
        self.ask("POST", one + "/text-versions", body={"name": "c", "at": 1})
        self.ask("DELETE", one + "/text-versions", query="?version=a")
        self.ask("POST", one + "/restore", body={"at": 1})
        self.ask("POST", one + "/restore", body={"version": "a"})
        self.ask("POST", one + "/restore", body={"version": "a"})
        self.ask("POST", one + "/restore", body={"version": "none"})
        self.ask("POST", one + "/restore", body={})
        patch(self.server, "board:1", [put("title", "later")])
        self.ask("POST", one + "/restore", body={"version": "a"}, headers={"If-Match": tag})
        self.ask("DELETE", one + "/versions", query="?name=a")
        for method, template, operation in self.operations():
            body = {} if method in ("POST", "PUT") else [] if method == "PATCH" else None
            if "403" in operation["responses"]:
                self.ask(method, template, body=body, headers={"Host": "evil.example"})
            if "401" in operation["responses"]:
                self.ask(method, template, body=body, headers={"Authorization": "Bearer x"})
            if "{channel}" in template:
                valid = {"/versions": {"name": "x"}, "/restore": {"at": 1}, "/conflicts": decision, "/hashes": {},
                         "/record": [put("a", 1)], "/text": edit, "/text-versions": {"name": "x"},
                         "/text-restore": {"at": 1}}
                if method == "PUT":
                    valid["/record"] = {}
                body = next((b for end, b in valid.items() if template.endswith(end)), None) if body is not None else None
                query = "?name=x" if method == "DELETE" and template.endswith("/versions") else ""
                if method == "DELETE" and template.endswith("/text-versions"):
                    query = "?version=x"
                self.ask(method, template, channel="nowhere:1", body=body, query=query)
                self.ask(method, template, channel="noname", body=body, query=query)
        self.ask("DELETE", one)
        documented = {(method, template, status) for method, template, operation in self.operations()
                      for status in operation["responses"] if status not in TROUBLE}
        self.assertEqual(documented - self.seen - FULL - WITHOUT_TOKENS, set(), "documented, but never given")

    def test_small_things(self):
        self.assertEqual(request(self.server, "/api/v1/channels", headers={"Host": "evil.example"})[2]["error"]["code"],
                         "host_refused")
        self.assertEqual(patch(self.server, "board:1", [put("title", "a")], {"If-Match": "*"})[0], 200)
