"""One HTTP request and its answer over a plain non-blocking socket: cheap enough to disturb nothing it measures."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

ANSWER_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    stays_open: bool
    body: bytes


class NoAnswer(ConnectionError):
    """The connection ended before the first byte of the answer."""


class BrokenAnswer(ConnectionError):
    """The answer broke off, or is not HTTP."""


def encode_request(method: str, target: str, *, host: str, keep_alive: bool) -> bytes:
    connection = "keep-alive" if keep_alive else "close"
    return (
        f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: {connection}\r\n\r\n".encode()
    )


async def connect(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (endpoint.address, endpoint.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def ask(sock: socket.socket, request: bytes) -> Reply:
    """Send one request and read its whole answer.

    :raises NoAnswer: nothing came back, so an idempotent request may be sent again.
    """
    loop = asyncio.get_running_loop()
    received = b""
    try:
        await loop.sock_sendall(sock, request)
        while (reply := read_reply(received)) is None:
            piece = await loop.sock_recv(sock, 65536)
            if not piece:
                raise ConnectionResetError("closed by the other side")
            received += piece
    except (ConnectionResetError, BrokenPipeError) as error:
        if received:
            raise BrokenAnswer(f"{error} after {len(received)} bytes of the answer") from error
        raise NoAnswer(f"{error} before any byte of the answer") from error
    return reply


Where = Callable[[], Awaitable[Endpoint]]


async def ask_once(endpoint: Endpoint, request: bytes) -> Reply:
    """Ask over a connection of its own."""
    sock = await connect(endpoint)
    with sock:
        return await ask(sock, request)


def read_reply(received: bytes) -> Reply | None:
    """Return the answer once it is whole, None while bytes are missing."""
    if len(received) > ANSWER_LIMIT_BYTES:
        raise BrokenAnswer(f"answer longer than {ANSWER_LIMIT_BYTES} bytes")
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return None
    try:
        status_line, *lines = head.decode("ascii").split("\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, length = int(status_line.split(" ")[1]), int(fields["content-length"])
    except (ValueError, IndexError, KeyError) as error:
        raise BrokenAnswer("not an HTTP answer with a length") from error
    if len(body) < length:
        return None
    return Reply(status=status, stays_open=fields.get("connection") != "close", body=body[:length])


class KeptConnection:
    """A connection used for one request after another, opened again as RFC 9110, section 9.2.2, allows."""

    def __init__(self, where: Where) -> None:
        self._where = where  # asked at every opening: a client looks a name up before it connects
        self._sock: socket.socket | None = None
        self._turn = asyncio.Lock()
        self.opened = 0
        self.reopened = 0
        self.closed_by_peer = 0

    async def ask(self, request: bytes) -> Reply:
        """Ask; a request is repeated, once, only if a connection used before ended without a byte of answer."""
        async with self._turn:
            self._forget_if_closed()
            used_before = self._sock is not None
            try:
                return await self._ask(request)
            except NoAnswer:
                if not used_before:
                    raise
                self.reopened += 1
            return await self._ask(request)

    async def _ask(self, request: bytes) -> Reply:
        if self._sock is None:
            self._sock = await connect(await self._where())
            self.opened += 1
        try:
            reply = await ask(self._sock, request)
        except BaseException:
            self.close()
            raise
        if not reply.stays_open:
            self.closed_by_peer += 1
            self.close()
        return reply

    def _forget_if_closed(self) -> None:
        if self._sock is None:
            return
        with suppress(BlockingIOError):
            try:
                ended = self._sock.recv(1, socket.MSG_PEEK) == b""
            except ConnectionError:
                ended = True
            if ended:
                self.closed_by_peer += 1
                self.close()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
