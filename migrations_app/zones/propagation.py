"""Ask every authoritative server itself whether it says what was published; one that does not is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from migrations_app.ports.nameserver import Answer, NameServer, NameServerError, RRset, Server, Way
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import RecordChange
from migrations_app.zones.publish import serial_of

MOST_TROUBLES = 5
MOST_SIDE_BY_SIDE = 8
_HALF = 2**31


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one server says, over UDP and over TCP; no troubles: all of it, as published."""

    server: str
    address: str
    serial: int | None
    troubles: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        return not self.troubles


def is_not_older(serial: int, than: int) -> bool:
    """Compare serials as they go round at 2^32 (RFC 1982)."""
    return (serial - than) % 2**32 < _HALF


def look_at_all(
    nameserver: NameServer, servers: Sequence[Server], changes: Sequence[RecordChange], *, serial: int, is_signed: bool
) -> list[Seen]:
    """Ask all servers side by side: the slowest alone decides how long that takes."""
    with ThreadPoolExecutor(max(1, min(MOST_SIDE_BY_SIDE, len(servers)))) as pool:
        return list(
            pool.map(lambda server: look_at(nameserver, server, changes, serial=serial, is_signed=is_signed), servers)
        )


def look_at(
    nameserver: NameServer, server: Server, changes: Sequence[RecordChange], *, serial: int, is_signed: bool = False
) -> Seen:
    """Ask one server, and no cache, for everything that changed in one zone and for the zone's serial."""
    found: list[int] = []
    troubles: list[str] = []
    try:
        for trouble in _troubles(nameserver, server, changes, serial, is_signed, found):
            troubles.append(trouble)
            if len(troubles) == MOST_TROUBLES:
                break
    except NameServerError as error:
        troubles.append(str(error))
    return Seen(
        server=server.name, address=server.address, serial=found[0] if found else None, troubles=tuple(troubles)
    )


def _troubles(
    nameserver: NameServer,
    server: Server,
    changes: Sequence[RecordChange],
    serial: int,
    is_signed: bool,
    found: list[int],
) -> Iterator[str]:
    zone = changes[0].zone
    for way in Way:
        answer = nameserver.ask(server, zone, "SOA", way=way)
        soa = answer.find(zone, "SOA")
        if soa is None or not answer.authoritative:
            yield f"{server} does not answer for {without_dot(zone)} over {way} (lame)"
            return
        found.append(serial_of(soa))
        if not is_not_older(found[-1], serial):
            yield f"{server} still has serial {found[-1]} of {without_dot(zone)}, published was {serial}"
        for change in changes:
            yield from _wrong(nameserver.ask(server, change.name, change.type, way=way), server, change, way)
    if is_signed:
        yield from _unsigned(nameserver, server, changes)


def _wrong(answer: Answer, server: Server, change: RecordChange, way: Way) -> Iterator[str]:
    name = f"{without_dot(change.name)} {change.type}"
    said = _said(answer, change)
    if said.values != change.after.values:
        if not change.after.values and change.before.values != said.values:
            return  # a wildcard answers where the record was taken away
        yield f"{server} says {' | '.join(said.values) or answer.rcode} for {name} over {way}"
    elif said.values and said.ttl != change.after.ttl:
        yield f"{server} says TTL {said.ttl} for {name} over {way}, published was {change.after.ttl}"


def _said(answer: Answer, change: RecordChange) -> RRset:
    """Return what the server says, the addresses beside a referral included: that is what glue is."""
    said = (*answer.answer, *(() if answer.authoritative else answer.additional))
    nothing = RRset(name=change.name, type=change.type, ttl=0, values=())
    return next((one for one in said if (one.name, one.type) == (change.name, change.type)), nothing)


def _unsigned(nameserver: NameServer, server: Server, changes: Sequence[RecordChange]) -> Iterator[str]:
    for change in changes:
        is_signable = change.after.values and nameserver.ask(server, change.name, change.type).authoritative  # not glue
        if is_signable and not nameserver.signatures_hold(server, change.zone, change.name, change.type):
            yield f"{server} has no good signature of {without_dot(change.name)} {change.type}"
