"""The Debian package: what is in it, and that the server which it installs starts as its unit says."""

import os
import pathlib
import pwd
import re
import shlex
import socket
import subprocess
import urllib.request

from support import ROOT, ProcessTest

UNIT = "lib/systemd/system/tandem.service"
SANDBOX = ["NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes",
           "CapabilityBoundingSet=", "MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "SystemCallFilter=@system-service",
           "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "User=tandem", "StateDirectory=tandem"]


class Package(ProcessTest):
    @classmethod
    def setUpClass(cls):
        made = subprocess.run([str(ROOT / "dev"), "package"], capture_output=True, text=True, timeout=900, check=False)
        if made.returncode != 0:
            raise AssertionError(made.stderr[-2000:])
        cls.package = made.stdout.strip().split("\n")[-1]

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        self.root = pathlib.Path(self.folder) / "root"
        subprocess.run(["dpkg-deb", "-x", ROOT / self.package, self.root], check=True)

    def field(self, name):
        return subprocess.run(["dpkg-deb", "-f", str(ROOT / self.package), name], capture_output=True, text=True,
                              check=True).stdout.strip()

    def test_every_metric_is_in_the_handbook(self):
        server = self.start()
        with urllib.request.urlopen(server.url + "/metrics", timeout=10) as answer:
            names = re.findall(r"^# TYPE (\S+)", answer.read().decode(), re.M)
        handbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        self.assertGreater(len(names), 20)
        self.assertEqual([name for name in names if f"`{name}`" not in handbook], [])

    def test_what_is_in_it(self):
        self.assertEqual(self.field("Package"), "tandem")
        for library in ("libsqlite3-0", "libgnutls30", "liblz4-1", "libc6", "adduser"):
            self.assertIn(library, self.field("Depends"))
        for name in ("usr/bin/tandem", "usr/" + UNIT, "usr/share/tandem/tandem.toml", "usr/share/tandem/web/index.html",
                     "usr/share/doc/tandem/operations.md"):
            self.assertTrue((self.root / name).is_file(), name)
        # Nothing outside of /usr: settings and data are made when it is configured, and stay when it goes.
        self.assertEqual(os.listdir(self.root), ["usr"])
        unit = (self.root / "usr" / UNIT).read_text(encoding="utf-8").split("\n")
        for line in SANDBOX:
            self.assertIn(line, unit)
        scripts = pathlib.Path(self.folder) / "control"
        subprocess.run(["dpkg-deb", "-e", ROOT / self.package, scripts], check=True)
        for name in ("postinst", "prerm", "postrm"):
            self.assertTrue(os.access(scripts / name, os.X_OK), name)
            subprocess.run(["sh", "-n", scripts / name], check=True)

    def test_the_installed_server_starts_as_the_unit_says_and_tells_the_service_manager(self):
        unit = (self.root / "usr" / UNIT).read_text(encoding="utf-8")
        command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M)[1])
        self.assertEqual(command, ["/usr/bin/tandem", "serve", "--config", "/etc/tandem/tandem.toml"])
        settings = (self.root / "usr/share/tandem/tandem.toml").read_text(encoding="utf-8")
        data = pathlib.Path(self.folder) / "state"
        data.mkdir()
        settings = settings.replace("/var/lib/tandem", str(data)).replace("/usr/share", str(self.root / "usr/share"))
        settings = settings.replace("port = 8080", "port = 0")
        config = self.write_file("tandem.toml", settings)
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(told.close)
        told.settimeout(20)
        name = os.path.join(self.folder, "notify")
        told.bind(name)
        os.chmod(name, 0o777)
        user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(data, nobody.pw_uid, nobody.pw_gid)
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        server = subprocess.Popen([str(self.root / "usr/bin/tandem"), "serve", "--config", config],
                                  env={"NOTIFY_SOCKET": name, "PATH": "/usr/bin:/bin"}, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, umask=0o077, **user)
        self.addCleanup(lambda: server.poll() is None and server.kill())
        ready = dict(line.split("=", 1) for line in told.recv(4096).decode().split("\n"))
        self.assertEqual(ready["READY"], "1")
        url = ready["STATUS"].removeprefix("serving ")
        with urllib.request.urlopen(url + "/health", timeout=10) as answer:
            self.assertEqual(answer.status, 200)
        with urllib.request.urlopen(url + "/", timeout=10) as answer:
            self.assertIn(b"<html", answer.read().lower())
        # What users have written is nobody else's to read.
        self.assertEqual((data / "tandem.db").stat().st_mode & 0o077, 0)
        server.terminate()
        self.assertEqual(told.recv(4096), b"STOPPING=1")
        self.assertEqual(server.wait(20), 0)
