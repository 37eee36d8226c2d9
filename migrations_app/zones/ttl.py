"""Time to live: lowered ahead of a change, waited out everywhere, restored afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from migrations_app.ports.nameserver import RRset
from migrations_app.zones.plan import Plan, RecordChange
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


def as_before(plan: Plan, lowered: Sequence[Plan]) -> Plan:
    """Return the plan with the TTLs to come back to, where what stands there is what was lowered ahead of another."""
    was = {(one.zone, one.name, one.type): one for earlier in reversed(lowered) for one in earlier.changes}

    def given_back(change: RecordChange) -> RecordChange:
        low = was.get((change.zone, change.name, change.type))
        if low is None or not change.before.values or change.before.ttl != low.after.ttl:
            return change
        return replace(change, before=replace(change.before, ttl=low.before.ttl))

    return replace(plan, changes=tuple(map(given_back, plan.changes)))


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
