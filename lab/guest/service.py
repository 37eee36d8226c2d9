"""The stateful service inside every lab container: process 1, HTTP on port 80, nothing but the standard library.

It is made to be moved: no inotify, no exotic descriptors, one small process, ready within a twentieth of a second.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

GRACE_SECONDS = 0.25
LAST_WORD_SECONDS = 5.0
LINGER_SECONDS = 1.0
HEAD_LIMIT_BYTES = 8192
BODY_LIMIT_BYTES = 65536
CHURN_FILES = 16
CHURN_FILE_BYTES = 4 << 20
CHURN_BEAT_SECONDS = 0.1

WRITE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 507: "Insufficient Storage"}


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    keep_alive: bool
    body_bytes: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    body: str
    kind: str = "text/plain"

    def encode(self, *, keep_alive: bool) -> bytes:
        body = self.body.encode()
        connection = "keep-alive" if keep_alive else "close"
        head = (
            f"HTTP/1.1 {self.status} {REASONS[self.status]}\r\nContent-Type: {self.kind}; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
        )
        return head.encode() + body


class BadRequest(Exception):
    """The bytes received are no request this service understands."""


class Journal:
    """An append-only file of ids; an id is acknowledged only once it is on the disk."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        whole_lines, _, torn = path.read_bytes().rpartition(b"\n")
        if torn:  # a crash in mid-write: nobody was told that this line is safe
            os.ftruncate(self._descriptor, len(whole_lines) + 1 if whole_lines else 0)
        self._known = set(whole_lines.decode().split("\n")) if whole_lines else set()
        self._synced = len(self._known)
        self._writing = threading.Lock()
        self._syncing = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def append(self, write_id: str) -> int:
        """Return how many ids are safe, this one among them; one known already is not written twice."""
        with self._writing:
            if write_id not in self._known:
                self._write_line(write_id)
                self._known.add(write_id)
            position = len(self._known)
        with self._syncing:
            # Whoever comes first syncs for all who wrote meanwhile.
            if self._synced < position:
                reached = len(self._known)
                os.fsync(self._descriptor)
                self._synced = reached
        return position

    def _write_line(self, write_id: str) -> None:
        line = write_id.encode() + b"\n"
        end = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, line)
        except OSError:
            written = 0
        if written != len(line):
            os.ftruncate(self._descriptor, end)
            raise OSError(f"journal: {written} of {len(line)} bytes written")


@dataclass(kw_only=True)
class Guest:
    """What the container knows: some of it on disk, some of it only in memory."""

    identity: str
    journal: Journal
    incarnation: str = field(default_factory=lambda: os.urandom(8).hex())
    started_at: float = field(default_factory=time.monotonic)
    memory_counter: int = 0
    counting: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Answer:
        with self.counting:
            self.memory_counter += 1
        match request.method, request.path:
            case "GET", "/":
                return Answer(status=200, kind="text/html", body=f"<h1>{socket.gethostname()}</h1>\n")
            case "GET", "/state":
                return Answer(status=200, kind="application/json", body=json.dumps(self.state()) + "\n")
            case "POST", "/write":
                return self._write(request.query)
            case _, "/" | "/state" | "/write":
                return Answer(status=405, body="method not allowed\n")
        return Answer(status=404, body="not found\n")

    def state(self) -> dict[str, str | int | float]:
        return {
            "identity": self.identity,
            "incarnation": self.incarnation,
            "memory_counter": self.memory_counter,
            "writes": len(self.journal),
            "uptime_seconds": round(time.monotonic() - self.started_at, 3),
        }

    def _write(self, query: str) -> Answer:
        name, _, write_id = query.partition("=")
        if name != "id" or not WRITE_ID.fullmatch(write_id):
            return Answer(status=400, body="id: 1 to 64 letters, digits, dots, dashes or underscores\n")
        try:
            return Answer(status=200, body=f"ok {self.journal.append(write_id)}\n")
        except OSError as error:
            return Answer(status=507, body=f"{error}\n")


