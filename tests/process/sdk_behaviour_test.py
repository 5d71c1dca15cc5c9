"""What the C++ SDK does with two clients, with threads, and when it is killed."""

import os
import pathlib
import random
import signal
import subprocess
import time

from support import BINARY, ProcessTest, patch, put, record, request

PROGRAM = str(pathlib.Path(BINARY).parent / "tandem_sdk_behaviour")
CHANNEL = "board:1"


class SdkBehaviour(ProcessTest):
    def behave(self, what, *more, channel=CHANNEL):
        server = self.start()
        done = subprocess.run([PROGRAM, server.url, channel, what, *more], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        return server

    def test_presence(self):
        self.behave("presence")

    def test_signals(self):
        self.behave("signals")

    def test_what_is_written_outside_of_callbacks_is_due_at_once(self):
        self.behave("written_outside")

    def test_conflicts(self):
        self.behave("conflicts")

    def test_history(self):
        self.behave("history")

    def test_transactions(self):
        self.behave("transactions")

    def test_past(self):
        self.behave("past")

    def test_whole_objects(self):
        self.behave("whole")

    def test_a_backend_writes_request_by_request(self):
        server = self.behave("backend")
        # It is no device: nothing remembers it.
        authors = {entry["actor"] for entry in request(server, "/api/v1/channels/board:1/entries")[2]["entries"]}
        self.assertEqual(authors, {1})

    def test_a_channel_that_is_refused_is_told(self):
        self.behave("refused", channel="nothing:1")

    def test_all_of_it_in_c(self):
        server = self.start()
        program = str(pathlib.Path(PROGRAM).parent / "tandem_abi_behaviour")
        done = subprocess.run([program, server.url, CHANNEL], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_a_file_that_cannot_be_written(self):
        server = self.behave("full", os.path.join(self.folder, "outbox.db"))
        self.assertEqual(record(server, CHANNEL)["value"], {"votes": 111})

    def test_a_thread_of_its_own(self):
        server = self.behave("threads", os.path.join(self.folder, "outbox.db"))
        value = record(server, CHANNEL)["value"]
        self.assertEqual((value["votes"], len(value["cards"]), value["title"]), (4200, 200, "end"))

    def reader(self, server, *after, channel=CHANNEL):
        reader = subprocess.Popen([PROGRAM, server.url, channel, "log", *after], stdout=subprocess.PIPE, text=True)
        self.addCleanup(reader.stdout.close)
        self.addCleanup(lambda: reader.poll() is None and reader.kill())
        return reader

    def test_the_log_is_read_entry_by_entry(self):
        server = self.start()
        patch(server, CHANNEL, [put("title", "one"), {"op": "inc", "path": "votes", "value": 2}])
        reader, newcomer = self.reader(server, "0"), self.reader(server)

        def lines(count):
            return [reader.stdout.readline().rstrip() for _ in range(count)]

        self.assertEqual(lines(2), ['set title "one"', "inc votes 2"])
        self.assertEqual(newcomer.stdout.readline(), 'state {"title":"one","votes":2} after -1\n')
        # Of one that comes alone it is told what shows since.
        patch(server, CHANNEL, [{"op": "inc", "path": "votes", "value": 3}])
        self.assertEqual(lines(1), ["inc votes 3 5"])
        client = self.connect(server)
        client.send({"subscribe": {"channel": CHANNEL}})
        client.send({"signal": {"channel": CHANNEL, "name": "ring", "value": [1]}})
        self.assertEqual(lines(1), ["signal ring [1]"])
        client.close()
        # Cut off, it goes on where it was.
        server.stop()
        self.assertEqual(lines(1), ["lost after 2"])
        server = self.start("--port", str(server.address.port))
        for word in ("two", "end"):
            patch(server, CHANNEL, [put("title", word)])
        self.assertEqual(lines(2), ['set title "two"', 'set title "end"'])
        self.assertEqual(reader.wait(15), 0)
        self.assertEqual(newcomer.wait(15), 0)

    def test_what_the_log_has_no_more_is_told(self):
        server = self.start("--retention.entries", "5", "--retention.snapshot_every_entries", "2")
        for number in range(40):
            patch(server, CHANNEL, [put("title", f"t{number}")])
        reader = self.reader(server, "2")
        self.assertEqual(reader.stdout.readline(), 'state {"title":"t39"} after 2\n')
        refused = self.reader(server, channel="nowhere:1")
        self.assertEqual(refused.stdout.readline(), "refused unknown_namespace\n")
        self.assertEqual(refused.wait(15), 0)

    def test_a_thread_of_its_own_comes_back(self):
        server = self.start()
        counter = subprocess.Popen([PROGRAM, server.url, CHANNEL, "lines"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(counter.stdout.close)
        self.addCleanup(lambda: counter.poll() is None and counter.kill())

        def add(count):
            counter.stdin.write("\n" * count)
            counter.stdin.flush()
            return [int(counter.stdout.readline()) for _ in range(count)]

        add(5)
        server.stop()
        waiting = add(5)
        self.assertGreaterEqual(waiting[-1], 5)
        again = self.start("--port", str(server.address.port))
        add(5)
        counter.stdin.close()
        self.assertEqual(counter.stdout.readline(), "15\n")
        self.assertEqual(counter.wait(20), 0)
        self.assertEqual(record(again, CHANNEL)["value"], {"votes": 15})


class SdkKilled(ProcessTest):
    """An outbox whose program is killed -9 again and again."""

    def edit_and_kill(self, url, outbox, first, lines, after_s):
        """The edits that were told as kept, of a program killed some time after so many of them."""
        editor = subprocess.Popen([PROGRAM, url, CHANNEL, "edit", outbox, str(first)], stdout=subprocess.PIPE)
        try:
            told = b"".join(editor.stdout.readline() for _ in range(lines))
            time.sleep(after_s)
        finally:
            editor.send_signal(signal.SIGKILL)
            told += editor.stdout.read()
            editor.stdout.close()
            editor.wait()
        # The last line may be cut off.
        return [int(line) for line in told[:told.rfind(b"\n") + 1].split()]

    def until_all_is_sent(self, server, outbox):
        done = subprocess.run([str(pathlib.Path(PROGRAM).parent / "tandem_sdk_example"), server.url, CHANNEL, outbox, "sync"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return record(server, CHANNEL)["value"]

    def test_every_edit_is_there_once(self):
        seed = int(os.environ.get("TANDEM_TEST_SEED", random.randrange(2**31)))
        print(f"seed {seed}", end=" ", flush=True)
        rng = random.Random(seed)
        outbox = os.path.join(self.folder, "outbox.db")
        server = self.start()
        kept = []
        for turn in range(40):
            # Half of them while the server is away, so that what waits is restored and added to; it comes back in between.
            is_there = server.process.poll() is None
            if turn % 5 == 0 and is_there:
                server.stop()
            elif turn % 5 == 3 and not is_there:
                server = self.start("--port", str(server.address.port))
            kept += self.edit_and_kill(server.url, outbox, turn * 100_000, rng.randrange(1, 20), rng.random() * 0.01)
        if server.process.poll() is not None:
            server = self.start("--port", str(server.address.port))
        value = self.until_all_is_sent(server, outbox)
        there = set(value["edits"].values())
        self.assertGreater(len(kept), 40, f"seed {seed}")
        self.assertEqual(set(kept) - there, set(), f"seed {seed}: edits that were kept are lost")
        self.assertEqual(value["votes"], len(there), f"seed {seed}: edits took effect more or less than once")
        # One that was being kept when the program was killed may be there, too; no more than that.
        self.assertLessEqual(len(there) - len(kept), 40, f"seed {seed}")

    def test_others_write_meanwhile(self):
        outbox = os.path.join(self.folder, "outbox.db")
        server = self.start()
        kept = []
        for turn in range(5):
            kept += self.edit_and_kill(server.url, outbox, turn * 100_000, 5, 0)
            patch(server, CHANNEL, [{"op": "inc", "path": "votes", "value": 1000}, put("title", f"turn {turn}")])
        value = self.until_all_is_sent(server, outbox)
        self.assertEqual(set(kept) - set(value["edits"].values()), set())
        self.assertEqual((value["votes"], value["title"]), (5000 + len(value["edits"]), "turn 4"))
