"""Look at every authoritative server, until all of them say what was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from migrations_app.models import NameServer, Publication, Zone, ZoneChange
from migrations_app.ports.nameserver import NameServerError, RRset, Server
from migrations_app.zones import propagation, publications, publish, shelf, ttl
from migrations_app.zones.names import without_dot
from migrations_app.zones.plan import Elsewhere, Plan, RecordChange
from migrations_app.zones.propagation import Seen
from migrations_app.zones.publications import LONGEST_PAUSE_SECONDS, MOST_DETAIL, Hands
from migrations_app.zones.world import World


def look(publication: Publication, hands: Hands) -> None:
    """Ask all servers once. All right: verified. Else again after a pause; the ones that lag are named meanwhile.

    Where nothing is missing but what somebody changed at the primary since, no waiting helps: that is its failure then.
    """
    plan, world, now = publications.plan_of(publication), shelf.world(), hands.clock()
    silent: set[str] = set()
    looks = [_look_at_zone(row, plan, world, hands, silent) for row in _rows(publication)]
    outside = [_look_elsewhere(one, hands) for one in plan.elsewhere]
    changed = [words for one in looks for words in one.changed]
    fault = {"failure": "", "failure_detail": ""}
    if all(one.is_right for one in looks):
        settled = _settled_at(publication, plan, world, hands)
        told: dict[str, Any] = {"verified_at": now, "settled_at": settled, "next_look_at": None}
        publications.move(publication, Publication.State.VERIFIED, elsewhere_seen=outside, **told, **fault)
    else:
        if all(one.is_right or one.changed for one in looks):
            fault = {"failure": "NamesMoved", "failure_detail": "\n".join(changed)[:MOST_DETAIL]}
        pause = timedelta(seconds=min(LONGEST_PAUSE_SECONDS, 2 ** min(publication.tries, 10)))
        told = {"tries": publication.tries + 1, "next_look_at": hands.clock() + pause}
        publications.move(publication, publication.state, elsewhere_seen=outside, **told, **fault)


def _rows(publication: Publication) -> list[ZoneChange]:
    wanted = publication.zone_changes.select_related("zone__primary")
    return list(wanted.prefetch_related("zone__secondaries").order_by("zone__name"))


@dataclass(frozen=True, kw_only=True)
class ZoneLook:
    """Whether all servers of a zone say what was published, or what somebody changed since, if only that is wrong."""

    is_right: bool
    changed: tuple[str, ...] = ()


def _look_at_zone(row: ZoneChange, plan: Plan, world: World, hands: Hands, silent: set[str]) -> ZoneLook:
    changes, is_signed = plan.in_zone(row.zone.origin), world.zone(row.zone.origin).is_signed
    places = [place for server in servers_of(row.zone) for place in shelf.places_of(server)]
    not_asked = [*_unregistered(row.zone, world), *_silent(places, silent)]
    asked = [place for place in places if place.address not in silent]

    def answers(about: Sequence[RecordChange]) -> list[Seen]:
        return propagation.look_at_all(hands.nameserver, asked, about, serial=row.serial or 0, is_signed=is_signed)

    said = answers(changes)
    silent |= {one.address for one in said if one.serial is None and one.address}
    seen = [*not_asked, *said]
    told = [[one.server, one.address, one.serial, list(one.troubles)] for one in seen]
    ZoneChange.objects.filter(pk=row.pk).update(seen=told)
    if all(one.is_right for one in seen):
        return ZoneLook(is_right=True)
    if not_asked or silent or row.state != ZoneChange.State.DONE:
        return ZoneLook(is_right=False)
    changed = _changed_since(row, changes, hands)
    left = [change for change in changes if change not in changed]
    is_all = not left or all(one.is_right for one in answers(left))
    return ZoneLook(is_right=False, changed=tuple(changed.values()) if is_all else ())


def _silent(places: Sequence[Server], silent: set[str]) -> Iterator[Seen]:
    for place in places:
        if place.address in silent:
            yield _not_asked(place.name, place.address, "did not answer for another zone just now")


def _changed_since(row: ZoneChange, changes: Sequence[RecordChange], hands: Hands) -> dict[RecordChange, str]:
    """Return what the primary itself holds otherwise than it was published, in words.

    What was there before counts where the zone has moved on: a cache before the primary may say it for some seconds.
    """
    provider = shelf.provider_of(row.zone, hands.nameserver, settings=hands.settings)
    has_moved_on = publish.serial_of(provider.soa(row.zone.origin)) != row.serial
    found = publish.look(provider, row.zone.origin, changes)
    return {
        change: _words(change, there)
        for change, there in found
        if not _is_as_published(change, there)
        and (has_moved_on or publish.standing(change, there) is publish.Standing.OTHER)
    }


def _is_as_published(change: RecordChange, there: RRset) -> bool:
    if not change.after.values:  # another record in its place does not bring back what was taken away
        return there.values != change.before.values
    return (there.values, there.ttl) == (change.after.values, change.after.ttl)


def _words(change: RecordChange, there: RRset) -> str:
    held, published = (
        f"{' | '.join(one.values)} with TTL {one.ttl}" if one.values else "nothing" for one in (there, change.after)
    )
    return f"{without_dot(change.name)} {change.type} is {held}; published was {published}"


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
