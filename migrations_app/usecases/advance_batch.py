"""Look after one batch for a moment: fold in what ended, and let go what may begin."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.batches.scene import Scene
from migrations_app.models import Batch, Migration
from migrations_app.usecases.drop_item import drop_item
from migrations_app.usecases.follow_items import follow_items
from migrations_app.usecases.release_items import release_items
from migrations_app.usecases.schedule_items import MOST_AT_ONCE, schedule_items
from migrations_app.usecases.time_batch import time_batch

log = logging.getLogger(__name__)

# A migration that ends rings for its batch; this finds what nobody rings for.
BEAT = timedelta(seconds=2)
# How often the world is looked at while all wait for a window or for a person.
QUIET_BEAT = timedelta(seconds=60)
DRIFT = timedelta(minutes=2)


def advance_batch(*, batch_id: int, now: datetime, settings: Mapping[str, Any]) -> None:
    """Safe to call from any number of workers at any moment: they take turns, and each finds what is true then."""
    try:
        more = schedule_items(batch_id=batch_id, now=now, settings=settings)
        with transaction.atomic():
            _look_after(batch_id, now, settings, more_to_schedule=more)
    except (OperationalError, InterfaceError):
        raise  # the database is away or too busy; the conductor rings again
    except Exception as bug:
        log.exception("b%s: its tick raised", batch_id)
        _stop_for(bug, batch_id, now)


def _look_after(batch_id: int, now: datetime, settings: Mapping[str, Any], *, more_to_schedule: bool) -> None:
    batch = turn.take(batch_id)
    if batch.state not in (*Batch.ACTIVE_STATES, Batch.State.CANCELLED) or batch.finished_at is not None:
        return
    scene = Scene(batch=batch, now=now)
    follow_items(scene=scene, settings=settings)
    if batch.state == Batch.State.CANCELLED:
        _give_up_waiting(scene)
    opening = release_items(scene=scene) if batch.state == Batch.State.RUNNING else None
    states.say_why(scene.items, scene.whys)
    if scene.is_over():
        states.end(batch, now=now)
        trail.record("end_batch", str(batch), actor=None, now=now, state=batch.state)
        return
    if scene.changed or _has_drifted(scene):
        time_batch(scene=scene)
    states.look_next(batch, now if more_to_schedule else _next_look(scene, opening))


def _give_up_waiting(scene: Scene) -> None:
    for item in islice(scene.waiting(), MOST_AT_ONCE):
        drop_item(item=item, why="The batch was cancelled before it began.", now=scene.now)


def _has_drifted(scene: Scene) -> bool:
    """The next move was to have begun some time ago, or a new one has no time yet."""
    begins = [item.planned_from for item in scene.waiting()]
    return any(at is None or at < scene.now - DRIFT for at in begins)


def _next_look(scene: Scene, opening: datetime | None) -> datetime:
    parked = Migration.State.PARKED
    under_way = any(item.migration and item.migration.state != parked for item in scene.moving())
    cancelled = scene.batch.state == Batch.State.CANCELLED
    if scene.changed or under_way or (cancelled and scene.waiting()):
        return scene.now + BEAT
    return min(scene.now + QUIET_BEAT, opening or scene.now + QUIET_BEAT)


def _stop_for(bug: Exception, batch_id: int, now: datetime) -> None:
    """Whatever is wrong with it, a batch whose tick raises begins nothing more, says so, and is looked at again."""
    with transaction.atomic():
        batch = turn.take(batch_id)
        if states.stop_the_line(batch, failure="InternalError", detail=f"{type(bug).__name__}: {bug}"):
            trail.record("stop_line", str(batch), actor=None, now=now, failure="InternalError")
        if batch.next_tick_at is not None:
            states.look_next(batch, now + QUIET_BEAT)
