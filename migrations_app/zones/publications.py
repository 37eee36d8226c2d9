"""Carry a publication forward, one short stretch at a time; every change of its state is made here.

Safe to be cut at any line: what a zone holds is asked of its server, never remembered, and each update has its guard.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from migrations_app.basics.cipher import SecretUnreadable
from migrations_app.models import Container, Migration, Publication, Zone, ZoneChange
from migrations_app.ports.clock import Clock
from migrations_app.ports.nameserver import (
    NameServer,
    NameServerError,
    NameServerUnreachable,
    Server,
    ServerFailed,
    UpdateReplyLost,
)
from migrations_app.zones import plan as plans
from migrations_app.zones import publish, shelf
from migrations_app.zones.plan import Plan
from migrations_app.zones.publish import Conflict, Superseded

log = logging.getLogger(__name__)

State = Publication.State
STRETCH = timedelta(seconds=8)
# Longer than a stretch and the longest question after its end.
LEASE = timedelta(seconds=60)
MOST_TRIES = 12
LONGEST_PAUSE_SECONDS = 60
MOST_DETAIL = 4_000
# What may be better the next time.
PASSING = (NameServerUnreachable, ServerFailed, UpdateReplyLost)


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What carrying forward needs of the world."""

    nameserver: NameServer
    resolvers: Sequence[Server]
    clock: Clock
    settings: Mapping[str, Any]


class NotPublishable(Exception):
    """This difference cannot be published as it is; the message says why."""


class NotLiftable(Exception):
    """No objection stands that a person may lift; the message says what stands there instead."""


class NotUndoable(Exception):
    """There is nothing to undo, or it is being undone already."""


def ask(
    *,
    kind: Publication.Kind = Publication.Kind.SWITCH,
    of: Publication | None = None,
    pairs: Sequence[Sequence[str]],
    names: Sequence[str] = (),
    ttl_seconds: int | None = None,
    container: Container | None = None,
    migration: Migration | None = None,
    actor: User | None,
    now: datetime,
) -> Publication:
    """Put the question for a difference; the worker works it out within seconds."""
    return Publication.objects.create(
        kind=kind,
        of=of,
        pairs=[list(pair) for pair in pairs],
        names=list(names),
        ttl_seconds=ttl_seconds,
        container=container,
        migration=migration,
        created_by=actor,
        created_at=now,
        next_look_at=now,
    )


