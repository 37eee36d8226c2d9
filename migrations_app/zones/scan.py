"""Read a zone: whole where its server gives a transfer, name by name where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migrations_app.ports.nameserver import (
    Key,
    NameServer,
    NameServerError,
    NameServerRefused,
    NotAuthoritative,
    RRset,
    Server,
    Way,
)
from migrations_app.zones import names
from migrations_app.zones.build import Resolved
from migrations_app.zones.names import Address
from migrations_app.zones.publish import serial_of
from migrations_app.zones.swap import Swap
from migrations_app.zones.world import World

MOST_NAMES = 300
TYPES_AT_TOP = ("SOA", "NS", "MX", "TXT", "A", "AAAA", "DNSKEY")
TYPES_AT_NAMES = ("A", "AAAA", "CNAME", "TXT", "MX")


@dataclass(frozen=True, kw_only=True)
class ZoneReading:
    serial: int
    rrsets: tuple[RRset, ...]
    is_whole: bool


def serial_at(nameserver: NameServer, server: Server, zone: str) -> int:
    """Ask for the zone's serial, by which it is known whether it has to be read anew.

    :raises NameServerError: also where the server does not answer for the zone.
    """
    answer = nameserver.ask(server, zone, "SOA", way=Way.TCP)
    soa = answer.find(zone, "SOA")
    if soa is None or not answer.authoritative:
        raise NotAuthoritative(server.name, detail=names.without_dot(zone))
    return serial_of(soa)


def read_zone(
    nameserver: NameServer, server: Server, zone: str, *, key: Key | None, more_names: Iterable[str] = ()
) -> ZoneReading:
    """Return what the zone holds.

    :raises NameServerError: it can be read in neither way.
    """
    try:
        transfer = nameserver.transfer(server, zone, key=key)
    except (NameServerRefused, NotAuthoritative):  # servers refuse a transfer with one code or the other
        return _by_names(nameserver, server, zone, more_names)
    return ZoneReading(serial=transfer.serial, rrsets=transfer.rrsets, is_whole=True)


def resolve(
    nameserver: NameServer, resolvers: Sequence[Server], world: World, wanted: Iterable[str], swaps: Sequence[Swap]
) -> tuple[Resolved, list[str]]:
    """Ask the world about what our zones say nothing of; return also what could not be found out."""
    asked = _Asked(nameserver, resolvers)
    outside = [name for name in wanted if world.zone_of(name) is None][:MOST_NAMES]
    found = tuple((name, swap.old) for name in outside for swap in swaps if asked.leads_to(name, swap.old))
    reverse = {swap.old: asked.names_of(swap.old) for swap in swaps if _is_foreign(world, swap.old)}
    return Resolved(names=found, reverse={old: said for old, said in reverse.items() if said}), asked.troubles


class _Asked:
    """Questions to resolvers; one that does not answer is not asked again, and what that hides is said."""

    def __init__(self, nameserver: NameServer, resolvers: Sequence[Server]) -> None:
        self.nameserver, self.resolvers = nameserver, list(resolvers)
        self.troubles: list[str] = []

    def leads_to(self, name: str, address: Address) -> bool:
        type_ = names.address_type(address)
        return any(str(address) in one.values for one in self._ask(name, type_) if one.type == type_)

    def names_of(self, address: Address) -> tuple[str, ...]:
        said = [one.values for one in self._ask(names.reverse_name(address), "PTR") if one.type == "PTR"]
        return said[0] if said else ()

    def _ask(self, name: str, type: str) -> tuple[RRset, ...]:
        while self.resolvers:
            try:
                return self.nameserver.ask(self.resolvers[0], name, type, recursive=True).answer
            except NameServerError as error:
                self.troubles.append(f"names in zones of others were not looked for: {error}")
                del self.resolvers[0]
        return ()


def _is_foreign(world: World, address: Address) -> bool:
    return world.zone_of(world.follow(names.reverse_name(address))) is None


def _by_names(nameserver: NameServer, server: Server, zone: str, more_names: Iterable[str]) -> ZoneReading:
    serial = serial_at(nameserver, server, zone)
    asked = dict.fromkeys(name for name in more_names if names.is_within(name, zone) and name != zone)
    questions = [(zone, type_) for type_ in TYPES_AT_TOP]
    questions += [(name, type_) for name in list(asked)[:MOST_NAMES] for type_ in _types(name)]
    found = {(one.name, one.type): one for one in _answers(nameserver, server, questions)}
    return ZoneReading(serial=serial, rrsets=tuple(sorted(found.values())), is_whole=False)


def _types(name: str) -> tuple[str, ...]:
    return ("PTR", "CNAME") if name.endswith(".arpa.") else TYPES_AT_NAMES


def _answers(nameserver: NameServer, server: Server, questions: Sequence[tuple[str, str]]) -> Iterator[RRset]:
    """Keep what stands at the name itself: an answer also shows what its alias leads to."""
    for name, type_ in questions:
        answer = nameserver.ask(server, name, type_)
        yield from (one for one in answer.answer if one.name == name and one.type in (type_, "CNAME"))
