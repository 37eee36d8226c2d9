"""A name server's bad days: stands in front of a real one and loses, delays, cuts or refuses what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsig

from migrations_app.ports.nameserver import Server
from tests.nameservers.ground import HERE, KEY, free_port

PATIENCE_SECONDS = 5.0
# Takes what was asked, and the way to the real server; returns the answer, or None to hang up without one.
Mood = Callable[[bytes, Callable[[bytes], bytes]], bytes | None]
_KEYRING = {dns.tsig.Key(KEY.name, KEY.secret, KEY.algorithm).name: dns.tsig.Key(KEY.name, KEY.secret, KEY.algorithm)}


@dataclass
class Proxy:
    server: Server
    mood: Mood
    updates: int = 0
    _closed: threading.Event = field(default_factory=threading.Event)


def is_update(asked: bytes) -> bool:
    return bool((asked[2] >> 3) & 15 == dns.opcode.UPDATE)


def honest(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
    return forward(asked)


def loses_replies(times: int) -> Mood:
    """Let so many updates through, and hang up instead of passing their answer on."""
    left = [times]

    def mood(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
        answer = forward(asked)
        if is_update(asked) and left[0]:
            left[0] -= 1
            return None
        return answer

    return mood


def loses_updates(times: int) -> Mood:
    """Hang up on so many updates before they reach the server."""
    left = [times]

    def mood(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
        if is_update(asked) and left[0]:
            left[0] -= 1
            return None
        return forward(asked)

    return mood


def answers(rcode: int, *, tsig_error: int = 0) -> Mood:
    """Answer every update with a code of one's own."""

    def mood(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
        if not is_update(asked):
            return forward(asked)
        query = dns.message.from_wire(asked, keyring=_KEYRING)
        answer = dns.message.make_response(query, tsig_error=tsig_error)
        answer.set_rcode(dns.rcode.Rcode(rcode))
        return answer.to_wire()

    return mood


def cuts(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
    """Mark every answer as cut off."""
    answer = bytearray(forward(asked))
    answer[2] |= dns.flags.TC >> 8
    return bytes(answer)


def never_answers(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
    threading.Event().wait(0.5)
    return None


def talks_nonsense(asked: bytes, forward: Callable[[bytes], bytes]) -> bytes | None:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


@contextmanager
def before(real: Server, mood: Mood = honest) -> Iterator[Proxy]:
    """Stand before a server, for UDP and TCP."""
    port = free_port()
    with socket.create_server((HERE, port)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind((HERE, port))
        proxy = Proxy(server=Server(name=real.name, address=HERE, port=port), mood=mood)
        threads = [
            threading.Thread(target=serve, args=(proxy, real, sock), daemon=True)
            for serve, sock in ((_tcp, tcp), (_udp, udp))
        ]
        for thread in threads:
            thread.start()
        yield proxy
        proxy._closed.set()
        for sock in (tcp, udp):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(PATIENCE_SECONDS)


def _tcp(proxy: Proxy, real: Server, door: socket.socket) -> None:
    with suppress(OSError):
        while not proxy._closed.is_set():
            caller, _ = door.accept()
            threading.Thread(target=_talk, args=(proxy, real, caller), daemon=True).start()


def _talk(proxy: Proxy, real: Server, caller: socket.socket) -> None:
    with suppress(OSError), caller, caller.makefile("rb") as heard:
        asked = heard.read(int.from_bytes(heard.read(2), "big"))
        if not asked:
            return
        proxy.updates += is_update(asked)
        answer = proxy.mood(asked, lambda words: _ask(real, words))
        if answer is not None:
            caller.sendall(len(answer).to_bytes(2, "big") + answer)


def _udp(proxy: Proxy, real: Server, door: socket.socket) -> None:
    with suppress(OSError):
        while not proxy._closed.is_set():
            asked, caller = door.recvfrom(65_535)
            if not asked:
                return
            answer = proxy.mood(asked, lambda words: _ask(real, words))
            if answer is not None:
                door.sendto(answer, caller)


def _ask(real: Server, words: bytes) -> bytes:
    with socket.create_connection((real.address, real.port), timeout=PATIENCE_SECONDS) as line:
        line.sendall(len(words).to_bytes(2, "big") + words)
        with line.makefile("rb") as heard:
            return heard.read(int.from_bytes(heard.read(2), "big"))
