"""A sample of the benchmark `crash`: what was acknowledged is there after the server ended in the middle of its work."""

import pathlib
import sys
import types

from support import BINARY, ROOT, ProcessTest

sys.path.insert(0, str(ROOT / "bench"))
import crash  # noqa: E402
import measures  # noqa: E402


class Crash(ProcessTest):
    def run_mode(self, mode, events):
        rig = types.SimpleNamespace(binary=pathlib.Path(BINARY), data_root=self.folder)
        outcome = measures.Outcome()
        crash.MODES[mode](rig, events, outcome)
        found = outcome.metrics
        self.assertGreater(found["acked"], 0)
        self.assertEqual((found["acked_lost"], found["seq_gaps"]), (0, 0))
        return found

    def test_kill_9_at_random_moments_under_load(self):
        self.assertEqual(self.run_mode("kill", 12)["events"], 12)

    def test_a_sync_that_fails_ends_the_server_whichever_it_is(self):
        found = self.run_mode("eio", None)
        self.assertEqual((found["went_on"], found["synced_again"]), (0, 0))
        self.assertGreater(found["refused_to_start"], 3)
        self.assertGreater(found["stopped"], 20)

    def test_a_write_that_is_missing_is_seen(self):
        """The check itself: a ledger that was told of a write which the server never had."""
        server = self.start()
        ledger = crash.Ledger()
        ledger.waiting.append(("board:crash-0", 1, "never written"))
        ledger.compare(server)
        self.assertEqual(ledger.lost, 1)
