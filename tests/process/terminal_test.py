"""The example in examples/cpp-terminal, built as its README line says and used as a person would: in a terminal."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

from support import BINARY, ROOT, ProcessTest, patch, put, record

FOLDER = ROOT / "examples" / "cpp-terminal"
BOARD = "board:kitchen"
WAIT_S = 20


def install_sdk(prefix):
    """Installs the SDK of the build that is tested; what programs that link it must be compiled with."""
    build = pathlib.Path(BINARY).parent
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    sanitizers = re.search(r"^TANDEM_SANITIZE:\w+=(.*)$", cache, re.M)[1]
    run_cmake("--install", str(build), "--component", "sdk", "--prefix", prefix)
    return f"-fsanitize={sanitizers}" if sanitizers else ""


def run_cmake(*arguments):
    done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class Terminal:
    """The program in a terminal of its own, and what its screen shows now."""

    def __init__(self, program, url, name, outbox):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen([program, url, "kitchen", outbox], stdin=slave, stdout=slave,
                                        env={**os.environ, "USER": name}, start_new_session=True)
        os.close(slave)
        self.output = b""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def screen(self):
        """What was drawn since the screen was cleared last."""
        text = self.output.rsplit(b"\x1b[2J", 1)[-1].decode(errors="replace")
        return text.replace("\r", "")

    def wait_for(self, what, is_there):
        deadline = time.monotonic() + WAIT_S
        while not is_there(self.screen()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{what}: the screen is\n{self.screen()}")
            if select.select([self.master], [], [], left)[0]:
                self.output = (self.output + os.read(self.master, 65536))[-65536:]

    def wait_for_text(self, text):
        self.wait_for(f"{text!r} is not shown", lambda screen: text in screen)

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT_S)

    def close(self):
        self.kill()
        os.close(self.master)


class TerminalExample(ProcessTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="tandem-terminal-")
        cls.addClassCleanup(folder.cleanup)
        flags = install_sdk(folder.name + "/sdk")
        run_cmake("-G", "Ninja", "-S", str(FOLDER), "-B", folder.name + "/out", f"-DCMAKE_PREFIX_PATH={folder.name}/sdk",
                  f"-DCMAKE_CXX_FLAGS={flags} -Wall -Wextra -Werror")
        run_cmake("--build", folder.name + "/out")
        cls.program = folder.name + "/out/terminal"

    def open(self, server, name):
        terminal = Terminal(self.program, server.url, name, os.path.join(self.folder, name + ".outbox"))
        self.addCleanup(terminal.close)
        return terminal

    def cards(self, server):
        return [(card["text"], card["done"]) for card in record(server, BOARD)["value"].get("cards", [])]

    def until_server_has(self, server, cards):
        deadline = time.monotonic() + WAIT_S
        while self.cards(server) != cards:
            self.assertLess(time.monotonic(), deadline, self.cards(server))
            time.sleep(0.02)

    def test_it_is_small(self):
        self.assertLessEqual(len((FOLDER / "main.cpp").read_text(encoding="utf-8").splitlines()), 150)

    def test_keys_write_and_others_are_seen(self):
        server = self.start("--config", str(FOLDER / "tandem.toml"))
        ada = self.open(server, "ada")
        ada.wait_for_text("saved")
        for text in ("Milk", "Brå\x7fød", "Tea"):
            ada.type("a" + text + "\r")
        self.until_server_has(server, [("Milk", False), ("Brød", False), ("Tea", False)])
        ada.wait_for_text("> [ ] Milk\n  [ ] Brød\n  [ ] Tea\n")
        # Check, move, delete, take back.
        ada.type(" ")
        ada.wait_for_text("> [x] Milk")
        ada.type("jJ")
        ada.wait_for_text("  [x] Milk\n  [ ] Tea\n> [ ] Brød\n")
        ada.type("d")
        self.until_server_has(server, [("Milk", True), ("Tea", False)])
        ada.type("u")
        self.until_server_has(server, [("Milk", True), ("Tea", False), ("Brød", False)])
        # What another client writes, over HTTP; control characters do not reach the terminal.
        patch(server, BOARD, [put("title", "Kit\x1b[31mchen"), {"op": "insert", "path": "cards", "value": {"text": "Rice", "done": False}}])
        ada.wait_for_text("Kit[31mchen")
        ada.wait_for_text("  [ ] Rice\n")
        grace = self.open(server, "grace")
        grace.wait_for_text("with ada")
        ada.wait_for_text("with grace")
        grace.type("q")
        self.assertEqual(grace.process.wait(WAIT_S), 0)
        ada.wait_for("grace has gone", lambda screen: "with grace" not in screen)

    def test_a_killed_one_keeps_what_was_written_offline(self):
        server = self.start("--config", str(FOLDER / "tandem.toml"))
        ada = self.open(server, "ada")
        ada.wait_for_text("saved")
        ada.type("aMilk\r")
        self.until_server_has(server, [("Milk", False)])
        ada.wait_for_text("saved")
        server.stop()
        ada.wait_for_text("offline")
        ada.type("aTea\r ")
        ada.wait_for_text("offline, 2 waiting")
        ada.wait_for_text("> [x] Milk\n  [ ] Tea\n")
        ada.kill()
        # It shows all of it again with nobody to ask.
        again = self.open(server, "ada")
        again.wait_for_text("> [x] Milk\n  [ ] Tea\n")
        # What was acknowledged just before may not be known to be, and counts until the server says so.
        again.wait_for("edits wait", lambda screen: re.search("offline, [23] waiting", screen))
        server = self.start("--config", str(FOLDER / "tandem.toml"), "--port", str(server.address.port))
        self.until_server_has(server, [("Milk", True), ("Tea", False)])
        again.wait_for_text("saved")

    def test_a_refused_board_says_why(self):
        server = self.start("--config", self.write_file("other.toml", '[namespaces.plan.fields]\ntitle = "string"\n'))
        ada = self.open(server, "ada")
        ada.wait_for_text("namespace")

    def test_the_terminal_is_left_as_it_was_when_it_is_ended(self):
        server = self.start("--config", str(FOLDER / "tandem.toml"))
        for ending in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            ada = self.open(server, "ada" + str(int(ending)))
            ada.wait_for_text("saved")
            before = termios.tcgetattr(ada.master)[3]
            self.assertEqual(before & termios.ICANON, 0)
            ada.process.send_signal(ending)
            self.assertEqual(ada.process.wait(WAIT_S), 1)
            self.assertNotEqual(termios.tcgetattr(ada.master)[3] & termios.ICANON, 0)
            ada.wait_for("the screen is not left", lambda _, ada=ada: ada.output.endswith(b"\x1b[?25h\x1b[?1049l"))
