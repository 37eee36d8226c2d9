"""Time to live: lowered ahead of a change, waited out everywhere, restored afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from migrations_app.ports.nameserver import RRset
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Plan, RecordChange
from migrations_app.zones.publish import Standing, standing
from migrations_app.zones.world import World

MARGIN = timedelta(seconds=30)


def lowering(plan: Plan, ttl_seconds: int) -> Plan:
    """Return the plan that only lowers the TTL of what a plan will change, values untouched."""
    changes = tuple(
        _only_ttl(change, change.before, ttl_seconds, "so that the change will be seen soon")
        for change in plan.changes
        if change.before.values and change.before.ttl > ttl_seconds
    )
    return Plan(title=f"lower TTLs to {ttl_seconds} s for: {plan.title}", changes=changes)


def restoring(plan: Plan, taken_back: Plan | None = None) -> Plan:
    """Return the plan that gives what a plan changed the TTLs back that its records had before.

    ``taken_back``: the plan that this one takes back; what it found is what the records had before.
    """
    earlier = {(one.name, one.type): one for one in taken_back.changes} if taken_back else {}
    wanted = [(change, _ttl_before(change, earlier.get((change.name, change.type)))) for change in plan.changes]
    changes = tuple(
        _only_ttl(change, change.after, ttl, "as it was before the change")
        for change, ttl in wanted
        if change.after.values and change.after.ttl != ttl
    )
    return Plan(title=f"restore TTLs after: {plan.title}", changes=changes)


def left_low(switched: Plan, lowered: Sequence[Plan], world: World) -> list[RecordChange]:
    """Return what gives back the TTLs that were lowered ahead of another difference and still stand there.

    What the record says by then is its owner's, and is kept; so is a TTL that the owner gave it.
    """
    planned = {_place(change) for change in switched.changes}
    first = {_place(one): one for earlier in reversed(lowered) for one in earlier.changes}
    last = {_place(one): one for earlier in lowered for one in earlier.changes}
    there = {place: world.zone(place[0]).records.get(place[1:]) for place in first if place not in planned}
    return [
        _only_ttl(first[place], found, first[place].before.ttl, "as it was before it was lowered")
        for place, found in there.items()
        if found is not None and found.ttl == last[place].after.ttl
    ]


def without_taken_over(plan: Plan, world: World) -> Plan:
    """Return the plan without the records that somebody has changed since; a warning names them.

    A record of which nothing is known stays in it: the guard at its server decides.
    """
    taken = [words for change in plan.changes if (words := _taken_over(change, world))]
    kept = tuple(change for change in plan.changes if not _taken_over(change, world))
    return replace(plan, changes=kept).with_warnings(taken)


def _taken_over(change: RecordChange, world: World) -> str:
    """Say what stands there instead; nothing where the change still fits."""
    zone = world.zone(change.zone)
    found = zone.records.get((change.name, change.type))
    if zone.fault or (found is None and not zone.is_whole):
        return ""
    there = found or replace(change.before, values=())
    if standing(change, there) is not Standing.OTHER:
        return ""
    held = f"{' | '.join(there.values)} with TTL {there.ttl}" if there.values else "gone"
    return (
        f"{without_dot(change.name)} {change.type} is {held}: somebody changed it since, and its TTL is left to them."
    )


def _place(change: RecordChange) -> tuple[str, str, str]:
    return change.zone, change.name, change.type


def as_before(plan: Plan, lowered: Sequence[Plan]) -> Plan:
    """Return the plan with the TTLs to come back to, where what stands there is what was lowered ahead of another."""
    was = {(one.zone, one.name, one.type): one for earlier in reversed(lowered) for one in earlier.changes}

    def given_back(change: RecordChange) -> RecordChange:
        low = was.get((change.zone, change.name, change.type))
        if low is None or not change.before.values or change.before.ttl != low.after.ttl:
            return change
        return replace(change, before=replace(change.before, ttl=low.before.ttl))

    return replace(plan, changes=_pointing_for_as_long([given_back(change) for change in plan.changes]))


def _pointing_for_as_long(changes: Sequence[RecordChange]) -> tuple[RecordChange, ...]:
    """Let a PTR that comes keep the TTL of the one that goes in its favour."""
    ttl_of = {one.before.values: one.before.ttl for one in changes if one.type == "PTR" and one.verb == "remove"}

    def as_long(change: RecordChange) -> RecordChange:
        if change.type != "PTR" or change.verb != "add":
            return change
        ttl = ttl_of.get(change.after.values, change.before.ttl)
        return replace(change, before=replace(change.before, ttl=ttl))

    return tuple(map(as_long, changes))


def _ttl_before(change: RecordChange, earlier: RecordChange | None) -> int:
    """What the earlier change took away, or left with the low TTL it gave, comes to what the earlier one found."""
    if earlier is None or not earlier.before.values:
        return change.before.ttl
    is_as_left = not earlier.after.values or change.before.ttl == earlier.after.ttl
    return earlier.before.ttl if is_as_left else change.before.ttl


def ready_at(lowered: Plan, seen_everywhere_at: datetime) -> datetime:
    """Return when every cache has forgotten the old TTL; it counts from when the last server had the low one."""
    longest = max((change.before.ttl for change in lowered.changes), default=0)
    return seen_everywhere_at + timedelta(seconds=longest) + MARGIN


def settled_at(plan: Plan, world: World, seen_everywhere_at: datetime) -> datetime:
    """Return when no cache that keeps to the rules says the old values any more, nor that a new name does not exist."""
    kept = [min(change.before.ttl, change.after.ttl) for change in plan.changes if change.before.values]
    missed = [negative_ttl(world, change.zone) for change in plan.changes if not change.before.values]
    return seen_everywhere_at + timedelta(seconds=max([*kept, *missed], default=0)) + MARGIN


def negative_ttl(world: World, zone: str) -> int:
    """Return for how many seconds caches remember that a name does not exist."""
    soa = world.zone(zone).records.get((zone, "SOA"))
    return min(soa.ttl, int(soa.values[0].split()[6])) if soa else 0


def _only_ttl(change: RecordChange, rrset: RRset, ttl: int, why: str) -> RecordChange:
    return replace(change, before=rrset, after=replace(rrset, ttl=ttl), why=(why,))
