"""Look at every authoritative server, until all of them say what was published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from migrations_app.models import NameServer, Publication, Zone, ZoneChange
from migrations_app.ports.nameserver import NameServerError
from migrations_app.zones import propagation, publications, shelf, ttl
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Elsewhere, Plan
from migrations_app.zones.propagation import Seen
from migrations_app.zones.publications import LONGEST_PAUSE_SECONDS, Hands
from migrations_app.zones.world import World


def look(publication: Publication, hands: Hands) -> None:
    """Ask all servers once. All right: verified. Else again after a pause; the ones that lag are named meanwhile."""
    plan, world, now = publications.plan_of(publication), shelf.world(), hands.clock()
    silent: set[str] = set()
    right = [_look_at_zone(row, plan, world, hands, silent) for row in _rows(publication)]
    outside = [_look_elsewhere(one, hands) for one in plan.elsewhere]
    if all(right):
        settled = _settled_at(publication, plan, world, hands)
        told: dict[str, Any] = {"verified_at": now, "settled_at": settled, "next_look_at": None}
        publications.move(publication, Publication.State.VERIFIED, elsewhere_seen=outside, **told)
    else:
        pause = timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 2 ** min(publication.tries, 10)))
        told = {"tries": publication.tries + 1, "next_look_at": hands.clock() + pause}
        publications.move(publication, publication.state, elsewhere_seen=outside, **told)


def _rows(publication: Publication) -> list[ZoneChange]:
    wanted = publication.zone_changes.select_related("zone__primary")
    return list(wanted.prefetch_related("zone__secondaries").order_by("zone__name"))


def _look_at_zone(row: ZoneChange, plan: Plan, world: World, hands: Hands, silent: set[str]) -> bool:
    changes, is_signed = plan.in_zone(row.zone.origin), world.zone(row.zone.origin).is_signed
    seen = list(_unregistered(row.zone, world))
    places = [place for server in servers_of(row.zone) for place in shelf.places_of(server)]
    seen += [
        _not_asked(place.name, place.address, "did not answer for another zone just now")
        for place in places
        if place.address in silent
    ]
    asked = [place for place in places if place.address not in silent]
    seen += propagation.look_at_all(hands.nameserver, asked, changes, serial=row.serial or 0, is_signed=is_signed)
    silent |= {one.address for one in seen if one.serial is None and one.address}
    told = [[one.server, one.address, one.serial, list(one.troubles)] for one in seen]
    ZoneChange.objects.filter(pk=row.pk).update(seen=told)
    return all(one.is_right for one in seen)


def servers_of(zone: Zone) -> list[NameServer]:
    return [zone.primary, *sorted(zone.secondaries.all(), key=lambda one: one.name)]


def _unregistered(zone: Zone, world: World) -> Iterator[Seen]:
    """Name the servers that the zone itself names and the panel does not know: what they say is not known either."""
    top = world.zone(zone.origin).records.get((zone.origin, "NS"))
    known = {server.name for server in servers_of(zone)}
    for name in top.values if top else ():
        if without_dot(name) not in known:
            yield _not_asked(without_dot(name), "", "is a name server of the zone and not registered: nobody asked it")


def _not_asked(server: str, address: str, why: str) -> Seen:
    return Seen(server=server, address=address, serial=None, troubles=(f"{server} {why}",))


def _look_elsewhere(item: Elsewhere, hands: Hands) -> list[object]:
    """Say whether the world already tells what an owner elsewhere had to change."""
    for resolver in hands.resolvers:
        try:
            answer = hands.nameserver.ask(resolver, item.name, item.type, recursive=True)
        except NameServerError as error:
            return [False, str(error)]
        values = {value for one in answer.answer if one.type == item.type for value in one.values}
        is_done = (item.new in values if item.new else True) and item.old not in values
        return [is_done, f"{without_dot(item.name)} {item.type} is {', '.join(sorted(values)) or 'nothing'}"]
    return [False, "no resolver to ask"]


def _settled_at(publication: Publication, plan: Plan, world: World, hands: Hands) -> datetime:
    if publication.kind == Publication.Kind.LOWER:
        return ttl.ready_at(plan, hands.clock())
    return ttl.settled_at(plan, world, hands.clock())
