"""What an idle connection with TLS takes: the driver speaks none, so these are Python's."""

import base64
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

import rig as rigs

CONNECTIONS = 2000
CHANNELS = 100
TIMEOUT_S = 20


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise rigs.NotMeasured("the server's memory cannot be read")


def certificate(folder):
    files = str(pathlib.Path(folder) / "key.pem"), str(pathlib.Path(folder) / "certificate.pem")
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        files[0], "-out", files[1], "-days", "2", "-subj", "/CN=localhost"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise rigs.NotMeasured(f"no certificate: {error}") from error
    return files


def follow(context, address, channel):
    """A connection that has the snapshot of its channel and then does nothing."""
    link = context.wrap_socket(socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S))
    lines = ["GET /connection/websocket HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket", "Connection: Upgrade",
             f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Protocol: tandem.v1.json"]
    body = b'{"subscribe":{"channel":"%s"}}' % channel.encode()
    # A frame that is masked with zeros.
    link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body)
    received = b""
    while b'"snapshot"' not in received:
        piece = link.recv(65536)
        if not piece:
            raise rigs.NotMeasured(f"the server ended a connection: {received[:200]!r}")
        received += piece
    return link


def rss_kib_of_one(rig):
    """Resident memory that each connection adds."""
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as folder:
        key, chain = certificate(folder)
        with rig.server(arguments=["--tls.certificate", chain, "--tls.key", key]) as server:
            address = urllib.parse.urlsplit(server.url)
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            links = [follow(context, address, f"board:idle-{i}") for i in range(CHANNELS)]
            before = rss_kib(server.process.pid)
            links += [follow(context, address, f"board:idle-{i % CHANNELS}") for i in range(CONNECTIONS)]
            after = rss_kib(server.process.pid)
            for link in links:
                link.close()
    return (after - before) / CONNECTIONS
