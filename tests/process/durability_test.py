"""What was acknowledged is there after a kill, exactly once, and in order."""

import os
import signal
import threading
import time

from check_run import CheckFailed
from support import ProcessTest, next_of, patch, put, record, request


class Durability(ProcessTest):
    def kill(self, server):
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()

    def test_acknowledged_writes_survive_kill_9_under_load(self):
        server = self.start()
        acked = [[] for _ in range(4)]

        def write(index):
            client = self.connect(server)
            try:
                for n in range(100_000):
                    client.send({"push": {"channel": "board:k", "counter": n + 1,
                                          "ops": [put(f"w{index}/n{n % 7}", n)]}})
                    ack = next_of(client, "ack")
                    acked[index].append((ack["seq"], n))
            except (CheckFailed, OSError):
                pass

        threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while min(len(rows) for rows in acked) < 50:
            self.assertLess(time.monotonic(), deadline, "no progress")
            time.sleep(0.01)
        self.kill(server)
        for thread in threads:
            thread.join()
        again = self.start()
        entries, after = [], 0
        while True:
            page = request(again, f"/api/v1/channels/board:k/entries?after={after}&limit=1000")[2]["entries"]
            if not page:
                break
            entries += page
            after = page[-1]["seq"]
        self.assertEqual([e["seq"] for e in entries], list(range(1, len(entries) + 1)))
        written = {e["seq"]: e["ops"][0]["value"] for e in entries}
        for rows in acked:
            for seq, n in rows:
                self.assertEqual(written.get(seq), n)

    def test_a_retried_push_takes_effect_once(self):
        server = self.start()
        push = {"push": {"channel": "board:r", "actor": 4242424242, "counter": 1,
                         "ops": [{"op": "inc", "path": "votes", "value": 1}]}}
        first = self.connect(server)
        first.send(push)
        seq = next_of(first, "ack")["seq"]
        self.kill(server)
        server = self.start()
        second = self.connect(server)
        second.send(push)
        ack = next_of(second, "ack")
        self.assertEqual((ack["seq"], ack["duplicate"]), (seq, True))
        self.assertEqual(record(server, "board:r")["value"], {"votes": 1})

    def test_counters_of_an_outbox(self):
        server = self.start()
        client = self.connect(server)

        def push(counter, value, **more):
            client.send({"push": {"channel": "board:c", "actor": 777777777, "counter": counter,
                                  "ops": [put("title", value)], **more}})

        push(2, "early")
        self.assertEqual(next_of(client, "error")["code"], "counter_gap")
        push(1, "one")
        self.assertEqual(next_of(client, "ack")["seq"], 1)
        push(1, "another")
        self.assertEqual(next_of(client, "error")["code"], "actor_forked")
        push(2, 5)
        self.assertEqual(next_of(client, "error")["code"], "wrong_type")
        client.send({"push": {"channel": "board:c", "actor": 777777777, "counter": 2, "skip": True, "ops": []}})
        self.assertEqual(next_of(client, "ack")["seq"], 2)
        push(3, "three")
        self.assertEqual(next_of(client, "ack")["seq"], 3)
        push(1, "one")
        ack = next_of(client, "ack")
        self.assertEqual((ack["seq"], ack["duplicate"]), (1, True))
        self.assertEqual(record(server, "board:c")["value"], {"title": "three"})

    def test_resume_is_contiguous_across_a_restart(self):
        server = self.start()
        client = self.connect(server)
        for n in range(30):
            client.send({"push": {"channel": "board:s", "ops": [put("title", f"v{n}")]}})
            next_of(client, "ack")
        self.kill(server)
        server = self.start()
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:s", "after": 10}})
        seen, at = [], 10
        while at < 30:
            entries = next_of(client, "entries")
            self.assertEqual(entries["from"], at)
            seen += [item["seq"] for item in entries["items"]]
            at = entries["to"]
        self.assertEqual(seen, list(range(11, 31)))

    def test_backup_under_load_and_restore_start_a_new_epoch(self):
        server = self.start()
        client = self.connect(server)
        for n in range(20):
            client.send({"push": {"channel": "board:b", "ops": [put("title", f"v{n}")]}})
            next_of(client, "ack")
        backup = os.path.join(self.folder, "copy.db")
        made = self.tandem("backup", backup, "--data", self.data)
        self.assertEqual(made.returncode, 0, made.stderr)
        held = self.tandem("restore", backup, "--data", self.data)
        self.assertEqual(held.returncode, 1)
        self.assertIn("in use", held.stderr)
        for n in range(20, 25):
            client.send({"push": {"channel": "board:b", "ops": [put("title", f"v{n}")]}})
            next_of(client, "ack")
        before = record(server, "board:b")
        server.stop()
        restored = self.tandem("restore", backup, "--data", self.data)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        server = self.start()
        after = record(server, "board:b")
        self.assertEqual((after["seq"], after["value"]), (20, {"title": "v19"}))
        self.assertNotEqual(after["epoch"], before["epoch"])
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:b", "after": {"epoch": before["epoch"], "seq": 25}}})
        snapshot = next_of(client, "snapshot")
        self.assertEqual((snapshot["reset"], snapshot["seq"], snapshot["value"]),
                         (True, 20, {"title": "v19"}))

    def test_shutdown_tells_clients_to_come_back(self):
        server = self.start("--server.reconnect_after_ms", "1234")
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:d"}})
        next_of(client, "snapshot")
        server.process.send_signal(signal.SIGTERM)
        bye = next_of(client, "bye")
        self.assertEqual((bye["code"], bye["reconnect_after_ms"]), ("shutting_down", 1234))
        self.assertEqual(server.process.wait(15), 0)

    def test_trimmed_history_resets_old_cursors(self):
        server = self.start("--retention.entries", "20", "--retention.snapshot_every_entries", "10")
        client = self.connect(server)
        for n in range(120):
            client.send({"push": {"channel": "board:t", "ops": [put(f"k{n % 5}", n)]}})
            next_of(client, "ack")
        server.stop()
        server = self.start("--retention.entries", "20", "--retention.snapshot_every_entries", "10")
        client = self.connect(server)
        client.send({"subscribe": {"channel": "board:t", "after": 3}})
        snapshot = next_of(client, "snapshot")
        self.assertTrue(snapshot["reset"])
        self.assertEqual(snapshot["value"], record(server, "board:t")["value"])
        self.assertEqual(snapshot["value"], {f"k{n % 5}": n for n in range(115, 120)})

    def test_patch_is_idempotent_by_key(self):
        server = self.start()
        op = [{"op": "inc", "path": "votes", "value": 1}]
        first = patch(server, "board:i", op, {"Idempotency-Key": "k1"})
        again = patch(server, "board:i", op, {"Idempotency-Key": "k1"})
        self.assertEqual((first[0], again[0], again[2]["seq"]), (200, 200, first[2]["seq"]))
        other = patch(server, "board:i", [{"op": "inc", "path": "votes", "value": 2}], {"Idempotency-Key": "k1"})
        self.assertEqual((other[0], other[2]["error"]["code"]), (422, "idempotency_mismatch"))
        self.kill(server)
        server = self.start()
        late = patch(server, "board:i", op, {"Idempotency-Key": "k1"})
        self.assertEqual(late[2]["seq"], first[2]["seq"])
        self.assertEqual(record(server, "board:i")["value"], {"votes": 1})
