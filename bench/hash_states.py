"""The benchmark `hash`: what it costs to see that nothing has changed, and what a write costs the tree of hashes."""

import http.client
import json
import time
import urllib.parse

import rig as rigs

FIELDS = 10_000
FIELDS_PER_GROUP = 100
WRITES = 200
STATES = 2_000


class Api:
    """The HTTP API of one server over one kept connection."""

    def __init__(self, url):
        self._connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)

    def close(self):
        self._connection.close()

    def text(self, method, path, body=None):
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise rigs.NotMeasured(f"{method} {path}: {response.status} {text[:200]}")
        return text

    def hashes(self):
        for line in self.text("GET", "/metrics").splitlines():
            if line.startswith("tandem_record_hashes_total "):
                return int(line.split()[1])
        raise rigs.NotMeasured("the server does not count its hashes")


def fill(api, record):
    for group in range(FIELDS // FIELDS_PER_GROUP):
        fields = {f"field{i}": i for i in range(FIELDS_PER_GROUP)}
        ops = [{"op": "set", "path": f"group{group}", "value": fields}]
        api.text("PATCH", record, json.dumps({"ops": ops}))


def writes(api, record):
    """Hashes for each write of one field, when somebody asks for the record's hash after every write."""
    before = api.hashes()
    for i in range(WRITES):
        path = f"group{i * 7 % (FIELDS // FIELDS_PER_GROUP)}/field{i * 13 % FIELDS_PER_GROUP}"
        api.text("PATCH", record, json.dumps({"ops": [{"op": "set", "path": path, "value": f"w{i}"}]}))
        api.text("GET", f"{record}?path={path}")
    return (api.hashes() - before) / WRITES


def comparisons(api, channel):
    """Hashes for each time that another replica asks and nothing has changed."""
    before = api.hashes()
    for _ in range(WRITES):
        api.text("POST", f"{channel}/hashes", '{"nodes":[""]}')
    return (api.hashes() - before) / WRITES


def unchanged(api, record, texts):
    """(states a second, hashes a state) of whole objects that change nothing."""
    head = json.loads(api.text("PUT", record, texts[0]))["seq"]
    before = api.hashes()
    began = time.perf_counter()
    for i in range(STATES):
        if json.loads(api.text("PUT", record, texts[i % len(texts)]))["seq"] != head:
            raise rigs.NotMeasured("a state that changes nothing took an entry")
    seconds = time.perf_counter() - began
    return STATES / seconds, (api.hashes() - before) / STATES


def measure(rig, options, outcome):
    state = {f"sensor{i}": {"value": i * 1.5, "unit": "mm", "ok": True} for i in range(100)}
    same = json.dumps(state)
    respelled = [json.dumps(state, indent=indent) for indent in (None, 1)]
    with rig.server() as server:
        for number in range(options.runs):
            api = Api(server.url)
            large, small = (f"/api/v1/channels/board:hash-{name}-{number}" for name in ("large", "small"))
            fill(api, f"{large}/record")
            before = api.hashes()
            api.text("GET", f"{large}/record?path=group0/field0")
            run = {"hashes_to_build": api.hashes() - before, "rehash_per_write": writes(api, f"{large}/record"),
                   "hashes_per_comparison": comparisons(api, large)}
            run["unchanged_per_s"], run["hashes_per_state"] = unchanged(api, f"{small}/record", [same])
            run["respelled_per_s"], hashes = unchanged(api, f"{small}/record", respelled)
            run["equal_hashes"] = max(run["hashes_per_comparison"], run["hashes_per_state"], hashes)
            outcome.runs.append(run)
            api.close()
    for key in ("equal_hashes", "rehash_per_write", "unchanged_per_s", "respelled_per_s", "hashes_to_build"):
        outcome.median(key)
    outcome.notes.append(f"states of {len(same)} bytes; a record of {FIELDS} fields")
