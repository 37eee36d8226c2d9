"""Where the measuring client goes: to one address for ever, or where a name leads, for as long as its TTL says."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

import dns.message
import dns.rdatatype

from lab.exchange import Endpoint

ASK_SECONDS = 1.0
LARGEST_REPLY = 4096


@dataclass
class Directory:
    """``stretch``: a resolver that keeps answers for so many times their TTL; without a name nobody is asked."""

    endpoint: Endpoint
    name: str = ""
    server: str = ""
    stretch: float = 1.0
    asked: int = 0
    _known_until_s: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def where(self) -> Endpoint:
        """Return where to connect now; while no answer comes the last one stands."""
        loop = asyncio.get_running_loop()
        if not self.name or loop.time() < self._known_until_s:
            return self.endpoint
        async with self._turn:
            if loop.time() >= self._known_until_s:
                await self._look_up(loop)
        return self.endpoint

    async def _look_up(self, loop: asyncio.AbstractEventLoop) -> None:
        self.asked += 1
        try:
            address, ttl_seconds = await asyncio.wait_for(_ask(loop, self.name, self.server), ASK_SECONDS)
        except (OSError, TimeoutError, ValueError):
            self._known_until_s = loop.time() + 1.0
            return
        self.endpoint = Endpoint(address=address, port=self.endpoint.port)
        self._known_until_s = loop.time() + ttl_seconds * self.stretch


async def _ask(loop: asyncio.AbstractEventLoop, name: str, server: str) -> tuple[str, int]:
    query = dns.message.make_query(name, "A")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (server, 53))
        await loop.sock_sendall(sock, query.to_wire())
        reply = dns.message.from_wire(await loop.sock_recv(sock, LARGEST_REPLY))
    for answer in reply.answer:
        if answer.rdtype == dns.rdatatype.A:
            return str(next(iter(answer))), int(answer.ttl)
    raise ValueError(f"{server} knows no address of {name}")
