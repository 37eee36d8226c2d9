"""The states of a batch and of its items, and how they go from one to another; nobody else changes either.

Callers hold the turn (``turn.take``), so nobody is faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from migrations_app.models import Batch, BatchItem, Migration

State = Batch.State
ItemState = BatchItem.State

LEGAL: dict[str, frozenset[str]] = {
    State.DRAFT: frozenset({State.RUNNING, State.CANCELLED}),
    State.RUNNING: frozenset({State.PAUSED, State.STOPPED, State.DONE, State.CANCELLED}),
    State.PAUSED: frozenset({State.RUNNING, State.STOPPED, State.DONE, State.CANCELLED}),
    State.STOPPED: frozenset({State.RUNNING, State.DONE, State.CANCELLED}),
    State.DONE: frozenset(),
    State.CANCELLED: frozenset(),
}


class IllegalChange(Exception):
    """A batch cannot go from its state to that one."""


def _change(batch: Batch, state: State, **columns: Any) -> None:
    if state not in LEGAL[batch.state]:
        raise IllegalChange(f"{batch}: from {batch.state} to {state}")
    _write(batch, state=state, **columns)


def _write(row: Batch | BatchItem, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=list(columns))


def start(batch: Batch, *, now: datetime) -> None:
    _change(batch, State.RUNNING, started_at=now, next_tick_at=now)


def pause(batch: Batch) -> None:
    _change(batch, State.PAUSED)


def resume(batch: Batch, *, now: datetime) -> None:
    _change(batch, State.RUNNING, failure="", failure_detail="", next_tick_at=now)


def stop_the_line(batch: Batch, *, failure: str, detail: str) -> bool:
    """Let nothing new begin until a person has looked; return whether it was not stopped before."""
    if State.STOPPED not in LEGAL[batch.state]:
        return False
    _change(batch, State.STOPPED, failure=failure[:60], failure_detail=detail[:4000])
    return True


def cancel(batch: Batch, *, now: datetime) -> None:
    """What is under way is still followed, so it is looked after until that has ended."""
    _change(batch, State.CANCELLED, next_tick_at=now)


def end(batch: Batch, *, now: datetime) -> None:
    """Nothing of it is left to do."""
    if batch.state == State.CANCELLED:
        _write(batch, finished_at=now, next_tick_at=None)
    else:
        _change(batch, State.DONE, finished_at=now, next_tick_at=None)


def look_next(batch: Batch, at: datetime) -> None:
    _write(batch, next_tick_at=at)


def make_due(now: datetime) -> None:
    """Have every batch looked after at once, because a slot may have become free.

    One row at a time: a worker that takes its turn locks several in their order, and two orders would lock each other.
    """
    for pk in Batch.objects.active().filter(next_tick_at__gt=now).values_list("pk", flat=True):
        Batch.objects.active().filter(pk=pk).update(next_tick_at=now)


def become(item: BatchItem, migration: Migration) -> None:
    _write(item, migration=migration)


def begin(item: BatchItem, *, now: datetime) -> None:
    lasts = timedelta(seconds=item.seconds_forecast or 0.0)
    _write(item, state=ItemState.MOVING, why="", planned_from=now, planned_until=now + lasts)


def end_item(item: BatchItem, state: ItemState, *, why: str = "") -> None:
    _write(item, state=state, why=why[:4000])


def put_back(item: BatchItem) -> None:
    """Have it moved after all, by a migration of its own."""
    _write(item, state=ItemState.WAITING, why="", migration=None, planned_from=None, planned_until=None)


def make_canary(item: BatchItem) -> None:
    _write(item, is_canary=True)


def say_why(items: Iterable[BatchItem], whys: Mapping[int, str]) -> None:
    """Note what each item waits for, by its key; those of which nothing new is to be said are left alone."""
    changed = [item for item in items if item.pk in whys and item.why != whys[item.pk]]
    for item in changed:
        item.why = whys[item.pk]
    BatchItem.objects.bulk_update(changed, ["why"], batch_size=200)
