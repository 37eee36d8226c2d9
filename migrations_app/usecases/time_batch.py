"""Work out anew when each move of a batch is likely to be under way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from migrations_app.batches import timetable, trips
from migrations_app.batches.scene import Scene
from migrations_app.batches.terms import caps_of
from migrations_app.batches.timetable import Move, Planned, UnderWay
from migrations_app.calendar_rules import calendar
from migrations_app.execution import states
from migrations_app.models import BatchItem, Migration

UNKNOWN_SECONDS = 600.0
# What is later than it was said: at least so much longer.
LEAST_LEFT = timedelta(seconds=30)
# A timetable is no promise to the second: smaller changes are not written down.
CHANGE_WORTH_NOTING = timedelta(minutes=1)
CHANGE_WORTH_NOTING_SHARE = 0.05  # of how far off it is


def time_batch(*, scene: Scene) -> None:
    """Note the times of all that have not ended, also with the migrations that are held."""
    now = scene.now
    moves = [_move(scene, item) for item in scene.waiting()]
    batch = scene.batch
    found = timetable.plan(
        moves, _under_way(scene), caps=caps_of(batch), calendar=calendar.of_batch(batch, now), now=now
    )
    changed = list(_changed(scene.waiting(), found, now))
    for item in changed:
        if item.migration is not None and item.planned_from is not None:
            states.plan_for(item.migration, item.planned_from, found[item.position].closes)
    BatchItem.objects.bulk_update(changed, ["planned_from", "planned_until"], batch_size=200)


def _move(scene: Scene, item: BatchItem) -> Move:
    return Move(
        key=item.position,
        trip=trips.of_item(item),
        seconds=_seconds(item),
        after=frozenset(one.position for one in scene.before(item)),
        is_canary=item.is_canary,
    )


def _seconds(item: BatchItem) -> float:
    return item.seconds_forecast or UNKNOWN_SECONDS


def _under_way(scene: Scene) -> Iterator[UnderWay]:
    """What takes up slots now, with the likely end of each."""
    own = {item.migration_id: item for item in scene.moving()}
    for migration in Migration.objects.under_way(scene.now).select_related("container", "forecast"):
        item = own.get(migration.pk)
        yield UnderWay(
            key=item.position if item else None,
            trip=trips.of_migration(migration),
            ends_at=_likely_end(migration, scene.now),
            is_canary=bool(item and item.is_canary),
        )


def _likely_end(migration: Migration, now: datetime) -> datetime:
    forecast = getattr(migration, "forecast", None)
    seconds = forecast.seconds if forecast is not None else UNKNOWN_SECONDS
    ends = (migration.started_at or now) + timedelta(seconds=seconds)
    return max(ends, now + LEAST_LEFT)


def _changed(items: Iterable[BatchItem], found: dict[int, Planned], now: datetime) -> Iterator[BatchItem]:
    for item in items:
        planned = found.get(item.position)
        begins, ends = (planned.begins, planned.ends) if planned else (None, None)
        if _differ(item.planned_from, begins, now) or _differ(item.planned_until, ends, now):
            item.planned_from, item.planned_until = begins, ends
            yield item


def _differ(former: datetime | None, at: datetime | None, now: datetime) -> bool:
    if former is None or at is None:
        return former is not at
    return abs(former - at) >= max(CHANGE_WORTH_NOTING, (at - now) * CHANGE_WORTH_NOTING_SHARE)
