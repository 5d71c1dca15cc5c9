"""Texts by the C++ SDK: two programs, one that types while the server dies, and the example's agent."""

import pathlib
import signal
import subprocess
import time

from support import BINARY, ProcessTest, request

FOLDER = pathlib.Path(BINARY).parent
PROGRAM = str(FOLDER / "tandem_sdk_text_behaviour")
AGENT = str(FOLDER / "tandem_sdk_agent")
TEXT = "/api/v1/channels/text:a/text"


class SdkTexts(ProcessTest):
    def serve(self, *arguments):
        return self.start("--config", self.write_file("tandem.toml", "[namespaces.text]\n"), *arguments)

    def run_program(self, program, *arguments):
        process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: [process.poll() is None and process.kill(), process.communicate()])
        return process

    def shown(self, server):
        return request(server, TEXT + "?as=text&root=t")[2]

    def wait_for(self, what, holds):
        end = time.monotonic() + 15
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)

    def test_two_programs_edit_a_text(self):
        server = self.serve()
        done = subprocess.run([PROGRAM, server.url, "text:a", "two"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_edits_outlive_a_server_that_is_killed(self):
        server = self.serve()
        process = self.run_program(PROGRAM, server.url, "text:a", "type")
        for words in (40, 120):
            self.wait_for("it types", lambda: str(self.shown(server)).count(" ") > words)
            port = server.address.port
            server.kill()
            server = self.serve("--port", str(port))
        out, text = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (0, ""))
        self.assertEqual(text, "".join(f"{number} " for number in range(300)))
        self.assertEqual(self.shown(server), text)

    def test_the_agent_of_the_example_types_along(self):
        server = self.serve()
        agent = self.run_program(AGENT, server.url, "text:a", "t")
        self.assertEqual(agent.stdout.readline(), "ready\n")
        request(server, TEXT, "POST", {"root": "t", "edits": [{"append": "ä 👋 three: /words "}]})
        self.wait_for("the agent answers", lambda: self.shown(server) == "ä 👋 three: 3 ")
        request(server, TEXT, "POST", {"edits": [{"append": "/words"}]})
        self.wait_for("the agent answers again", lambda: self.shown(server) == "ä 👋 three: 3 4")
        agent.send_signal(signal.SIGKILL)
