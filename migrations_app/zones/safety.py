"""What a plan must not do: each rule looks at the whole plan and returns all its objections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from migrations_app.ports.nameserver import RRset
from migrations_app.zones import spf, strings
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Plan, RecordChange
from migrations_app.zones.world import World

HIGHEST_TTL = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one zone, by share, and of one plan, altogether."""

    share_percent: int = 30
    share_from_records: int = 10
    changes: int = 500


class PlanObjection(Exception):
    """A reason not to publish a plan. One that ``may_be_forced`` is lifted by a person who says so."""

    may_be_forced = False

    def __init__(self, zone: str, text: str) -> None:
        super().__init__(f"{without_dot(zone)}: {text}")
        self.zone = zone


class TooManyChanges(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, changes: int, records: int, limit_percent: int) -> None:
        share = round(100 * changes / records)
        advice = "split the move, or say that it is meant"
        super().__init__(
            zone,
            f"{changes} of {records} record sets would change ({share} %), the limit is {limit_percent} %; {advice}.",
        )


class PlanTooLarge(PlanObjection):
    def __init__(self, zone: str, changes: int, limit: int) -> None:
        super().__init__(zone, f"the plan changes {changes} record sets, the limit is {limit}; split the move.")


class ZoneTopChange(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, type: str) -> None:
        super().__init__(
            zone, f"the {type} at its top would change, on which the whole zone hangs; say if it is meant."
        )


class AliasInTheWay(PlanObjection):
    def __init__(self, zone: str, name: str, type: str, target: str) -> None:
        words = f"{without_dot(name)} is an alias (CNAME of {without_dot(target)}), so it can have no {type}"
        super().__init__(zone, f"{words}; change the alias or its target by hand first.")


class RedirectInTheWay(PlanObjection):
    def __init__(self, zone: str, name: str, dname: str) -> None:
        words = f"{without_dot(name)} lies below the redirection (DNAME) at {without_dot(dname)} and is never seen"
        super().__init__(zone, f"{words}; make the record where that leads to.")


class CutInTheWay(PlanObjection):
    def __init__(self, zone: str, name: str, cut: str) -> None:
        words = f"{without_dot(name)} lies below {without_dot(cut)}, which was handed on to other name servers"
        super().__init__(zone, f"{words}; change it there.")


class TtlOutOfRange(PlanObjection):
    def __init__(self, zone: str, name: str, ttl: int) -> None:
        super().__init__(zone, f"{without_dot(name)} would get a TTL of {ttl} s; it must be 1 to {HIGHEST_TTL}.")


class TwoSpfRecords(PlanObjection):
    def __init__(self, zone: str, name: str, count: int) -> None:
        words = f"{without_dot(name)} has {count} SPF records, which receivers take for an error"
        super().__init__(zone, f"{words}; merge them into one first.")


class SpfUnreadable(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, name: str, reason: str) -> None:
        words = f"the SPF record of {without_dot(name)} holds the address and cannot be read: {reason}"
        super().__init__(zone, f"{words}; mend it first, or say that it may stay wrong.")


class SpfTooLong(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, name: str, octets: int) -> None:
        words = (
            f"the SPF record of {without_dot(name)} would take {octets} octets, some receivers read {spf.MOST_OCTETS}"
        )
        super().__init__(zone, f"{words}; shorten it first, or say that it is meant.")


class SpfTooManyLookups(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, name: str, count: int) -> None:
        words = f"the SPF record of {without_dot(name)} costs at least {count} look-ups, receivers stop at"
        super().__init__(
            zone, f"{words} {spf.MOST_LOOKUPS} and take none of it; mend it first, or say that it may stay so."
        )


class ZoneNotRead(PlanObjection):
    may_be_forced = True

    def __init__(self, zone: str, fault: str) -> None:
        words = f"it could not be read ({fault}), so what stands there is not known"
        super().__init__(zone, f"{words}; mend that, or say that it may be left out.")


Rule = Callable[[Plan, World, Limits], Iterator[PlanObjection]]


def objections(plan: Plan, world: World, limits: Limits) -> list[PlanObjection]:
    """Ask every rule; an empty list means that the plan may be published."""
    return [objection for rule in RULES for objection in rule(plan, world, limits)]


def _share(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    for name in plan.zones:
        records = len(world.zone(name).rrsets)
        changed = sum(1 for change in plan.in_zone(name) if change.before.values)
        if records >= limits.share_from_records and changed * 100 > records * limits.share_percent:
            yield TooManyChanges(name, changed, records, limits.share_percent)


def _amount(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    if len(plan.changes) > limits.changes:
        yield PlanTooLarge(plan.changes[0].zone, len(plan.changes), limits.changes)


def _top(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    for change in plan.changes:
        if change.name == change.zone and change.type in ("NS", "SOA"):
            yield ZoneTopChange(change.zone, change.type)


def _owners(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    for change in plan.changes:
        zone = world.zone(change.zone)
        alias = zone.records.get((change.name, "CNAME"))
        if alias is not None and change.type != "CNAME":
            yield AliasInTheWay(zone.name, change.name, change.type, alias.values[0])
        if dname := zone.dname_above(change.name):
            yield RedirectInTheWay(zone.name, change.name, dname)
        if (cut := zone.cut_above(change.name)) and change.type not in ("A", "AAAA"):
            yield CutInTheWay(zone.name, change.name, cut)


def _ttls(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    for change in plan.changes:
        is_kept = change.after.ttl == change.before.ttl == 0
        if change.after.values and not is_kept and not 1 <= change.after.ttl <= HIGHEST_TTL:
            yield TtlOutOfRange(change.zone, change.name, change.after.ttl)


def _senders(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    for change in plan.changes:
        if change.type in ("TXT", "SPF") and change.after.values:
            yield from _sender(change, _spf_values(change.after), world)


def _sender(change: RecordChange, values: Sequence[str], world: World) -> Iterator[PlanObjection]:
    if len(values) > 1:
        yield TwoSpfRecords(change.zone, change.name, len(values))
    for value in values:
        if (octets := strings.octets_of(value)) > spf.MOST_OCTETS:
            yield SpfTooLong(change.zone, change.name, octets)
        if (count := spf.lookups(strings.text_of(value), world.spf_of)) > spf.MOST_LOOKUPS:
            yield SpfTooManyLookups(change.zone, change.name, count)


def _spf_values(rrset: RRset) -> list[str]:
    return [value for value in rrset.values if spf.is_spf(strings.text_of(value))]


def _unread(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    yield from (ZoneNotRead(zone.name, zone.fault) for zone in world.zones if zone.fault)


def _broken_senders(plan: Plan, world: World, limits: Limits) -> Iterator[PlanObjection]:
    yield from (SpfUnreadable(note.zone, note.name, note.text) for note in plan.unreadable)


RULES: tuple[Rule, ...] = (_unread, _share, _amount, _top, _owners, _ttls, _senders, _broken_senders)
