"""Work a difference out: read what moved in our zones, ask the world about the rest, make plan and objections."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from migrations_app.models import Container, Publication, Zone
from migrations_app.ports.nameserver import NameServerUnreachable
from migrations_app.zones import publications, safety, scan, shelf, ttl
from migrations_app.zones.build import build
from migrations_app.zones.plan import Plan, ordered
from migrations_app.zones.publications import STRETCH, Hands
from migrations_app.zones.safety import Limits
from migrations_app.zones.swap import Swap, checked_swaps
from migrations_app.zones.taking_back import with_what_was_taken
from migrations_app.zones.world import World


def work_out(publication: Publication, hands: Hands) -> None:
    """Go as far as one stretch reaches; the difference is ready at the end, or this is called again."""
    if not _read_zones(publication, hands):
        publications.move(publication, publication.state, next_look_at=hands.clock())
        return
    world = shelf.world()
    plan = _plan(publication, world, hands)
    found = safety.objections(plan, world, limits_of(hands.settings))
    publications.store_plan(publication, plan, found, now=hands.clock())


def limits_of(settings: Any) -> Limits:
    return Limits(
        share_percent=settings["zone_share_percent"],
        share_from_records=settings["zone_share_from_records"],
        changes=settings["most_name_changes"],
    )


def _read_zones(publication: Publication, hands: Hands) -> bool:
    """Read every zone that was not tried since the question was asked; return whether none is left."""
    end = hands.clock() + STRETCH
    for zone in _unread(publication.created_at):
        if hands.clock() > end:
            return False
        if zone.primary_id in silent_servers(publication.created_at):
            shelf.store_silence(zone, now=hands.clock())
        else:
            shelf.refresh(zone, hands.nameserver, now=hands.clock(), settings=hands.settings)
    return True


def _unread(since: datetime) -> list[Zone]:
    rows = Zone.objects.select_related("primary", "key").order_by("primary", "name")
    return list(rows.exclude(tried_at__gt=since))


def silent_servers(since: datetime) -> set[int]:
    """Return the servers that did not answer for another zone just now: they are not waited for again and again."""
    silent = Zone.objects.filter(tried_at__gt=since, fault=NameServerUnreachable.__name__)
    return set(silent.values_list("primary_id", flat=True))


def _plan(publication: Publication, world: World, hands: Hands) -> Plan:
    match publication.kind, publication.of:
        case Publication.Kind.LOWER, Publication() as switch:
            return ttl.lowering(publications.plan_of(switch), publication.ttl_seconds or 1)
        case Publication.Kind.RESTORE, Publication() as switch:
            return _restoring(publication, switch, world)
    swaps = checked_swaps([(old, new) for old, new in publication.pairs])
    names = shelf.checked_names([*publication.names, *_hostnames(publication, swaps)])
    resolved, troubles = scan.resolve(hands.nameserver, hands.resolvers, world, names, swaps)
    plan = build(world, swaps, ttl_seconds=publication.ttl_seconds, resolved=resolved)
    earlier = _taken_back_by(publication)
    if earlier is not None:
        plan = with_what_was_taken(plan, earlier, world, ttl_seconds=publication.ttl_seconds)
    return ttl.as_before(plan, _lowered_before(publication)).with_warnings(troubles)


def _restoring(publication: Publication, switch: Publication, world: World) -> Plan:
    switched = publications.plan_of(switch)
    plan = ttl.restoring(switched, _taken_back_by(switch))
    left = ttl.left_low(switched, _lowered_before(publication), world)
    return ttl.without_taken_over(replace(plan, changes=ordered((*plan.changes, *left))), world)


def _lowered_before(publication: Publication) -> list[Plan]:
    """Return what the migration has lowered already, for a difference that is void by now; the first one first."""
    if publication.migration_id is None:
        return []
    rows = Publication.objects.filter(migration=publication.migration_id, kind=Publication.Kind.LOWER)
    return [publications.plan_of(row) for row in rows.filter(state__in=Publication.IN_FORCE).order_by("pk")]


def _taken_back_by(switch: Publication) -> Plan | None:
    """Return what the first move changed, where this is its return trip's difference."""
    first = Publication.objects.filter(migration__return_trips=switch.migration_id, kind=Publication.Kind.SWITCH)
    row = first.filter(state__in=Publication.IN_FORCE).order_by("-pk").first() if switch.migration_id else None
    return publications.plan_of(row) if row else None


def _hostnames(publication: Publication, swaps: tuple[Swap, ...]) -> list[str]:
    """Return what the containers that hold the old addresses call themselves."""
    olds = {str(swap.old) for swap in swaps}
    here = Container.objects.filter(gone_at=None).values_list("hostname", "addresses")
    named = [hostname for hostname, addresses in here if not olds.isdisjoint(addresses)]
    return [publication.container.hostname, *named] if publication.container else named
