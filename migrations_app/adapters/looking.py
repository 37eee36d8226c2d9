"""One look at one service: who speaks first, what it says, and for the web its status, title and certificate.

Everything read is a stranger's: bounded in bytes, in time as a whole, and in what is kept of it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from migrations_app.adapters import certificates, saying
from migrations_app.ports.probe import Certificate, Face, Look, Service

MOST_NAMES = 4
MOST_BYTES = 65_536
CHUNK_BYTES = 8_192
# How long a service that is not known to speak first is given to do so before it is asked for a page.
FIRST_WORD_SECONDS = 0.5
WEB_PORTS = frozenset({80, 443, 8000, 8080, 8443})
TLS_PORTS = frozenset({443, 465, 993, 995, 8443})
SPEAKING_PORTS = frozenset({21, 22, 25, 110, 143, 465, 587, 993, 995, 3306})


@dataclass
class _Line:
    """An open connection and when everything on it must be over."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    deadline: float
    certificate: Certificate | None = None

    @property
    def seconds_left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.0)


async def look(service: Service, timeout_seconds: float) -> Look:
    """Return what was seen until the time was over; a service that does not answer is an answer."""
    began = time.monotonic()
    deadline = began + timeout_seconds
    first, *others = [name for name in service.names if saying.is_host(name)][:MOST_NAMES] or [""]
    try:
        kind, face = await _face(service, first, deadline)
    except TimeoutError:
        return Look(answers=False, seconds=timeout_seconds, detail=f"no answer within {timeout_seconds:g} s")
    except OSError as error:
        detail = os.strerror(error.errno) if error.errno else str(error)  # asyncio's own words name the address too
        return Look(answers=False, seconds=time.monotonic() - began, detail=detail)
    faces = [face]
    if kind in ("http", "https"):
        faces += await asyncio.gather(*(_other_face(service, name, deadline) for name in others))
    return Look(answers=True, seconds=time.monotonic() - began, kind=kind, faces=tuple(faces))


async def _other_face(service: Service, name: str, deadline: float) -> Face:
    """A name at which it does not answer is shown as one without anything to show."""
    try:
        return (await _face(service, name, deadline))[1]
    except OSError:
        return Face(name=name)


async def _face(service: Service, name: str, deadline: float) -> tuple[str, Face]:
    """Return what it is and what it shows to one who asks by this name.

    :raises OSError: it cannot be reached.
    """
    if service.port in TLS_PORTS:
        async with _open(service, deadline) as line:
            if await _secure(line, name or service.address):
                return await _read(service, name, line)
            if not line.seconds_left:  # it took the connection, and nothing more is known of it
                return "tcp", Face(name=name)
    async with _open(service, deadline) as line:
        return await _read(service, name, line)


async def _read(service: Service, name: str, line: _Line) -> tuple[str, Face]:
    speaks = service.port in SPEAKING_PORTS
    word = b"" if service.port in WEB_PORTS else await _first_word(line, line.seconds_left if speaks else None)
    if word:
        kind, banner = saying.greeting(word, service.port)
        return kind, Face(name=name, banner=banner, certificate=line.certificate)
    page = b"" if speaks else await _page(line, saying.request(name or service.address))
    status = saying.status(page)
    secure = line.certificate is not None
    if status is None:
        return "tls" if secure else "tcp", Face(name=name, certificate=line.certificate)
    whole = len(page) >= MOST_BYTES or line.reader.at_eof()
    title = saying.title(page, whole=whole)
    return "https" if secure else "http", Face(name=name, status=status, title=title, certificate=line.certificate)


@asynccontextmanager
async def _open(service: Service, deadline: float) -> AsyncIterator[_Line]:
    async with asyncio.timeout(max(deadline - time.monotonic(), 0.001)):
        reader, writer = await asyncio.open_connection(service.address, service.port, limit=CHUNK_BYTES)
    try:
        yield _Line(reader=reader, writer=writer, deadline=deadline)
    finally:
        writer.transport.abort()


async def _secure(line: _Line, name: str) -> bool:
    """Go on by TLS, and return whether the other side does; where it does not, the connection is of no more use."""
    try:
        async with asyncio.timeout(line.seconds_left):
            await line.writer.start_tls(certificates.believing_anything(), server_hostname=name)
    except OSError:
        return False
    line.certificate = certificates.seen_on(line.writer)
    return line.certificate is not None


async def _first_word(line: _Line, patience_seconds: float | None) -> bytes:
    """Return the beginning of what it says unasked, up to the end of the line; empty: nothing in time."""
    patience = FIRST_WORD_SECONDS if patience_seconds is None else patience_seconds
    return await _take(line, b"", min(patience, line.seconds_left), saying.is_whole_greeting)


async def _page(line: _Line, request: bytes) -> bytes:
    try:
        line.writer.write(request)
    except OSError:
        return b""
    return await _take(line, b"", line.seconds_left, saying.has_title)


async def _take(line: _Line, heard: bytes, seconds: float, is_enough: saying.Enough) -> bytes:
    """Read until it is enough, too much, over, or too late; what was heard until then counts."""
    try:
        async with asyncio.timeout(seconds):
            while len(heard) < MOST_BYTES and not is_enough(heard):
                chunk = await line.reader.read(CHUNK_BYTES)
                if not chunk:
                    break
                heard += chunk
    except OSError:  # TimeoutError is one too
        pass
    return heard
