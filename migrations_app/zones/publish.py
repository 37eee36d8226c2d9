"""Bring a zone to what a plan says, by guarded updates: what nobody planned for is never overwritten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

from migrations_app.ports.nameserver import NameServerError, PrerequisiteFailed, Requirement, RRset, Update
from migrations_app.ports.nameserver import UpdateReplyLost as ReplyLost
from migrations_app.ports.provider import Provider
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import RecordChange

# Each try begins with a look. Somebody who edits the zone all the time can make some of them fail, not all.
MOST_TRIES = 8


class Standing(Enum):
    OLD = auto()
    DESIRED = auto()
    OTHER = auto()


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Something else stands there than was planned for."""

    change: RecordChange
    found: RRset

    @property
    def words(self) -> str:
        there = " | ".join(self.found.values) or "nothing"
        wanted = " | ".join(self.change.before.values) or "nothing"
        ttls = f" with TTL {self.found.ttl}" if self.found.values == self.change.before.values else ""
        name = without_dot(self.change.name)
        return f"{name} {self.found.type} is {there}{ttls}; the difference was made for {wanted}"


@dataclass(frozen=True, kw_only=True)
class Settled:
    """The zone holds what the plan says; ``sent`` is how many updates that took, the serial the one it has now."""

    serial: int
    sent: int


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Somebody changed what the plan is about; of its other records so many are old, and so many as wanted."""

    drifts: tuple[Drift, ...]
    old: int = 0
    desired: int = 0


class Superseded(Exception):
    """Somebody else decides by now what becomes of this zone; nothing more was sent."""


class UpdateWithoutEffect(NameServerError):
    """The server said that the update was made, and still holds the old records."""

    meaning = "says that it made the update, and holds the old records"


def standing(change: RecordChange, found: RRset) -> Standing:
    """Return what was found, seen by the change; a TTL that one of ours had or gets is no difference."""
    if found.type != change.type:
        return Standing.OTHER
    ttl_is_ours = not found.values or found.ttl in (change.before.ttl, change.after.ttl)
    is_ttl_only = change.before.values == change.after.values
    if found.values == change.after.values and ttl_is_ours and not (is_ttl_only and found.ttl != change.after.ttl):
        return Standing.DESIRED
    return Standing.OLD if found.values == change.before.values and ttl_is_ours else Standing.OTHER


@dataclass(frozen=True, kw_only=True)
class Look:
    """What stands at the places of a zone's changes, sorted by what that means."""

    old: list[RecordChange]
    desired: list[RecordChange]
    drifts: tuple[Drift, ...]

    @classmethod
    def of(cls, found: Sequence[tuple[RecordChange, RRset]]) -> Self:
        sorted_ = [(change, rrset, standing(change, rrset)) for change, rrset in found]
        return cls(
            old=[change for change, _, where in sorted_ if where is Standing.OLD],
            desired=[change for change, _, where in sorted_ if where is Standing.DESIRED],
            drifts=tuple(Drift(change=one, found=rrset) for one, rrset, where in sorted_ if where is Standing.OTHER),
        )

    def conflict(self) -> Conflict:
        return Conflict(drifts=self.drifts, old=len(self.old), desired=len(self.desired))

    def shows_made(self, sent: Sequence[RecordChange]) -> bool:
        """Return whether an update with these changes was made: a server makes all of an update or nothing."""
        return any(change in self.desired for change in sent)


def look(provider: Provider, zone: str, changes: Sequence[RecordChange]) -> list[tuple[RecordChange, RRset]]:
    """Return what stands at the places of these changes now."""
    return [(change, _current(provider, zone, change)) for change in changes]


def settle(
    provider: Provider, zone: str, changes: Sequence[RecordChange], *, may_send: Callable[[], bool] = lambda: True
) -> Settled | Conflict:
    """Make the changes of one zone, all of them or none. Safe to call again after a kill at any line.

    An answer that was lost is resolved by looking: what is desired is there (made), what is old is there (not made,
    tried again), or something else is (a conflict).

    :raises NameServerError: the server would not; what it said.
    :raises Superseded: ``may_send`` says that this is another's by now; asked between the look and each update.
    """
    sent: list[RecordChange] = []
    tries, trouble = 0, None
    while tries < MOST_TRIES:
        soa = provider.soa(zone)  # before the records: an edit between the two makes the guard fail, which is right
        seen = Look.of(look(provider, zone, changes))
        if seen.shows_made(sent) or (sent and trouble is None and not seen.old):
            # Ours was made, whatever somebody did after it: that is seen when the servers are asked.
            return Settled(serial=serial_of(soa), sent=tries)
        if sent and trouble is None:
            # Made and taken back by somebody, or never made: either way not to be sent again.
            raise UpdateWithoutEffect(changes[0].server, detail=without_dot(zone))
        if seen.drifts:
            return seen.conflict()
        if not seen.old:
            return Settled(serial=serial_of(soa), sent=tries)
        if not may_send():
            raise Superseded
        trouble, sent = _send(provider, update_for(zone, seen.old, soa)), seen.old
        tries += 1
    raise trouble or UpdateWithoutEffect(changes[0].server, detail=without_dot(zone))


def update_for(zone: str, changes: Sequence[RecordChange], soa: RRset) -> Update:
    """Return the update with its guards: the whole old RRsets, no alias in the way, and the zone as it was looked at.

    The SOA guards what values cannot: TTLs, which requirements do not see.
    """
    return Update(
        zone=zone,
        requires=tuple(dict.fromkeys([Requirement(name=zone, type="SOA", values=soa.values), *_guards(changes)])),
        puts=tuple(change.after for change in changes),
    )


def serial_of(soa: RRset) -> int:
    return int(soa.values[0].split()[2])


def _guards(changes: Sequence[RecordChange]) -> Iterator[Requirement]:
    for change in changes:
        yield Requirement(name=change.name, type=change.type, values=change.before.values)
        if change.type != "CNAME":
            # Servers say NOERROR to an address at an alias, and do nothing.
            yield Requirement(name=change.name, type="CNAME")


def _send(provider: Provider, update: Update) -> NameServerError | None:
    """Return what went wrong where looking again decides; raise what looking cannot mend."""
    try:
        provider.change(update)
    except (PrerequisiteFailed, ReplyLost) as doubt:
        return doubt
    return None


def _current(provider: Provider, zone: str, change: RecordChange) -> RRset:
    is_absent_once = not change.before.values or not change.after.values
    return provider.current(zone, change.name, change.type, may_be_missing=is_absent_once)
