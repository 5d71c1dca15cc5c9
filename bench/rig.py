"""Starts the shipped binary and the load driver, and measures the machine beside them."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DURABILITY = "default: a push is acknowledged after fdatasync"


class NotMeasured(Exception):
    """The benchmark could not run, which says nothing about its targets."""


def build_shim(folder, name="fdatasync_shim"):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotMeasured(f"no C compiler for the {name}")
    shim = pathlib.Path(folder) / f"{name}.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(ROOT / "bench" / f"{name}.c"), "-ldl"],
                   check=True)
    return shim


class Server:
    """`tandem dev` on a free port and a data folder of its own, unless others are given."""

    def __init__(self, rig, env=None, data=None, port=0, arguments=()):
        self._data = None if data else tempfile.TemporaryDirectory(prefix="tandem-bench-", dir=rig.data_root)
        folder = data or self._data.name
        argv = [str(rig.binary), "dev", "--port", str(port), "--data", folder, "--json", *arguments]
        self._log = open(pathlib.Path(folder) / "server.log", "w+b")
        self._was_killed = False
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=self._log, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})})
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            deadline = time.monotonic() + 30
            while not line.endswith(b"\n"):
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise NotMeasured("the server did not become ready")
                piece = os.read(self.process.stdout.fileno(), 4096)
                if not piece:
                    raise NotMeasured(f"the server ended with code {self.process.wait()}")
                line += piece
        self.url = json.loads(line.split(b"\n")[0])["url"]
        self.port = int(self.url.rsplit(":", 1)[1])

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_kib(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

    def get(self, path):
        """The status of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def kill(self):
        self._was_killed = True
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self._log.closed:
            return
        code = self.process.poll()
        if code is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(20)
        self.process.stdout.close()
        self._log.close()
        if self._data is not None:
            self._data.cleanup()
        if code != 0 and not self._was_killed:
            raise NotMeasured(f"the server ended with code {code}")


class Rig:
    def __init__(self, build, data_root, arguments):
        self.build = pathlib.Path(build)
        self.binary = self.build / "tandem"
        self.driver = self.build / "tandem_bench_driver"
        self.data_root = data_root
        self.arguments = arguments
        self.argv = []
        for file in (self.binary, self.driver):
            if not file.exists():
                raise NotMeasured(f"{file} is missing: ./dev build release")

    @contextlib.contextmanager
    def server(self, env=None, arguments=()):
        server = Server(self, env, arguments)
        try:
            yield server
        finally:
            server.stop()

    def drive(self, command, timeout_s=600, **options):
        argv = [str(self.driver), command]
        for name, value in options.items():
            argv += ["--" + name.replace("_", "-"), str(value)]
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise NotMeasured(f"the driver's {command}: {done.stderr.decode(errors='replace').strip()}")
        return json.loads(done.stdout)

    def fdatasync_ms(self, count=300):
        """Times of forcing an appended page to the disk that holds the data folders."""
        with tempfile.TemporaryDirectory(prefix="tandem-bench-", dir=self.data_root) as folder:
            return self.drive("fdatasync", dir=folder, count=count)["samples_ms"]

    def bare_send_per_cpu_s(self):
        return self.drive("bare-send")["per_cpu_s"]

    def exe_sha256(self):
        return hashlib.sha256(self.binary.read_bytes()).hexdigest()
