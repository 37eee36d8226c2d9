"""Name servers with a memory: zones that take guarded updates as real ones do, and secondaries that may lag."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from migrations_app.ports.nameserver import (
    Answer,
    Key,
    NameServerError,
    NameServerRefused,
    NameServerUnreachable,
    NotAuthoritative,
    PrerequisiteFailed,
    Requirement,
    RRset,
    Server,
    Transfer,
    Update,
    UpdateKeyUnknown,
    UpdateReplyLost,
    UpdateSecretDiffers,
    Way,
)

SOA = "{serial} 3600 600 86400 60"
Place = tuple[str, int]


@dataclass
class FakeZone:
    """What a zone holds; the serial rises with every change."""

    name: str
    serial: int = 1
    rrsets: dict[tuple[str, str], RRset] = field(default_factory=dict)

    @property
    def soa(self) -> RRset:
        value = f"ns1.{self.name} hostmaster.{self.name} {SOA.format(serial=self.serial)}"
        return RRset(name=self.name, type="SOA", ttl=3600, values=(value,))

    def get(self, name: str, type: str) -> RRset | None:
        return self.soa if (name, type) == (self.name, "SOA") else self.rrsets.get((name, type))

    def put(self, name: str, type: str, ttl: int, *values: str) -> None:
        """Change a record by hand."""
        self.apply([RRset(name=name, type=type, ttl=ttl, values=tuple(sorted(values)))])

    def apply(self, puts: Iterable[RRset]) -> None:
        for put in puts:
            if put.type != "CNAME" and (put.name, "CNAME") in self.rrsets:
                continue  # as real servers do: no error, and no effect
            self.rrsets.pop((put.name, put.type), None)
            if put.values:
                self.rrsets[put.name, put.type] = replace(put, values=tuple(sorted(put.values)))
        self.serial += 1

    def copy(self) -> FakeZone:
        return FakeZone(name=self.name, serial=self.serial, rrsets=dict(self.rrsets))


@dataclass
class FakeServer:
    """One server; ``zones`` may be another's own, which is a secondary that is always up to date."""

    zones: dict[str, FakeZone]
    keys: dict[str, Key] = field(default_factory=dict)
    gives_transfers: bool = True
    trouble: NameServerError | None = None  # raised by everything
    loses_replies: int = 0  # so many updates are made, and nobody is told
    before_update: Callable[[FakeZone], None] | None = None  # what somebody else does just then
    updates: int = 0

    def zone_of(self, name: str) -> FakeZone | None:
        within = [zone for zone in self.zones.values() if name == zone.name or name.endswith(f".{zone.name}")]
        return max(within, key=lambda zone: len(zone.name), default=None)


class FakeNameServers:
    """A NameServer: the net in which the servers stand."""

    def __init__(self) -> None:
        self.servers: dict[Place, FakeServer] = {}
        self.asked = 0

    def add(self, place: Place, server: FakeServer) -> FakeServer:
        self.servers[place] = server
        return server

    def ask(
        self,
        server: Server,
        name: str,
        type: str,
        *,
        way: Way = Way.UDP,
        recursive: bool = False,
        timeout_seconds: float = 3,
    ) -> Answer:
        self.asked += 1
        held = self._at(server)
        zone = held.zone_of(name)
        if zone is None:
            raise NameServerRefused(server.name, rcode="REFUSED")
        return _answer(zone, name, type, recursive=recursive)

    def transfer(self, server: Server, zone: str, *, key: Key | None = None, timeout_seconds: float = 15) -> Transfer:
        held = self._at(server)
        if zone not in held.zones:
            raise NotAuthoritative(server.name, rcode="NOTAUTH")
        if not held.gives_transfers:
            raise NameServerRefused(server.name, rcode="REFUSED")
        found = held.zones[zone]
        return Transfer(serial=found.serial, rrsets=tuple(sorted([found.soa, *found.rrsets.values()])))

    def update(self, server: Server, update: Update, *, key: Key | None = None, timeout_seconds: float = 5) -> None:
        held = self._at(server)
        if update.zone not in held.zones:
            raise NotAuthoritative(server.name, rcode="NOTAUTH")
        _check_key(server, held, key)
        zone = held.zones[update.zone]
        if held.before_update:
            held.before_update(zone)
        for requirement in update.requires:
            _check(server, zone, requirement)
        if any(zone.get(put.name, put.type) != put for put in update.puts):
            zone.apply(update.puts)
        held.updates += 1
        if held.loses_replies:
            held.loses_replies -= 1
            raise UpdateReplyLost(server.name)

    def signatures_hold(self, server: Server, zone: str, name: str, type: str, *, timeout_seconds: float = 3) -> bool:
        return True

    def _at(self, server: Server) -> FakeServer:
        held = self.servers.get((server.address, server.port))
        if held is None:
            raise NameServerUnreachable(server.name, detail="no route")
        if held.trouble:
            raise held.trouble
        return held


def _check_key(server: Server, held: FakeServer, key: Key | None) -> None:
    known = held.keys.get(key.name) if key else None
    if key is None:
        raise NameServerRefused(server.name, rcode="REFUSED")
    if known is None:
        raise UpdateKeyUnknown(server.name, rcode="BADKEY")
    if known != key:
        raise UpdateSecretDiffers(server.name, rcode="BADSIG")


def _check(server: Server, zone: FakeZone, requirement: Requirement) -> None:
    found = zone.get(requirement.name, requirement.type)
    values = found.values if found else ()
    if values != tuple(sorted(requirement.values)):
        rcode = "NXRRSET" if requirement.values else "YXRRSET"
        raise PrerequisiteFailed(server.name, rcode=rcode)


def _answer(zone: FakeZone, name: str, type: str, *, recursive: bool) -> Answer:
    if cut := _cut_above(zone, name, type):
        beside = zone.get(name, type)
        return Answer(rcode="NOERROR", authoritative=False, authority=(cut,), additional=(beside,) if beside else ())
    found = [one for one in (zone.get(name, type), zone.get(name, "CNAME")) if one] or _made_up(zone, name, type)
    if recursive and found and found[0].type == "CNAME" != type:
        found += _answer(zone, found[0].values[0], type, recursive=True).answer
    return Answer(
        rcode="NOERROR" if found or _exists(zone, name) else "NXDOMAIN",
        authoritative=not recursive,
        answer=tuple(found),
        authority=() if found else (zone.soa,),
    )


def _cut_above(zone: FakeZone, name: str, type: str) -> RRset | None:
    while name != zone.name and "." in name:
        if (name, "NS") in zone.rrsets:
            return zone.rrsets[name, "NS"]
        name = name.partition(".")[2]
    return None


def _exists(zone: FakeZone, name: str) -> bool:
    return any(owner == name or owner.endswith(f".{name}") for owner, _ in zone.rrsets)


def _made_up(zone: FakeZone, name: str, type: str) -> list[RRset]:
    """Answer from a wildcard, where nothing stands at the name."""
    if _exists(zone, name):
        return []
    above = name.partition(".")[2]
    while above != zone.name and not _exists(zone, above):
        above = above.partition(".")[2]
    found = [zone.get(f"*.{above}", type), zone.get(f"*.{above}", "CNAME")]
    return [replace(one, name=name) for one in found if one]
