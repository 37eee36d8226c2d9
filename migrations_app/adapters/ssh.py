"""Words to a node's gate over SSH."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from paramiko import Channel, Ed25519Key, SSHException, Transport

from migrations_app.adapters.ssh_line import CONNECT_SECONDS, SshLine, place_of
from migrations_app.ports.shell import Endpoint, NodeUnreachable, Reply, ReplyLost

LARGEST_OUTPUT = 3 * 1_048_576  # what comes after is read and thrown away, so that a flood fills no memory
CHUNK = 65_536
SESSIONS_PER_NODE = 4  # sshd allows ten, and the node has other work to do
# A login is mostly sums on this side: many more at once would only make each other late.
LOGINS_AT_ONCE = 24


class SshShell:
    """Keeps one connection per node, shared by all threads of this process; never to be carried across a fork."""

    def __init__(self, key: Ed25519Key) -> None:
        self._key = key
        self._ways: dict[Endpoint, _Way] = {}
        self._logins = threading.BoundedSemaphore(LOGINS_AT_ONCE)
        self._lock = threading.Lock()

    def call(
        self, endpoint: Endpoint, words: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 15
    ) -> Reply:
        with self._lock:
            way = self._ways.setdefault(endpoint, _Way(endpoint, self._key, self._logins))
        with way.session(timeout_seconds) as channel:
            return _Talk(endpoint, channel, timeout_seconds).say(" ".join(words), stdin)

    def offered_host_key(self, address: str, port: int) -> str:
        try:
            with socket.create_connection((place_of(address), port), timeout=CONNECT_SECONDS) as plug:
                return _shown_key(plug)
        except (SSHException, EOFError, OSError) as error:
            raise NodeUnreachable(f"no sshd answers at {address} port {port} ({error})") from error

    def close(self) -> None:
        with self._lock:
            ways, self._ways = list(self._ways.values()), {}
        for way in ways:
            way.close()


def _shown_key(plug: socket.socket) -> str:
    transport = Transport(plug)
    try:
        transport.banner_timeout = CONNECT_SECONDS
        transport.start_client(timeout=CONNECT_SECONDS)
        key = transport.get_remote_server_key()
    finally:
        transport.close()
    return f"{key.get_name()} {key.get_base64()}"


class _Way:
    """The way to one node: its kept connection, and how many may talk over it at once."""

    def __init__(self, endpoint: Endpoint, key: Ed25519Key, logins: threading.BoundedSemaphore) -> None:
        self._endpoint = endpoint
        self._key = key
        self._logins = logins
        self._line: SshLine | None = None
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(SESSIONS_PER_NODE)

    @contextmanager
    def session(self, timeout_seconds: float) -> Iterator[Channel]:
        if not self._slots.acquire(timeout=timeout_seconds):
            raise NodeUnreachable(f"{self._endpoint.name}: every session was busy for {timeout_seconds:g} s")
        try:
            channel = self._begin()
            try:
                yield channel
            finally:
                channel.close()
        finally:
            self._slots.release()

    def close(self) -> None:
        with self._lock:
            if self._line is not None:
                self._line.close()
            self._line = None

    def _begin(self) -> Channel:
        """Open a session; once more over a new connection when the kept one is dead, as nothing was said yet."""
        kept = self._line
        if kept is not None:
            try:
                return kept.session()
            except NodeUnreachable:
                self._discard(kept)
        return self._connected().session()

    def _connected(self) -> SshLine:
        with self._lock:
            if self._line is None:
                with self._logins:
                    self._line = SshLine(self._endpoint, self._key)
            return self._line

    def _discard(self, dead: SshLine) -> None:
        with self._lock:
            if self._line is dead:
                self._line = None
        dead.close()


class _Talk:
    """One request and its answer over a session of its own."""

    def __init__(self, endpoint: Endpoint, channel: Channel, timeout_seconds: float) -> None:
        self._endpoint = endpoint
        self._channel = channel
        self._timeout_seconds = timeout_seconds
        self._deadline = time.monotonic() + timeout_seconds
        self._output = _Bounded()
        self._error = _Bounded()

    def say(self, command: str, stdin: bytes) -> Reply:
        try:
            self._send(command, stdin)
            self._listen()
            exit_code = self._exit_code()
        except TimeoutError as error:
            raise ReplyLost(f"{self._endpoint.name} did not answer within {self._timeout_seconds:g} s") from error
        except (SSHException, EOFError, OSError) as error:
            raise ReplyLost(f"{self._endpoint.name}: the connection broke after the words were sent") from error
        return Reply(exit_code=exit_code, output=self._output.text(), error=self._error.text())

    def _send(self, command: str, stdin: bytes) -> None:
        # The library waits for ever for sshd to accept the command; closing the session ends that.
        impatience = threading.Timer(self._seconds_left(), self._channel.close)
        impatience.daemon = True
        impatience.start()
        try:
            self._channel.exec_command(command)
        finally:
            impatience.cancel()
        self._channel.settimeout(self._seconds_left())
        if stdin:
            self._channel.sendall(stdin)
        self._channel.shutdown_write()

    def _listen(self) -> None:
        """Read both streams as they come, until the node has said all."""
        poll = select.poll()
        poll.register(self._channel.fileno(), select.POLLIN)
        ended = False
        while not ended:
            if not poll.poll(self._seconds_left() * 1000):
                raise TimeoutError
            # Asked first: what comes between the question and the reading is read, and the next round ends.
            ended = bool(self._channel.eof_received or self._channel.closed)
            while self._channel.recv_ready():
                self._output.add(self._channel.recv(CHUNK))
                self._seconds_left()
            while self._channel.recv_stderr_ready():
                self._error.add(self._channel.recv_stderr(CHUNK))
                self._seconds_left()

    def _exit_code(self) -> int:
        if not self._channel.status_event.wait(self._seconds_left()):
            raise TimeoutError
        if self._channel.exit_status < 0:
            raise EOFError("the session ended without an exit code")
        return self._channel.exit_status

    def _seconds_left(self) -> float:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


class _Bounded:
    """Bytes up to a limit, as text that every database takes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._room = LARGEST_OUTPUT

    def add(self, chunk: bytes) -> None:
        if self._room > 0:
            self._parts.append(chunk[: self._room])
            self._room -= len(self._parts[-1])

    def text(self) -> str:
        return b"".join(self._parts).replace(b"\0", b"").decode("utf-8", "backslashreplace")