class Connection:
    """One client's connection, served by a thread of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self.busy = False

    def next_request(self) -> Request | None:
        """Return the next request, or None when the client has no more."""
        while b"\r\n\r\n" not in self._buffer[:HEAD_LIMIT_BYTES]:
            if len(self._buffer) >= HEAD_LIMIT_BYTES:
                raise BadRequest(f"head longer than {HEAD_LIMIT_BYTES} bytes")
            if not self._receive():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        request = read_head(head)
        while len(self._buffer) < request.body_bytes:
            if not self._receive():
                return None
        self._buffer = self._buffer[request.body_bytes :]
        return request

    def _receive(self) -> bool:
        received = self._sock.recv(16384)
        self.busy = bool(received)
        self._buffer += received
        return bool(received)

    def send(self, answer: Answer, *, keep_alive: bool) -> None:
        self._sock.sendall(answer.encode(keep_alive=keep_alive))
        self.busy = bool(self._buffer)

    def close(self) -> None:
        """Let the client, who knows the answer's length, hang up first.

        A socket closed with bytes still on their way has no owner, and a checkpoint carries only what has one.
        """
        self._sock.settimeout(LINGER_SECONDS)
        while self._sock.recv(16384):
            pass

    def end_if_idle(self) -> None:
        if not self.busy:
            with suppress(OSError):  # the client was faster
                self._sock.shutdown(socket.SHUT_RD)

    def release(self) -> None:
        self._sock.close()


def read_head(head: bytes) -> Request:
    try:
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        fields = dict(split_field(line) for line in lines)
        body_bytes = int(fields.get("content-length", "0"))
    except ValueError as error:
        raise BadRequest("unreadable request") from error
    if (
        version not in ("HTTP/1.0", "HTTP/1.1")
        or "transfer-encoding" in fields
        or not 0 <= body_bytes <= BODY_LIMIT_BYTES
    ):
        raise BadRequest("unsupported request")
    path, _, query = target.partition("?")
    asked = fields.get("connection", "keep-alive" if version == "HTTP/1.1" else "close").lower()
    return Request(method=method, path=path, query=query, keep_alive=asked == "keep-alive", body_bytes=body_bytes)


def split_field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise BadRequest("a header line without a colon")
    return name.strip().lower(), value.strip()


class Server:
    def __init__(self, guest: Guest, *, port: int) -> None:
        self._guest = guest
        self._listeners = open_listeners(port)
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()
        self._stopping = False

    @property
    def port(self) -> int:
        return int(self._listeners[0].getsockname()[1])

    def serve_until_told(self) -> None:
        """Accept until SIGTERM, SIGINT or SIGPWR; bury orphans meanwhile, as process 1 must."""
        with signal_pipe() as signals, selectors.DefaultSelector() as selector:
            for listener in self._listeners:
                selector.register(listener, selectors.EVENT_READ, partial(self._accept, listener))
            selector.register(signals, selectors.EVENT_READ, partial(self._heed, signals))
            while not self._stopping:
                for key, _ in selector.select():
                    key.data()
        self._finish()

    def _heed(self, signals: socket.socket) -> None:
        for number in signals.recv(64):
            if number == signal.SIGCHLD:
                bury_children()
            else:
                self._stopping = True

    def _accept(self, listener: socket.socket) -> bool:
        try:
            sock, _ = listener.accept()
        except OSError:
            return False
        sock.setblocking(True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock)
        with self._changed:
            self._connections.add(connection)
        threading.Thread(target=self._serve, args=[connection], daemon=True).start()
        return True

    def _serve(self, connection: Connection) -> None:
        try:
            with suppress(OSError):  # the client went away in mid-sentence; there is nobody left to tell
                self._converse(connection)
                connection.close()
        finally:
            connection.release()
            with self._changed:
                self._connections.discard(connection)
                self._changed.notify_all()

    def _converse(self, connection: Connection) -> None:
        keep_alive = True
        while keep_alive:
            try:
                request = connection.next_request()
            except BadRequest as error:
                return connection.send(Answer(status=400, body=f"{error}\n"), keep_alive=False)
            if request is None:
                return None
            answer = self._guest.answer(request)
            keep_alive = request.keep_alive and not self._stopping
            connection.send(answer, keep_alive=keep_alive)

    def _finish(self) -> None:
        """Serve those already in the queue, let all finish their sentence, then go."""
        for listener in self._listeners:
            while self._accept(listener):
                pass
            listener.close()
        if self._all_gone_within(GRACE_SECONDS):
            return
        for connection in list(self._connections):
            connection.end_if_idle()
        self._all_gone_within(LAST_WORD_SECONDS)

    def _all_gone_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._connections, timeout=seconds)


def open_listeners(port: int) -> list[socket.socket]:
    """Listen on both families apart: a checkpoint carries those more surely than one socket for both."""
    first = socket.create_server(("0.0.0.0", port), backlog=1024)
    listeners = [first]
    with suppress(OSError):  # a container without IPv6 is an ordinary one
        listeners.append(socket.create_server(("::", first.getsockname()[1]), family=socket.AF_INET6, backlog=1024))
    for listener in listeners:
        listener.setblocking(False)
    return listeners


@contextmanager
def signal_pipe() -> Iterator[socket.socket]:
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPWR, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    yield receiver
    signal.set_wakeup_fd(-1)


def bury_children() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def read_identity(path: Path) -> str:
    """Return the container's identity; it is made once and travels with the data."""
    with suppress(FileExistsError), path.open("x") as new:
        new.write(os.urandom(16).hex() + "\n")
    return path.read_text().strip()


def churn(directory: Path, *, bytes_per_second: int) -> None:
    """Write for ever, round and round the same few files, so that every delta has something to carry."""
    directory.mkdir(exist_ok=True)
    piece = os.urandom(max(1, int(bytes_per_second * CHURN_BEAT_SECONDS)))
    number = 0
    while True:
        with suppress(OSError), (directory / f"{number % CHURN_FILES:02}").open("ab") as file:
            # A full disk ends no service: the next beat tries again.
            file.write(piece)
            if file.tell() > CHURN_FILE_BYTES:
                number += 1
                (directory / f"{number % CHURN_FILES:02}").unlink(missing_ok=True)
        time.sleep(CHURN_BEAT_SECONDS)


def main(root: Path = Path("/")) -> None:
    config_path = root / "etc/guest.json"
    config: dict[str, int] = json.loads(config_path.read_text()) if config_path.exists() else {}
    data = root / "data"
    data.mkdir(exist_ok=True)
    threading.stack_size(256 << 10)
    guest = Guest(identity=read_identity(data / "identity"), journal=Journal(data / "journal"))
    ballast = os.urandom(config.get("ballast_mib", 0) << 20)
    if rate := config.get("writer_bytes_per_second", 0):
        threading.Thread(target=churn, args=[data / "churn"], kwargs={"bytes_per_second": rate}, daemon=True).start()
    Server(guest, port=config.get("port", 80)).serve_until_told()
    del ballast


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:2]))
