"""Stock Yjs providers, from npm, against the shipped binary. The scenarios are in tests/text/providers.mjs."""

import subprocess
import unittest

from support import BINARY, ROOT


class Providers(unittest.TestCase):
    def scenario(self, name):
        done = subprocess.run(["node", "providers.mjs", name, BINARY], cwd=ROOT / "tests" / "text", capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_two_editors_are_in_step(self):
        self.scenario("sync")

    def test_a_room_is_a_channel_and_a_text(self):
        self.scenario("rooms")

    def test_offline_edits_come_together(self):
        self.scenario("offline")

    def test_a_killed_server_loses_nothing(self):
        self.scenario("killed")

    def test_who_is_there_and_who_has_gone(self):
        self.scenario("awareness")

    def test_messages_of_megabytes(self):
        self.scenario("large")

    def test_eight_at_once_with_reconnects(self):
        self.scenario("many")
