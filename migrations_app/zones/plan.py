"""The difference as a value: record by record what stands there, what shall stand there, where, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from migrations_app.basics.digests import canonical_json, sha256_hex
from migrations_app.ports.nameserver import RRset
from migrations_app.zones.names import without_dot


class Guarantee(StrEnum):
    GUARDED = "guarded"  # the server itself refuses when anything else stands there by then
    BY_HAND = "by hand"  # a person changes it, the panel looks


@dataclass(frozen=True, kw_only=True)
class RecordChange:
    """One RRset, whole, before and after; without values it does not exist.

    The TTL before is the one to come back to, also for what does not exist yet.
    """

    zone: str
    server: str
    before: RRset
    after: RRset
    why: tuple[str, ...]
    guarantee: Guarantee

    @property
    def name(self) -> str:
        return self.before.name

    @property
    def type(self) -> str:
        return self.before.type

    @property
    def verb(self) -> str:
        if not self.before.values:
            return "add"
        return "change" if self.after.values else "remove"

    @property
    def gone(self) -> tuple[str, ...]:
        return tuple(value for value in self.before.values if value not in self.after.values)

    @property
    def come(self) -> tuple[str, ...]:
        return tuple(value for value in self.after.values if value not in self.before.values)

    @property
    def kept(self) -> tuple[str, ...]:
        return tuple(value for value in self.before.values if value in self.after.values)

    def inverse(self) -> Self:
        """Return the way back. With the values the TTL stays as low as it was made, until somebody restores it."""
        if self.before.values == self.after.values:
            return replace(self, before=self.after, after=self.before)
        low = min(self.before.ttl, self.after.ttl)
        return replace(self, before=replace(self.after, ttl=self.before.ttl), after=replace(self.before, ttl=low))

    def describe(self) -> str:
        ttl = (
            f"TTL {self.after.ttl}"
            if self.before.ttl == self.after.ttl
            else f"TTL {self.before.ttl} -> {self.after.ttl}"
        )
        old, new = (" | ".join(one.values) or "nothing" for one in (self.before, self.after))
        values = f"{old} -> {new}" if old != new else old
        return f"{self.verb} {without_dot(self.name)} {self.type}: {values}  ({ttl}; {'; '.join(self.why)})"


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Something in a zone that is not ours: who sees to it has to change it."""

    name: str
    type: str
    old: str
    new: str  # empty: take it away
    who: str

    def describe(self) -> str:
        return f"{without_dot(self.name)} {self.type}: {self.old or 'nothing'} -> {self.new or 'nothing'}  ({self.who})"


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something that a person should look at; the plan does not change it."""

    zone: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that changes; can be shown, stored, compared by its digest, approved, turned round, thrown away."""

    title: str
    changes: tuple[RecordChange, ...]
    elsewhere: tuple[Elsewhere, ...] = ()
    unreadable: tuple[Note, ...] = ()  # SPF that no receiver can read, in which the address stands
    warnings: tuple[str, ...] = ()

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.zone for change in self.changes))

    def in_zone(self, zone: str) -> tuple[RecordChange, ...]:
        return tuple(change for change in self.changes if change.zone == zone)

    def inverse(self) -> Plan:
        back = tuple(change.inverse() for change in self.changes)
        turned = tuple(replace(one, old=one.new, new=one.old) for one in self.elsewhere)
        return replace(self, title=f"undo: {self.title}", changes=back, elsewhere=turned)

    def with_warnings(self, more: Sequence[str]) -> Plan:
        return replace(self, warnings=(*more, *self.warnings))

    def describe(self) -> list[str]:
        """Return the plan as lines of plain text, always in the same order."""
        return [self.title, *_described(self), *(f"warning: {line}" for line in self.warnings)]

    def digest(self) -> str:
        """Return the SHA-256 of everything a person agrees to."""
        return sha256_hex(canonical_json(to_json(self)))


def _described(plan: Plan) -> Iterator[str]:
    for zone in plan.zones:
        changes = plan.in_zone(zone)
        yield f"{without_dot(zone)} at {changes[0].server or 'no server of ours'} ({changes[0].guarantee})"
        yield from (f"  {change.describe()}" for change in changes)
    if plan.elsewhere:
        yield "elsewhere, by whoever holds the zone"
        yield from (f"  {one.describe()}" for one in plan.elsewhere)


def to_json(plan: Plan) -> dict[str, Any]:
    return asdict(plan)


def from_json(told: Mapping[str, Any]) -> Plan:
    """Return the plan that ``to_json`` wrote, from a database as well."""
    return Plan(
        title=told["title"],
        changes=tuple(_change(one) for one in told["changes"]),
        elsewhere=tuple(Elsewhere(**one) for one in told["elsewhere"]),
        unreadable=tuple(Note(**one) for one in told["unreadable"]),
        warnings=tuple(told["warnings"]),
    )


def _change(told: Mapping[str, Any]) -> RecordChange:
    return RecordChange(
        zone=told["zone"],
        server=told["server"],
        before=_rrset(told["before"]),
        after=_rrset(told["after"]),
        why=tuple(told["why"]),
        guarantee=Guarantee(told["guarantee"]),
    )


def _rrset(told: Mapping[str, Any]) -> RRset:
    return RRset(name=told["name"], type=told["type"], ttl=told["ttl"], values=tuple(told["values"]))


def ordered(changes: Sequence[RecordChange]) -> tuple[RecordChange, ...]:
    """Return them in the one order in which they are shown, sent and hashed."""
    return tuple(sorted(changes, key=lambda one: (one.zone, _from_the_top(one.name), one.type)))


def _from_the_top(name: str) -> tuple[str, ...]:
    return tuple(reversed(name.rstrip(".").split(".")))
