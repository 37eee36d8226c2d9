"""Roll up what has been sampled, node by node and hour by hour, for as long as one tick may last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from migrations_app.capacity import fill, rollup, rounds, standing
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.spans import HOUR, hour_of
from migrations_app.models import Container, Reading, Round, Standing
from migrations_app.ports.clock import Clock
from migrations_app.usecases.sample_nodes import MOST_BEATS

TICK_SECONDS = 6.0
NODES_AT_ONCE = 100
LAST_HOUR = 23


def roll_up(*, round_id: int, clock: Clock, settings: Mapping[str, Any]) -> int:
    """Carry on with the nodes that are furthest behind; return how many hours were rolled up.

    When time runs out the round is due again at once, so that other work gets its turn in between.
    """
    began = clock()
    rounds.set_next(round_id, began, sample_seconds=settings["sample_every_seconds"])
    longest_seconds = float(MOST_BEATS * settings["sample_every_seconds"])
    hours = 0
    for node_id in _behind(began):
        if clock() - began > timedelta(seconds=TICK_SECONDS):
            Round.objects.filter(pk=round_id).update(next_at=clock())
            break
        hours += roll_up_node(node_id=node_id, now=began, longest_seconds=longest_seconds)
    return hours


def _behind(now: datetime) -> list[int]:
    this_hour = hour_of(now)
    rows = Standing.objects.filter(Q(rolled_up_until=None) | Q(rolled_up_until__lt=this_hour), sampled_at__isnull=False)
    return list(rows.order_by("rolled_up_until").values_list("pk", flat=True)[:NODES_AT_ONCE])


def roll_up_node(*, node_id: int, now: datetime, longest_seconds: float) -> int:
    """Roll up the node's hours that are over and have not been; return how many there were with anything in them."""
    until, hours = hour_of(now), 0
    mark = _first_mark(node_id)
    while mark is not None and mark < until:
        hour = min(_next_busy_hour(node_id, mark), mark.replace(hour=LAST_HOUR), until)
        if not _advance(node_id, mark, hour, until, longest_seconds):
            return hours  # another worker is at it
        mark, hours = hour + HOUR, hours + 1
    if hours:
        _refresh(node_id, now)
    return hours


def _first_mark(node_id: int) -> datetime | None:
    until = Standing.objects.filter(pk=node_id).values_list("rolled_up_until", flat=True).first()
    if until is not None:
        return until
    first = Reading.objects.filter(node_id=node_id).order_by("at").values_list("at", flat=True).first()
    return hour_of(first) if first else None


def _next_busy_hour(node_id: int, mark: datetime) -> datetime:
    later = Reading.objects.filter(node_id=node_id, at__gte=mark).order_by("at")
    next_at = later.values_list("at", flat=True).first()
    return hour_of(next_at) if next_at else datetime.max.replace(tzinfo=UTC)


def _advance(node_id: int, mark: datetime, hour: datetime, until: datetime, longest_seconds: float) -> bool:
    """Return whether the hour was ours to do: who moves the mark on holds it until all is written."""
    with transaction.atomic():
        at_mark = Q(rolled_up_until=mark) | Q(rolled_up_until=None)
        ours = Standing.objects.filter(at_mark, pk=node_id).update(rolled_up_until=min(hour + HOUR, until))
        if ours and hour < until:
            rollup.roll_up_hour(node_id, hour, longest_seconds=longest_seconds)
            if hour.hour == LAST_HOUR:
                _fold(node_id, hour.date())
    return bool(ours)


def _fold(node_id: int, day: date) -> None:
    here = Container.objects.filter(Q(gone_at=None) | Q(gone_at__date__gte=day), node_id=node_id)
    subjects = [Subject(Kind.CONTAINER, pk) for pk in here.values_list("pk", flat=True)]
    rollup.fold_day([Subject(Kind.NODE, node_id), *subjects], day)
    fill.settle(node_id, day)


def _refresh(node_id: int, now: datetime) -> None:
    row = Standing.objects.get(pk=node_id)
    standing.refresh(row, now)
    row.save(update_fields=["week", "full_in_days"])
    fill.foretell(row, now)
