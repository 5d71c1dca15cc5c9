"""Webhooks: signed, in order for each channel, at least once through failures and a kill, and never to a private address."""

import base64
import hashlib
import hmac
import http.server
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

from check_run import CheckFailed
from support import ROOT, ProcessTest, next_of, patch, put, request

SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"b" * 32).decode()
BOARD = '\n[namespaces.board.fields]\ntitle = "string"\nprice = { type = "number", resolver = "manual" }\n'


def verify(secret, headers, body):
    """The receiver's side of the signature, as docs/webhooks.md shows it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [s.removeprefix("v1,") for s in headers["webhook-signature"].split(" ")]
    if not any(hmac.compare_digest(expected, one) for one in given):
        raise ValueError("wrong signature")
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        raise ValueError("too old")
    return json.loads(body)


class Receiver:
    """Keeps what it has answered with 2xx. `behave` may answer in another way: it is called with the handler, and
    tells by True that it has."""

    def __init__(self, behave=None, secret=SECRET, tls=None):
        self.behave = behave or (lambda handler, body: False)
        self.seen, self.problems, self.attempts = [], [], []
        self.condition = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    body = verify(secret, self.headers, raw)
                except (ValueError, KeyError) as problem:
                    outer.problems.append(problem)
                    return self.answer(400)
                with outer.condition:
                    outer.attempts.append((time.monotonic(), self.headers["webhook-id"], raw))
                    outer.condition.notify_all()
                if outer.behave(self, body):
                    return None
                with outer.condition:
                    outer.seen.append((self.headers["webhook-id"], body))
                    outer.condition.notify_all()
                return self.answer(204)

            def answer(self, status, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                return True

            def log_message(self, *_):
                pass

        class QuietServer(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Servers that are killed break their connections."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.port = self.server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait(self, condition, what, timeout=30):
        with self.condition:
            if not self.condition.wait_for(lambda: condition(self), timeout):
                raise AssertionError(f"{what}; seen: {[s[0] for s in self.seen][-20:]} {self.problems}")

    def bodies(self, kind):
        return [body for _, body in self.seen if body["type"] == kind]


def entries_of(bodies, channel):
    """The entries of a channel in the order of delivery, those that came again left out; fails when one is skipped."""
    last, out = None, []
    for body in bodies:
        data = body["data"]
        if data["channel"] != channel:
            continue
        if last is not None and data["from"] > last:
            raise AssertionError(f"{channel}: {data['from']} follows {last}")
        seqs = [entry["seq"] for entry in data["entries"]]
        if seqs != list(range(data["from"] + 1, data["to"] + 1)):
            raise AssertionError(f"{channel}: {seqs} in {data['from']}-{data['to']}")
        out += [entry for entry in data["entries"] if last is None or entry["seq"] > last]
        last = max(last or 0, data["to"])
    return out


class WebhookTest(ProcessTest):
    def receiver(self, *arguments, **named):
        receiver = Receiver(*arguments, **named)
        self.addCleanup(receiver.close)
        return receiver

    def config(self, *hooks, name="tandem.toml"):
        text = BOARD
        for hook in hooks:
            members = {"name": "crm", "secret": SECRET, "allow_private": True, "gather_ms": 10, "retry_min_ms": 20,
                       "retry_max_ms": 200, "timeout_ms": 1000, **hook}
            text += "\n[[webhooks]]\n"
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in members.items() if value is not None)
        return self.write_file(name, text)

    def serve(self, *hooks, arguments=()):
        return self.start("--config", self.config(*hooks), "--server.threads", "2", *arguments)

    def kill(self, server):
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()

    def status(self, server, name="crm"):
        rows = request(server, "/api/v1/webhooks")[2]["webhooks"]
        return next(row for row in rows if row["name"] == name)

    def wait_status(self, server, condition, what, name="crm"):
        deadline = time.monotonic() + 30
        while not condition(row := self.status(server, name)):
            self.assertLess(time.monotonic(), deadline, f"{what}: {row}")
            time.sleep(0.02)
        return row


class Delivery(WebhookTest):
    def test_a_change_comes_signed_and_as_documented(self):
        receiver = self.receiver()
        server = self.serve({"url": receiver.url})
        patch(server, "board:1", [put("title", "Plan")])
        receiver.wait(lambda r: r.seen, "the change")
        delivery, body = receiver.seen[0]
        data = body["data"]
        self.assertEqual((body["type"], body["webhook"], data["channel"]), ("changes", "crm", "board:1"))
        self.assertEqual((data["from"], data["to"]), (0, 1))
        self.assertEqual(delivery, f"crm/board:1/changes/{data['epoch']}/0-1")
        self.assertEqual(data["entries"][0]["ops"][0]["path"], "title")
        self.assertEqual(data["entries"][0]["ops"][0]["value"], "Plan")
        self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(receiver.problems, [])
        self.wait_status(server, lambda row: row["delivered"] == 1 and row["behind"] == 0, "the end of it")
        self.assertIn("tandem_webhook_deliveries_total 1\n", request(server, "/metrics")[2])

    def test_everything_comes_in_order_through_failures_and_kills(self):
        chance, calm = random.Random(7), threading.Event()

        def flaky(handler, body):
            if calm.is_set():
                return False
            fate = chance.random()
            if fate < 0.1:
                return handler.answer(500)
            if fate < 0.15:
                return handler.answer(429, [("Retry-After", "0")])
            if fate < 0.2:  # the answer ends in the middle
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                handler.close_connection = True
                return True
            if fate < 0.25:
                handler.connection.shutdown(socket.SHUT_RDWR)
                handler.close_connection = True
                return True
            if fate < 0.27:
                threading.Event().wait(0.5)  # longer than the webhook has patience
                return False
            return False

        receiver = self.receiver(flaky)
        hook = {"url": receiver.url, "batch_entries": 10, "timeout_ms": 300}
        channels = [f"board:{i}" for i in range(6)]
        acked = {channel: 0 for channel in channels}

        def write(server, channel):
            try:
                client = self.connect(server)
                while True:
                    client.send({"push": {"channel": channel, "counter": 0, "ops": [put("n", acked[channel])]}})
                    acked[channel] = next_of(client, "ack")["seq"]
            except (CheckFailed, OSError):
                pass

        for round_ in range(3):
            server = self.serve(hook)
            threads = [threading.Thread(target=write, args=(server, channel)) for channel in channels]
            for thread in threads:
                thread.start()
            seen = len(receiver.seen)
            receiver.wait(lambda r, seen=seen: len(r.seen) >= seen + 60, f"deliveries under load, round {round_}")
            self.kill(server)
            for thread in threads:
                thread.join()
        calm.set()
        server = self.serve(hook)
        heads = {row["name"]: row["head"] for row in request(server, "/api/v1/channels")[2]["channels"]}
        self.assertTrue(all(heads[channel] >= acked[channel] > 0 for channel in channels), (heads, acked))

        def is_complete(r):
            told = {}
            for body in r.bodies("changes"):
                told[body["data"]["channel"]] = max(told.get(body["data"]["channel"], 0), body["data"]["to"])
            return all(told.get(channel) == heads[channel] for channel in channels)

        receiver.wait(is_complete, "all that was written", 60)
        for channel in channels:
            entries = entries_of(receiver.bodies("changes"), channel)
            self.assertEqual([entry["seq"] for entry in entries], list(range(1, heads[channel] + 1)))
        self.assertEqual(receiver.problems, [])
        self.assertEqual(receiver.bodies("gap") + receiver.bodies("reset"), [])
        # The same range is the same bytes however often it comes.
        bodies = {}
        for _, delivery, raw in receiver.attempts:
            self.assertEqual(bodies.setdefault(delivery, raw), raw)
        self.assertGreater(len(receiver.attempts), len(receiver.seen))

    def test_new_webhooks_begin_at_the_head_or_at_the_start(self):
        server = self.start("--config", self.config())
        for n in range(3):
            patch(server, "board:old", [put("title", str(n))])
        server.stop()
        head, start, narrow = self.receiver(), self.receiver(), self.receiver()
        hooks = [{"url": head.url}, {"url": start.url, "name": "mirror", "from": "start"},
                 {"url": narrow.url, "name": "narrow", "channels": ["board:n*"]}]
        server = self.serve(*hooks)
        patch(server, "board:old", [put("title", "3")])
        patch(server, "board:new", [put("title", "a")])
        for receiver, expected in ((head, {"board:old": 3, "board:new": 0}), (start, {"board:old": 0, "board:new": 0}),
                                   (narrow, {"board:new": 0})):
            receiver.wait(lambda r, e=expected: len({b["data"]["channel"] for b in r.bodies("changes")}) == len(e),
                          f"{expected}")
            first = {}
            for body in receiver.bodies("changes"):
                first.setdefault(body["data"]["channel"], body["data"]["from"])
            self.assertEqual(first, expected)
        server.stop()
        # One that covers more from now on begins at the head there.
        hooks[2]["channels"] = ["board:*"]
        server = self.serve(*hooks)
        patch(server, "board:old", [put("title", "4")])
        narrow.wait(lambda r: r.bodies("changes")[-1]["data"]["channel"] == "board:old", "the wider webhook")
        self.assertEqual(narrow.bodies("changes")[-1]["data"]["from"], 4)

    def test_what_was_trimmed_is_reported(self):
        down = threading.Event()
        receiver = self.receiver(lambda handler, body: handler.answer(503) if down.is_set() else False)
        server = self.serve({"url": receiver.url, "batch_entries": 2},
                            arguments=["--retention.entries", "4", "--retention.snapshot_every_entries", "2",
                                       "--retention.states", "0"])
        patch(server, "board:1", [put("title", "first")])
        receiver.wait(lambda r: r.seen, "the first")
        down.set()
        for n in range(40):
            patch(server, "board:1", [put("title", str(n))])
        self.wait_status(server, lambda row: row["state"] == "failing" and row["behind"] == 1, "failures")
        down.clear()
        head = request(server, "/api/v1/channels")[2]["channels"][0]["head"]
        receiver.wait(lambda r: r.bodies("changes")[-1]["data"]["to"] == head, "the head")
        gaps = [body["data"] for body in receiver.bodies("gap")]
        # One that was on its way while more was trimmed is told as it was, and the rest after it.
        self.assertIn(len(gaps), (1, 2), gaps)
        self.assertEqual({(gap["of"], gap["cause"]) for gap in gaps}, {("changes", "trimmed")})
        self.assertEqual(gaps[0]["from"], 1)
        last = 1
        for _, body in receiver.seen[1:]:
            self.assertEqual(body["data"]["from"], last, body)
            last = body["data"]["to"]
        self.wait_status(server, lambda row: row["behind"] == 0, "the end of it")
        self.assertIn(f"tandem_webhook_gaps_total {len(gaps)}\n", request(server, "/metrics")[2])

    def test_a_restored_backup_resets_and_a_deleted_channel_does(self):
        receiver = self.receiver()
        hook = {"url": receiver.url}
        server = self.serve(hook)
        patch(server, "board:1", [put("title", "kept")])
        receiver.wait(lambda r: len(r.seen) == 1, "the first")
        # The cursor is on the disk when the webhook has nothing left to do.
        server.stop()
        backup = os.path.join(self.folder, "backup.db")
        self.assertEqual(self.tandem("backup", backup, "--data", self.data).returncode, 0)
        server = self.serve(hook)
        patch(server, "board:1", [put("title", "lost")])
        receiver.wait(lambda r: len(r.seen) == 2, "the second")
        server.stop()
        self.assertEqual(self.tandem("restore", backup, "--data", self.data).returncode, 0)
        server = self.serve(hook)
        receiver.wait(lambda r: r.bodies("reset"), "the reset")
        reset = receiver.bodies("reset")[0]["data"]
        self.assertEqual((reset["channel"], reset["seq"]), ("board:1", 1))
        self.assertEqual(reset["previous_epoch"], receiver.seen[0][1]["data"]["epoch"])
        patch(server, "board:1", [put("title", "other")])
        receiver.wait(lambda r: len(r.seen) == 4, "what follows")
        last = receiver.seen[3][1]["data"]
        self.assertEqual((last["epoch"], last["from"], last["to"]), (reset["epoch"], 1, 2))
        self.assertNotEqual(receiver.seen[1][0], receiver.seen[3][0])
        # A channel that is deleted begins anew under another epoch, too.
        request(server, "/api/v1/channels/board:1", "DELETE")
        patch(server, "board:1", [put("title", "again")])
        receiver.wait(lambda r: len(r.bodies("reset")) == 2 and r.bodies("changes")[-1]["data"]["to"] == 3, "the deletion")


class Receivers(WebhookTest):
    def test_a_dead_or_slow_receiver_holds_back_no_other(self):
        held = threading.Event()
        self.addCleanup(held.set)
        slow = self.receiver(lambda handler, body: held.wait(60) and False)
        well = self.receiver()
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            server = self.serve({"url": slow.url, "name": "slow", "connections": 2, "timeout_ms": 60000},
                                {"url": dead, "name": "dead"}, {"url": well.url})
            for n in range(30):
                patch(server, f"board:{n}", [put("title", "x")])
            well.wait(lambda r: len({b["data"]["channel"] for b in r.bodies("changes")}) == 30, "the one that is well")
            row = self.wait_status(server, lambda row: row["state"] == "failing", "dead", "dead")
            self.assertLessEqual(row["under_way"], 1)
            self.assertEqual(row["behind"], 30)
            self.assertEqual(row["last_status"], 0)
            self.assertEqual(self.status(server, "slow")["under_way"], 2)
            self.assertEqual(len(slow.attempts), 2)

    def test_a_channel_that_is_refused_holds_back_no_other(self):
        bad = threading.Event()
        receiver = self.receiver(
            lambda handler, body: handler.answer(500) if not bad.is_set() and body["data"]["channel"] == "board:bad" else False)
        server = self.serve({"url": receiver.url, "connections": 1})
        patch(server, "board:bad", [put("title", "x")])
        for n in range(10):
            patch(server, f"board:{n}", [put("title", "x")])
        receiver.wait(lambda r: len(r.bodies("changes")) == 10, "the others")
        row = self.wait_status(server, lambda row: row["streams"] and row["streams"][0]["attempts"] > 1, "retries")
        self.assertEqual(row["streams"][0]["channel"], "board:bad")
        self.assertEqual(row["last_status"], 500)
        bad.set()
        receiver.wait(lambda r: len(r.bodies("changes")) == 11, "the bad one")

    def test_retry_after_is_obeyed_and_410_ends_it_until_it_is_enabled(self):
        fate = ["retry", "gone"]

        def behave(handler, body):
            if not fate:
                return False
            if fate.pop(0) == "retry":
                return handler.answer(503, [("Retry-After", "1")])
            return handler.answer(410)

        receiver = self.receiver(behave)
        hook = {"url": receiver.url}
        server = self.serve(hook)
        patch(server, "board:1", [put("title", "a")])
        self.wait_status(server, lambda row: row["state"] == "disabled", "410")
        (first, _, _), (second, _, _) = receiver.attempts
        self.assertGreaterEqual(second - first, 0.99)
        patch(server, "board:1", [put("title", "b")])
        server.stop()
        server = self.serve(hook)
        self.assertEqual(self.status(server)["state"], "disabled")
        self.assertEqual(self.tandem("webhooks", "enable", server.url, "crm").returncode, 0)
        receiver.wait(lambda r: r.bodies("changes"), "what was missed")
        self.assertEqual(receiver.bodies("changes")[0]["data"]["from"], 0)
        self.assertEqual(receiver.bodies("changes")[-1]["data"]["to"], 2)
        self.assertEqual(len(receiver.attempts), 2 + len(receiver.seen))

    def test_redirects_are_not_followed(self):
        other = self.receiver()
        receiver = self.receiver(lambda handler, body: handler.answer(302, [("Location", other.url)]))
        server = self.serve({"url": receiver.url})
        patch(server, "board:1", [put("title", "a")])
        self.wait_status(server, lambda row: row["last_status"] == 302, "the redirect")
        self.assertEqual(other.attempts, [])

    def test_private_addresses_are_refused_before_anything_is_sent(self):
        receiver = self.receiver()
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "169.254.169.254", "0.0.0.0"):
            with self.subTest(host):
                url = f"https://{host}:{receiver.port}/"
                folder = os.path.join(self.folder, str(abs(hash(host))))
                server = self.start("--config", self.config({"url": url, "allow_private": False}), data=folder)
                answer = request(server, "/api/v1/webhooks", "POST", {"name": "crm", "action": "test"})[2]
                self.assertFalse(answer["delivered"])
                self.assertIn("not public", answer["reason"])
                server.stop()
        self.assertEqual((receiver.attempts, receiver.problems), ([], []))
        bad = self.tandem("checkconfig", "--config", self.config({"url": receiver.url, "allow_private": False}))
        self.assertEqual(bad.returncode, 1)
        self.assertIn("is not encrypted", bad.stderr)

    def test_certificates_are_verified(self):
        paths = [os.path.join(self.folder, name) for name in ("cert.pem", "key.pem")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0],
                        "-keyout", paths[1]], check=True, capture_output=True)
        receiver = self.receiver(tls=paths)
        server = self.serve({"url": receiver.url, "name": "trusting", "ca_file": paths[0]},
                            {"url": receiver.url, "name": "careful"})
        trusting = request(server, "/api/v1/webhooks", "POST", {"name": "trusting", "action": "test"})[2]
        self.assertTrue(trusting["delivered"], trusting)
        careful = request(server, "/api/v1/webhooks", "POST", {"name": "careful", "action": "test"})[2]
        self.assertFalse(careful["delivered"], careful)
        self.assertEqual(len(receiver.seen), 1)


class Events(WebhookTest):
    def test_conflicts_are_told_when_they_open_and_when_they_close(self):
        receiver = self.receiver()
        hook = {"url": receiver.url, "events": ["conflicts"]}
        server = self.serve(hook)
        clients = [self.connect(server) for _ in range(2)]
        for client, value in zip(clients, (10, 20)):
            client.send({"push": {"channel": "board:1", "base": 0, "ops": [put("price", value)]}})
            next_of(client, "ack")
        receiver.wait(lambda r: r.bodies("conflicts"), "the conflict")
        data = receiver.bodies("conflicts")[-1]["data"]
        row = data["conflicts"][0]
        self.assertEqual((data["channel"], row["path"], row["closed_seq"]), ("board:1", "price", 0))
        self.assertEqual({row["value"], row["shown"]}, {10, 20})
        # It is decided while the server does not run for the receiver.
        self.kill(server)
        server = self.serve({**hook, "allow_private": False, "url": "https://127.0.0.1:9/"})
        decision = {"path": "price", "dot": row["dot"], "decision": "keep"}
        self.assertEqual(request(server, "/api/v1/channels/board:1/conflicts", "POST", decision)[0], 200)
        self.kill(server)
        self.serve(hook)
        receiver.wait(lambda r: r.bodies("conflicts")[-1]["data"]["conflicts"][0]["closed_seq"] == 3, "the decision")
        self.assertEqual(receiver.bodies("changes"), [])

    def test_presence_is_told_as_it_is_now(self):
        receiver = self.receiver()
        server = self.serve({"url": receiver.url, "events": ["presence"]})
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:1"}})
        next_of(client, "snapshot")
        client.send({"presence": {"channel": "board:1", "state": {"name": "Ada"}}})
        receiver.wait(lambda r: r.bodies("presence"), "the member")
        data = receiver.bodies("presence")[-1]["data"]
        self.assertEqual(data["channel"], "board:1")
        self.assertEqual([member["state"] for member in data["members"]], [{"name": "Ada"}])
        client.send({"presence": {"channel": "board:1", "leave": True}})
        receiver.wait(lambda r: r.bodies("presence")[-1]["data"]["members"] == [], "the farewell")
        numbers = [body["data"]["number"] for body in receiver.bodies("presence")]
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_both_secrets_sign_while_they_are_changed(self):
        new, old = self.receiver(), self.receiver(secret=OLD_SECRET)
        both = [SECRET, OLD_SECRET]
        server = self.serve({"url": new.url, "secret": both}, {"url": old.url, "name": "old", "secret": both})
        patch(server, "board:1", [put("title", "a")])
        for receiver in (new, old):
            receiver.wait(lambda r: r.seen, "the change")
            self.assertEqual(receiver.problems, [])


class Documentation(WebhookTest):
    def test_the_receivers_of_the_page_take_what_is_signed_and_nothing_else(self):
        page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
        self.write_file("crm.secret", SECRET + "\n")
        for language, name, command in (("python", "hook.py", "python3"), ("js", "hook.mjs", "node")):
            with self.subTest(language):
                code = page.split(f"```{language}\n")[1].split("```")[0]
                self.assertLessEqual(len(code.splitlines()), 20)
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    port = free.getsockname()[1]
                self.assertIn("9000", code)
                path = self.write_file(name, code.replace("9000", str(port)))
                process = subprocess.Popen([command, path], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                           env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True)
                self.addCleanup(process.stdout.close)
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                url = f"http://127.0.0.1:{port}/"
                server = self.start("--config", self.config({"url": url}, {"url": url, "name": "other", "secret": OLD_SECRET}),
                                    data=os.path.join(self.folder, language))
                patch(server, "board:1", [put("title", "Plan")])
                printed = process.stdout.readline()
                self.assertIn("Plan", printed)
                self.assertIn("crm", printed)
                row = self.wait_status(server, lambda row: row["last_status"] != 0, "a wrong signature", "other")
                self.assertEqual((row["last_status"], row["delivered"]), (400, 0))


class Operations(WebhookTest):
    def test_the_command_line_lists_tests_and_retries(self):
        answers = [503]
        receiver = self.receiver(lambda handler, body: handler.answer(answers[0]) if answers else False)
        server = self.serve({"url": receiver.url + "?key=hidden", "retry_min_ms": 60000, "retry_max_ms": 60000})
        patch(server, "board:1", [put("title", "a")])
        self.wait_status(server, lambda row: row["state"] == "failing", "the failure")
        listed = self.tandem("webhooks", "list", server.url)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for text in ("crm", "failing", "it answered 503"):
            self.assertIn(text, listed.stdout)
        self.assertNotIn("hidden", listed.stdout + self.tandem("webhooks", "list", server.url, "--json").stdout)
        test = self.tandem("webhooks", "test", server.url, "crm")
        self.assertEqual(test.returncode, 1)
        self.assertIn("503", test.stderr)
        answers.clear()
        self.assertEqual(self.tandem("webhooks", "test", server.url, "crm").returncode, 0)
        self.assertEqual(self.tandem("webhooks", "retry", server.url, "crm").returncode, 0)
        receiver.wait(lambda r: r.bodies("changes"), "the retry")
        self.assertEqual(self.tandem("webhooks", "disable", server.url, "crm").returncode, 0)
        self.assertEqual(self.status(server)["state"], "disabled")
        patch(server, "board:1", [put("title", "untold")])
        self.assertIsNone(self.status(server)["behind"], "nobody counts for it")
        self.assertIn("not counted", self.tandem("webhooks", "list", server.url).stdout)
        unknown = self.tandem("webhooks", "retry", server.url, "nobody")
        self.assertEqual(unknown.returncode, 1)
        secret = self.tandem("webhooks", "secret").stdout.strip()
        self.assertEqual(len(base64.b64decode(secret.removeprefix("whsec_"))), 32)
        self.assertEqual(urllib.parse.urlsplit(self.status(server)["url"]).path, "/hook")

    def test_wrong_settings_are_named(self):
        for member, value, text in (("secret", "short", "whsec_"), ("events", ["all"], "changes, conflicts"),
                                    ("url", "ftp://x", "https://"), ("name", "a b", "letters"), ("color", "red", "not known"),
                                    ("batch_entries", 0, "1 to 1000"), ("channels", [], "patterns"), ("secret", None, "secret")):
            with self.subTest(member):
                path = self.config({"url": "https://example.org/", member: value})
                checked = self.tandem("checkconfig", "--config", path)
                self.assertEqual(checked.returncode, 1)
                self.assertIn(text, checked.stderr)
        secret = self.write_file("secret", SECRET + "\n" + OLD_SECRET + "\n")
        path = self.config({"url": "https://example.org/", "secret": None, "secret_file": secret})
        self.assertEqual(self.tandem("checkconfig", "--config", path).returncode, 0)
