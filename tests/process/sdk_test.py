"""The C++ SDK, in a program of its own."""

import json
import os
import pathlib
import re
import subprocess

from support import BINARY, ROOT, ProcessTest, patch, put, record

EXAMPLE = str(pathlib.Path(BINARY).parent / "tandem_sdk_example")


class CppSdk(ProcessTest):
    def example(self, url, command, outbox=None):
        file = outbox or os.path.join(self.folder, "outbox.db")
        return subprocess.run([EXAMPLE, url, "board:1", file, command], capture_output=True, text=True, timeout=60, check=False)

    def test_writes_of_all_kinds(self):
        server = self.start()
        done = self.example(server.url, "write")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        value = record(server, "board:1")["value"]
        self.assertEqual(json.loads(done.stdout), value)
        self.assertEqual({name: value[name] for name in ("title", "votes", "labels", "price")},
                         {"title": "Plan", "votes": 7, "labels": ["urgent"], "price": 13})
        self.assertEqual([(card["text"], card.get("done")) for card in value["cards"]], [("Buy milk", True), ("Bread", None)])

    def test_offline_writes_survive_the_program(self):
        server = self.start()
        self.assertEqual(self.example(server.url, "sync").returncode, 0)
        server.stop()
        for pending in (1, 2):
            done = self.example(server.url, "offline")
            self.assertEqual((done.returncode, done.stdout), (0, f"{pending} pending\n"), done.stderr)
        again = self.start("--port", str(server.address.port))
        done = self.example(again.url, "sync")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(record(again, "board:1")["value"], {"votes": 2, "note": "synced"})

    def test_parts_of_a_record(self):
        server = self.start()
        patch(server, "board:1", [put("title", "Plan"), put("price", 3)])
        for i in range(6):
            patch(server, "board:1", [{"op": "insert", "path": "cards", "value": {"text": f"c{i}"}}])
        done = self.example(server.url, "parts")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        empty, first, total, loaded, selected = done.stdout.splitlines()

        def texts(line):
            return [card["text"] for card in json.loads(line)["cards"]]

        self.assertEqual((empty, total), ("{}", "6 of them"))
        self.assertEqual((sorted(json.loads(first)), texts(first)), (["cards", "title"], ["c0", "c1"]))
        self.assertEqual((texts(loaded), texts(selected)), (["c0", "c1", "c2"], ["c3"]))
        self.assertEqual([card["text"] for card in record(server, "board:1")["value"]["cards"]], ["c3", "c4", "c5"])
        # The next run begins with what this one showed last.
        done = self.example(server.url, "parts")
        self.assertEqual(texts(done.stdout.splitlines()[0]), ["c3"], done.stdout)

    def test_an_outbox_belongs_to_one_program(self):
        server = self.start()
        follower = subprocess.Popen([EXAMPLE, server.url, "board:1", os.path.join(self.folder, "outbox.db"), "follow"],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(lambda: follower.poll() is None and follower.kill())
        patch(server, "board:1", [put("title", "one")])
        self.assertEqual(follower.stdout.readline(), "one\n")
        second = self.example(server.url, "sync")
        self.assertEqual(second.returncode, 1)
        self.assertTrue(second.stdout.startswith("open: "), second.stdout)
        self.assertEqual(self.example(server.url, "sync", os.path.join(self.folder, "own.db")).returncode, 0)
        patch(server, "board:1", [put("title", "end")])
        self.assertEqual(follower.stdout.readline(), "end\n")
        self.assertEqual(follower.wait(15), 0)

    def test_it_comes_back_after_the_server_does(self):
        server = self.start()
        follower = subprocess.Popen([EXAMPLE, server.url, "board:1", os.path.join(self.folder, "outbox.db"), "follow"],
                                    stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(lambda: follower.poll() is None and follower.kill())
        patch(server, "board:1", [put("title", "one")])
        self.assertEqual(follower.stdout.readline(), "one\n")
        server.stop()
        again = self.start("--port", str(server.address.port))
        patch(again, "board:1", [put("title", "end")])
        self.assertEqual(follower.stdout.readline(), "end\n")
        self.assertEqual(follower.wait(15), 0)

    def test_it_is_installed_and_found(self):
        build = pathlib.Path(BINARY).parent
        prefix, project, out = (os.path.join(self.folder, name) for name in ("prefix", "project", "out"))
        os.mkdir(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(app LANGUAGES C CXX)\nfind_package(tandem 0.1 REQUIRED)\n"
                       f'add_executable(app "{ROOT}/tests/process/sdk_example.cpp")\ntarget_link_libraries(app tandem::tandem)\n')
        cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
        sanitizers = re.search(r"^TANDEM_SANITIZE:\w+=(.*)$", cache, re.M)[1]
        flags = f"-fsanitize={sanitizers}" if sanitizers else ""
        for command in (["--install", str(build), "--component", "sdk", "--prefix", prefix],
                        ["-G", "Ninja", "-S", project, "-B", out, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_FLAGS={flags}"],
                        ["--build", out]):
            done = subprocess.run(["cmake", *command], capture_output=True, text=True, timeout=300, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        server = self.start()
        done = subprocess.run([os.path.join(out, "app"), server.url, "board:1", "", "sync"], capture_output=True, text=True,
                              timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, '{"note":"synced"}\n'), done.stderr)

    def test_a_program_in_c(self):
        server = self.start()
        done = subprocess.run([str(pathlib.Path(BINARY).parent / "tandem_abi_example"), server.url, "board:1"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        value = record(server, "board:1")["value"]
        self.assertEqual(json.loads(done.stdout), value)
        self.assertEqual((value["title"], value["votes"], value["labels"], value["cards"][0]["text"]), ("Plan", 3, ["b"], "x"))
        self.assertNotIn("gone", value)

    def test_what_is_wrong_is_said(self):
        server = self.start()
        for url in ("nonsense", "wss://"):
            done = self.example(url, "sync")
            self.assertEqual((done.returncode, done.stdout[:5]), (1, "open:"), url)
        done = subprocess.run([EXAMPLE, server.url, "nowhere:1", "", "sync"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("ready: unknown_namespace"), done.stdout)
        broken = self.write_file("broken.db", "no database at all" * 100)
        done = self.example(server.url, "sync", broken)
        self.assertTrue(done.stdout.startswith("open: storage_corrupt"), done.stdout)
