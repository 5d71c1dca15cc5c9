"""Stock Yjs providers, from npm, against the shipped binary. The scenarios are in tests/text."""

import subprocess
import unittest

from support import BINARY, ROOT


class Scenarios(unittest.TestCase):
    file = "providers.mjs"

    def scenario(self, name):
        done = subprocess.run(["node", self.file, name, BINARY], cwd=ROOT / "tests" / "text", capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Providers(Scenarios):
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

    def test_messages_are_compressed(self):
        self.scenario("compressed")

    def test_eight_at_once_with_reconnects(self):
        self.scenario("many")


class Hocuspocus(Scenarios):
    """Versions 2 and 4 of its provider, and y-websocket beside them."""

    file = "hocuspocus.mjs"

    def test_editors_of_all_providers_are_in_step(self):
        self.scenario("sync")

    def test_several_documents_on_one_socket(self):
        self.scenario("documents")

    def test_two_sessions_of_one_document_on_one_socket(self):
        self.scenario("sessions")

    def test_offline_edits_come_together(self):
        self.scenario("offline")

    def test_a_killed_server_loses_nothing_that_it_acknowledged(self):
        self.scenario("killed")

    def test_an_agent_that_types_along_over_http(self):
        self.scenario("agent")

    def test_a_namespace_that_editors_only_read(self):
        self.scenario("readonly")

    def test_stateless_messages(self):
        self.scenario("stateless")

    def test_a_document_that_is_denied(self):
        self.scenario("denied")

    def test_a_channel_that_is_deleted(self):
        self.scenario("deleted")

    def test_eight_at_once_with_reconnects(self):
        self.scenario("many")


class Connection(Scenarios):
    """Texts over the connection of @tandem/client, built from its sources."""

    file = "connection.mjs"

    def test_texts_and_the_record_share_a_connection(self):
        self.scenario("sync")

    def test_several_texts_of_a_channel(self):
        self.scenario("several")

    def test_offline_edits_come_together(self):
        self.scenario("offline")

    def test_a_killed_server_loses_nothing(self):
        self.scenario("killed")

    def test_what_is_saved_is_on_the_disk(self):
        self.scenario("saved")

    def test_who_is_there_and_who_comes_back(self):
        self.scenario("awareness")

    def test_messages_of_megabytes_in_pieces(self):
        self.scenario("large")

    def test_a_refused_update_is_told(self):
        self.scenario("refused")

    def test_a_namespace_that_editors_only_read(self):
        self.scenario("readonly")

    def test_a_deleted_channel_closes_its_texts(self):
        self.scenario("deleted")

    def test_versions_of_a_text(self):
        self.scenario("versions")

    def test_texts_in_json(self):
        self.scenario("json")

    def test_seven_at_once_with_reconnects(self):
        self.scenario("many")
