"""What an earlier difference took away stands nowhere any more: swapping its addresses back does not find it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Plan, RecordChange, ordered
from migrations_app.zones.world import World


def with_what_was_taken(plan: Plan, earlier: Plan, world: World, *, ttl_seconds: int | None) -> Plan:
    """Return the plan, and with it every record set that the earlier one removed and that nobody has made anew."""
    planned = {(change.name, change.type) for change in plan.changes}
    missing = [change for change in _taken(earlier, world) if (change.name, change.type) not in planned]
    again = tuple(_made_again(change, ttl_seconds) for change in missing)
    return replace(plan, changes=ordered((*plan.changes, *again)))


def _taken(earlier: Plan, world: World) -> Iterator[RecordChange]:
    for change in earlier.changes:
        zone = world.zone_of(change.name)
        is_there = zone is None or zone.name != change.zone or (change.name, change.type) in zone.records
        if change.before.values and not change.after.values and not is_there:
            yield change


def _made_again(change: RecordChange, ttl_seconds: int | None) -> RecordChange:
    ttl = change.before.ttl if ttl_seconds is None else min(change.before.ttl, ttl_seconds)
    why = (f"{without_dot(change.name)} as it was before the first move",)
    return replace(change, before=replace(change.before, values=()), after=replace(change.before, ttl=ttl), why=why)