def claim(publication_id: int, now: datetime) -> Publication | None:
    """Take the publication for one stretch; None: another has it, or nothing is to be done."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    taken = Publication.objects.busy().filter(free, pk=publication_id).update(lease_until=now + LEASE)
    return Publication.objects.select_related("container", "of").get(pk=publication_id) if taken else None


def release(publication: Publication) -> None:
    Publication.objects.filter(pk=publication.pk, lease_until=publication.lease_until).update(lease_until=None)


def is_ours(publication: Publication) -> bool:
    """Ask whether the stretch still has its lease, and the publication still the state it was begun in."""
    return Publication.objects.filter(
        pk=publication.pk, state=publication.state, lease_until=publication.lease_until
    ).exists()


def plan_of(publication: Publication) -> Plan:
    """Return the difference of a publication that was worked out."""
    return plans.from_json(publication.plan or {})


def store_plan(publication: Publication, plan: Plan, objections: Sequence[Exception], *, now: datetime) -> None:
    """Make the difference ready to be looked at."""
    told = [[type(one).__name__, str(one), bool(getattr(one, "may_be_forced", False))] for one in objections]
    _move(
        publication,
        State.READY,
        plan=plans.to_json(plan),
        digest=plan.digest(),
        objections=told,
        made_at=now,
        next_look_at=None,
        failure="",
        failure_detail="",
    )


def begin(publication: Publication, *, digest: str, is_forced: bool, now: datetime) -> None:
    """Let the difference with this digest be published, once.

    :raises NotPublishable: another difference, not ready, or objections that stand.
    """
    fresh = Publication.objects.get(pk=publication.pk)
    fresh.is_forced = is_forced
    if fresh.state != State.READY or fresh.digest != digest:
        raise NotPublishable(f"{fresh} is not the difference that was shown, or was published already; look again.")
    if fresh.blocking:
        raise NotPublishable(f"{fresh} has objections that stand: {fresh.blocking[0][1]}")
    plan = plan_of(fresh)
    if not plan.changes:
        raise NotPublishable(f"{fresh} changes nothing in our zones; there is nothing to publish.")
    begun = Publication.objects.filter(pk=fresh.pk, state=State.READY, digest=digest).update(
        state=State.PUBLISHING, is_forced=is_forced, tries=0, next_look_at=now
    )
    if not begun:
        raise NotPublishable(f"{fresh} was published by somebody else this moment.")
    _make_zone_changes(fresh, plan)


def lift(publication: Publication, *, digest: str) -> list[str]:
    """Mark the objections of the difference with this digest as lifted, and return them; nothing is published by it.

    :raises NotLiftable: another difference, not ready, none that stands, or one that nobody may lift.
    """
    fresh = Publication.objects.get(pk=publication.pk)
    if fresh.state != State.READY or fresh.digest != digest:
        raise NotLiftable(f"{fresh} is not the difference that was shown, or was published already; look again.")
    if not fresh.blocking:
        raise NotLiftable(f"{fresh} has no objection that stands; there is nothing to lift.")
    if fixed := [str(one[1]) for one in fresh.objections if not one[2]]:
        raise NotLiftable(f"{len(fixed)} of {len(fresh.objections)} objections cannot be lifted: {fixed[0]}")
    lifted = Publication.objects.filter(pk=fresh.pk, state=State.READY, digest=digest, is_forced=False)
    if not lifted.update(is_forced=True):
        raise NotLiftable(f"{fresh} was changed by somebody else this moment; look again.")
    return [f"{name}: {text}" for name, text, _ in fresh.objections]


def begin_undo(publication: Publication, *, now: datetime) -> None:
    """Let the inverse be published.

    :raises NotUndoable:
    """
    undone = Publication.objects.filter(pk=publication.pk, state__in=(State.PUBLISHING, *Publication.IN_FORCE)).update(
        state=State.UNDOING, tries=0, next_look_at=now, settled_at=None, failure="", failure_detail=""
    )
    if not undone:
        raise NotUndoable(f"{publication} is not in force: there is nothing to undo, or it is being undone already.")


def look_again(publication: Publication, *, now: datetime) -> None:
    """Have the servers asked once more, also where all were right the last time."""
    Publication.objects.filter(pk=publication.pk, state__in=Publication.IN_FORCE).update(
        state=State.PUBLISHED, tries=0, next_look_at=now
    )


def moved(publication: Publication, hands: Hands) -> list[str]:
    """Ask the servers, and return in words what stands otherwise than the difference was made for.

    Its own lowered TTLs are no difference, nor is a zone's serial; zones that people change by hand are not asked.
    """
    plan = plan_of(publication)
    by_hand = {change.zone for change in plan.changes if change.guarantee is plans.Guarantee.BY_HAND}
    wanted = [zone for zone in shelf.zones(plan.zones) if zone.origin not in by_hand]
    return [drift.words for zone in wanted for drift in _look_at(zone, plan, hands).drifts]


def send_some(publication: Publication, hands: Hands) -> None:
    """Publish zone after zone; look at all of them before the first is touched."""
    plan = plan_of(publication)
    if not publication.zone_changes.filter(state=ZoneChange.State.DONE).exists():
        conflict = _drift(publication, plan, hands)
        if conflict is not None:
            _void(publication, conflict, now=hands.clock())
            return
    if _each_zone(publication, plan, hands, _publish_one):
        now = hands.clock()
        fine = {"failure": "", "failure_detail": ""}
        _move(publication, State.PUBLISHED, published_at=now, tries=0, next_look_at=now, **fine)


def take_back_some(publication: Publication, hands: Hands) -> None:
    """Publish the inverse, zone after zone; what somebody changed since stays as it is and is named."""
    if not _each_zone(publication, plan_of(publication).inverse(), hands, _undo_one):
        return
    refused = publication.zone_changes.filter(state=ZoneChange.State.REFUSED)
    if refused:
        detail = "\n".join(one.detail for one in refused)[:MOST_DETAIL]
        _move(publication, State.STALE, failure="UndoMet", failure_detail=detail, next_look_at=None)
    else:
        end = {"": State.UNDONE, "NamesMoved": State.STALE}.get(publication.failure, State.FAILED)
        _move(publication, end, undone_at=hands.clock(), next_look_at=None)


def try_later(publication: Publication, trouble: NameServerError | SecretUnreadable, *, now: datetime) -> None:
    """Come back after a pause that grows; give up on what no waiting will mend, and take back what was done."""
    log.info("%s: %s: %s", publication, type(trouble).__name__, trouble)
    told = {"failure": type(trouble).__name__, "failure_detail": str(trouble)[:MOST_DETAIL]}
    is_hopeless = not isinstance(trouble, PASSING) or publication.tries + 1 >= MOST_TRIES
    if is_hopeless and publication.state == State.PUBLISHING:
        _move(publication, State.UNDOING, tries=0, next_look_at=now, **told)
        return
    pause = min(LONGEST_PAUSE_SECONDS, 2 ** min(publication.tries, 10))
    _move(
        publication, publication.state, tries=publication.tries + 1, next_look_at=now + timedelta(seconds=pause), **told
    )


def move(publication: Publication, state: str, **columns: Any) -> None:
    _move(publication, state, **columns)


def _move(publication: Publication, state: str, **columns: Any) -> None:
    """Write the new state unless somebody decided otherwise meanwhile."""
    mine = Publication.objects.filter(pk=publication.pk, state=publication.state, lease_until=publication.lease_until)
    if not mine.update(state=state, **columns):
        raise Superseded
    for name, value in {"state": state, **columns}.items():
        setattr(publication, name, value)


def _make_zone_changes(publication: Publication, plan: Plan) -> None:
    origins = {zone.origin: zone for zone in shelf.zones(plan.zones)}
    for name in plan.zones:
        by_hand = plan.in_zone(name)[0].guarantee is plans.Guarantee.BY_HAND
        state = ZoneChange.State.BY_HAND if by_hand else ZoneChange.State.PENDING
        ZoneChange.objects.get_or_create(publication=publication, zone=origins[name], defaults={"state": state})


def _rows(publication: Publication) -> list[ZoneChange]:
    wanted = publication.zone_changes.select_related("zone__primary", "zone__key").order_by("zone__name")
    return list(wanted.filter(~Q(state=ZoneChange.State.BY_HAND)))


def _look_at(zone: Zone, plan: Plan, hands: Hands) -> publish.Look:
    provider = shelf.provider_of(zone, hands.nameserver, settings=hands.settings)
    return publish.Look.of(publish.look(provider, zone.origin, plan.in_zone(zone.origin)))


def _drift(publication: Publication, plan: Plan, hands: Hands) -> Conflict | None:
    """Return what stands otherwise than planned, in all zones: nothing is touched when one of them moved."""
    drifts: list[publish.Drift] = []
    desired = 0
    for row in _rows(publication):
        seen = _look_at(row.zone, plan, hands)
        drifts += seen.drifts
        desired += len(seen.desired)
    return Conflict(drifts=tuple(drifts), desired=desired) if drifts else None


Act = Callable[[Publication, ZoneChange, Plan, Hands], bool]


def _each_zone(publication: Publication, plan: Plan, hands: Hands, act: Act) -> bool:
    """Act on every zone that is left; return whether all are done. Out of time: the rest comes at the next stretch."""
    end = hands.clock() + STRETCH
    for row in _rows(publication):
        if hands.clock() > end:
            _move(publication, publication.state, next_look_at=hands.clock())
            return False
        if not act(publication, row, plan, hands):
            return False
    return True


def _publish_one(publication: Publication, row: ZoneChange, plan: Plan, hands: Hands) -> bool:
    if row.state == ZoneChange.State.DONE:
        return True
    result = _settle(publication, row, plan, hands)
    if isinstance(result, Conflict):
        _void(publication, result, now=hands.clock())
        return False
    _mark(row, ZoneChange.State.DONE, serial=result.serial)
    return True


def _undo_one(publication: Publication, row: ZoneChange, plan: Plan, hands: Hands) -> bool:
    """Look also at zones that were not marked as done: the mark may be what was lost."""
    if row.state in (ZoneChange.State.UNDONE, ZoneChange.State.REFUSED):
        return True
    result = _settle(publication, row, plan, hands)
    if not isinstance(result, Conflict):
        _mark(row, ZoneChange.State.UNDONE, serial=result.serial, seen=[])
    elif row.state == ZoneChange.State.DONE or result.old:  # what the way back would change is what we had made
        _mark(row, ZoneChange.State.REFUSED, detail=_words(result))
    else:
        _mark(row, ZoneChange.State.UNDONE)  # never ours: somebody changed it before we could
    return True


def _settle(publication: Publication, row: ZoneChange, plan: Plan, hands: Hands) -> publish.Settled | Conflict:
    provider = shelf.provider_of(row.zone, hands.nameserver, settings=hands.settings)
    changes = plan.in_zone(row.zone.origin)
    return publish.settle(provider, row.zone.origin, changes, may_send=lambda: is_ours(publication))


def _mark(row: ZoneChange, state: str, **columns: Any) -> None:
    ZoneChange.objects.filter(pk=row.pk).update(state=state, **columns)


def _void(publication: Publication, conflict: Conflict, *, now: datetime) -> None:
    """The difference is void. What was published of it already is taken back: all zones or none."""
    begun = conflict.desired or publication.zone_changes.filter(state=ZoneChange.State.DONE).exists()
    state, later = (State.UNDOING, now) if begun else (State.STALE, None)
    _move(publication, state, tries=0, next_look_at=later, failure="NamesMoved", failure_detail=_words(conflict))


def _words(conflict: Conflict) -> str:
    return "\n".join(drift.words for drift in conflict.drifts)[:MOST_DETAIL]
