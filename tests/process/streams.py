"""Clients of the stream of events with POSTs, and the proxies that make them necessary."""

import http.client
import json
import select
import socket
import threading

PATH = "/connection/sse"
TIMEOUT_S = 15


class StreamEnded(Exception):
    """The close event's body, or None where the stream was cut."""


class Stream:
    """A JSON client: one long response, and a connection of its own for every POST."""

    def __init__(self, server, address=None, headers=None, query="", timeout=TIMEOUT_S):
        self.server = server
        self.address = address or (server.address.hostname, server.address.port)
        self.headers = {**server.headers(), **(headers or {})}
        self.sequence = 0
        self.queue = []
        self.comments = 0
        self.connection = self._connect(timeout)
        self.connection.request("GET", PATH + query, headers={"Accept": "text/event-stream", **self.headers})
        self.response = self.connection.getresponse()
        self.status = self.response.status
        if self.status != 200:
            self.error = json.loads(self.response.read())["error"]
            return
        name, data = self.event()
        assert name == "session", name
        self.session, self.post_bytes_max = data["session"], data["post_bytes_max"]

    def _connect(self, timeout=TIMEOUT_S):
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        connection.connect()
        connection.sock = self.server.secure(connection.sock)
        return connection

    def event(self):
        """(name, JSON) of the next event; text where it is no JSON."""
        name, data = "", []
        while True:
            try:
                line = self.response.readline()
            except (http.client.HTTPException, ConnectionError):
                line = b""
            if not line.endswith(b"\n"):
                raise StreamEnded(None)
            line = line.decode().rstrip("\n")
            if line == "" and data:
                text = "\n".join(data)
                try:
                    return name, json.loads(text)
                except ValueError:
                    return name, text
            if line.startswith(":"):
                self.comments += 1
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data.append(line[6:])

    def receive(self):
        while not self.queue:
            name, data = self.event()
            if name == "close":
                raise StreamEnded(data)
            if name == "":
                self.queue += data if isinstance(data, list) else [data]
        return self.queue.pop(0)

    def request(self, method, body=None, headers=None):
        """(status, error or None, seconds) of one request about the stream; a header of None is left out."""
        connection = self._connect()
        try:
            fields = {**self.headers, "Tandem-Session": getattr(self, "session", ""), **(headers or {})}
            connection.request(method, PATH, body, {k: v for k, v in fields.items() if v is not None})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text)["error"] if text else None, answer
        finally:
            connection.close()

    def post(self, message, sequence=None, headers=None):
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        fields = {"Content-Type": "application/json", "Tandem-Sequence": str(sequence or self.sequence + 1), **(headers or {})}
        return self.request("POST", body, fields)[:2]

    def send(self, message):
        """As often as it takes, as clients do."""
        for _ in range(50):
            try:
                status, error = self.post(message)
            except (http.client.HTTPException, ConnectionError, socket.timeout):
                continue
            if status == 410:
                raise StreamEnded(error)
            assert status == 204, error
            self.sequence += 1
            return
        raise AssertionError("no POST came through")

    def end(self):
        return self.request("DELETE")[:2]

    def close(self):
        self.connection.close()
        self.response.close()


class Proxy:
    """Between clients and the server, one connection for each request. What it does wrong is in its members."""

    def __init__(self, server):
        self.server = (server.address.hostname, server.address.port)
        self.upgrade_status = None  # It answers an upgrade so itself,
        self.drops_upgrade = False  # or passes it on as an ordinary request.
        self.old = False  # It speaks HTTP/1.0 to the server, as nginx does by default.
        self.buffers = False  # Answers leave it when they are whole.
        self.cut_after = None  # Of answers to GET, so many bytes pass.
        self.lost_answers = 0  # Of the next answers to POST nothing passes.
        self.upgrades = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.sockets = {self.listener}
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        for one in list(self.sockets):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self._relay(client)
        except OSError:
            pass
        finally:
            self.sockets.discard(client)
            client.close()

    def _relay(self, client):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(65536)
            if not piece:
                return
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        first, *fields = head.decode("latin-1").split("\r\n")
        names = {field.split(":", 1)[0].lower(): field.split(":", 1)[1].strip() for field in fields}
        while len(body) < int(names.get("content-length", 0)):
            body += client.recv(65536)
        method, target, _ = first.split(" ")
        if "upgrade" in names:
            self.upgrades += 1
            if self.upgrade_status:
                client.sendall(f"HTTP/1.1 {self.upgrade_status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                return
        hop_by_hop = {"connection", "upgrade"} if self.drops_upgrade or "upgrade" not in names else set()
        kept = [field for field in fields if field.split(":", 1)[0].lower() not in hop_by_hop]
        lines = [f"{method} {target} HTTP/{'1.0' if self.old else '1.1'}", *kept, *(["Connection: close"] if hop_by_hop else [])]
        upstream = socket.create_connection(self.server)
        self.sockets.add(upstream)
        try:
            upstream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
            self._answer(method, client, upstream)
        finally:
            self.sockets.discard(upstream)
            upstream.close()

    def _answer(self, method, client, upstream):
        held, passed = b"", 0
        is_lost = method == "POST" and self.lost_answers > 0
        if is_lost:
            self.lost_answers -= 1
        while True:
            ready, _, _ = select.select([client, upstream], [], [])
            if client in ready:
                piece = client.recv(65536)
                if not piece:
                    return
                upstream.sendall(piece)
            if upstream not in ready:
                continue
            piece = upstream.recv(65536)
            if not piece:
                client.sendall(held)
                return
            if is_lost:
                return
            if self.buffers:
                held += piece
                continue
            if method == "GET" and self.cut_after is not None:
                piece = piece[:max(0, self.cut_after - passed)]
                passed += len(piece)
            client.sendall(piece)
            if method == "GET" and self.cut_after is not None and passed >= self.cut_after:
                return
