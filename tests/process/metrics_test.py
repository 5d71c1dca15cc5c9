"""/metrics: the text is what a strict reader takes, and the histograms have what happened."""

import time
import urllib.request

import prometheus
from support import ProcessTest, next_of, patch, put
from websocket_test import Peer

WAIT_S = 20
ALWAYS = ("tandem_connections", "tandem_pushes_total", "tandem_store_commit_seconds", "tandem_store_sync_seconds",
          "tandem_write_to_ack_seconds", "tandem_commit_to_send_seconds", "tandem_loop_lag_seconds")


def scrape(server):
    with urllib.request.urlopen(server.url + "/metrics", timeout=15) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return prometheus.parse(answer.read().decode())


def histogram(metrics, name, labels=""):
    """(sum, count)."""
    return prometheus.series(metrics[name])[labels][1:]


class Metrics(ProcessTest):
    def until(self, server, condition):
        """The metrics, once that is true of them."""
        deadline = time.monotonic() + WAIT_S
        while True:
            metrics = scrape(server)
            if condition(metrics):
                return metrics
            self.assertLess(time.monotonic(), deadline, {name: metric.samples for name, metric in metrics.items()})
            time.sleep(0.02)

    def test_a_server_that_did_nothing_tells_all_of_it(self):
        metrics = scrape(self.start())
        for name in ALWAYS:
            self.assertIn(name, metrics)
        self.assertEqual(histogram(metrics, "tandem_write_to_ack_seconds"), (0, 0))
        started = metrics["tandem_process_start_time_seconds"].value()
        self.assertLess(abs(time.time() - started), 60)

    def test_every_write_is_measured_on_every_loop(self):
        server = self.start("--server.threads", "3")
        began = time.monotonic()
        clients = [self.connect(server) for _ in range(6)]
        for client in clients:
            client.send({"subscribe": {"channel": "board:many"}})
            next_of(client, "snapshot")
        channels = [f"board:{name}" for name in "abcdefgh"]
        for counter in range(1, 11):
            for client in clients:
                for channel in channels:
                    client.send({"push": {"channel": channel, "ops": [put("title", str(counter))]}})
        for client in clients:
            for _ in range(10 * len(channels)):
                next_of(client, "ack")
        for _ in range(5):
            patch(server, "board:many", [put("title", "over HTTP")])
        writes = 6 * 10 * len(channels) + 5
        metrics = self.until(server, lambda m: histogram(m, "tandem_write_to_ack_seconds")[1] >= writes)
        total, count = histogram(metrics, "tandem_write_to_ack_seconds")
        self.assertEqual(count, writes)
        self.assertEqual(metrics["tandem_pushes_total"].value(), writes)
        elapsed = time.monotonic() - began
        self.assertLess(total, writes * elapsed)
        self.assertGreater(total, 0)
        commits = metrics["tandem_store_commits_total"].value()
        self.assertEqual(histogram(metrics, "tandem_store_commit_seconds")[1], commits)
        # One sync a commit, and those that began the store.
        synced, syncs = histogram(metrics, "tandem_store_sync_seconds")
        self.assertGreaterEqual(syncs, commits)
        self.assertTrue(0 < synced < elapsed + 60)
        self.assertGreaterEqual(histogram(metrics, "tandem_commit_to_send_seconds")[1], 1)
        self.assertEqual(metrics["tandem_loops"].value(), 3)
        lags = prometheus.series(metrics["tandem_loop_lag_seconds"])
        self.assertEqual(sorted(lags), ['loop="0"', 'loop="1"', 'loop="2"'])
        for _, total, count in lags.values():
            self.assertGreater(count, 0)
            self.assertLess(total, elapsed + 60)

    def test_what_compression_saves_is_counted(self):
        server = self.start()
        reader = Peer(server.url, "/connection/websocket", offers="permessage-deflate",
                      headers=["Sec-WebSocket-Protocol: tandem.v1.json"])
        self.addCleanup(reader.end)
        reader.send(1, b'{"subscribe":{"channel":"board:a"}}')
        while b'"snapshot"' not in reader.message()[1]:
            pass
        self.assertEqual(scrape(server)["tandem_deflate_saved_bytes_total"].value(), 0)
        patch(server, "board:a", [put("title", "again and " * 1000)])
        before = reader.received
        while b"again and again" not in reader.message()[1]:
            pass
        metrics = self.until(server, lambda m: m["tandem_deflated_frames_total"].value() == 1)
        saved = metrics["tandem_deflate_saved_bytes_total"].value()
        self.assertGreater(saved, 9_000)
        self.assertLess(reader.received - before, 1_000)
        # Who does not take it saves nothing.
        self.connect(server).send({"subscribe": {"channel": "board:a"}})
        self.until(server, lambda m: m["tandem_subscriptions"].value() == 2)
        self.assertEqual(scrape(server)["tandem_deflate_saved_bytes_total"].value(), saved)
