"""What a page shows of a batch: how far it is, when it will be done, and what each move waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from migrations_app.models import Batch, BatchItem, Migration

State = BatchItem.State
# What a waiting move says when no waiting will help it.
ASKS_FOR_A_PLAN: Final = "Asks for a new plan"


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A move that has not begun, and why not."""

    item: BatchItem
    why: str

    @property
    def asks_for_a_plan(self) -> bool:
        return self.why.startswith(ASKS_FOR_A_PLAN)


@dataclass(frozen=True, kw_only=True)
class Summary:
    counts: Mapping[str, int]  # by state of the items; every state is there
    bytes_done: int
    bytes_left: int
    begins_at: datetime | None  # when the next move is likely to begin
    ends_at: datetime | None  # when all is likely to be done; None: nobody can tell
    late_by: timedelta | None  # against the deadline; None: in time, or there is none
    waits: Sequence[Wait]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        return sum(self.counts[state] for state in BatchItem.ENDED_STATES)

    @property
    def asks_for_a_plan(self) -> bool:
        return any(wait.asks_for_a_plan for wait in self.waits)


def of_batch(batch: Batch, now: datetime) -> Summary:
    """One query, however many items."""
    rows = batch.items.select_related("container", "source", "target", "migration")
    items = list(rows.order_by("position"))
    counts = Counter(item.state for item in items)
    ends_at = batch.finished_at or _ends_at(items, now)
    done = sum(_bytes_done(item) for item in items)
    wanted = sum(item.bytes_forecast or 0 for item in items if item.state not in (State.SKIPPED, State.FAILED))
    return Summary(
        counts={state: counts[state] for state in State.values},
        bytes_done=done,
        bytes_left=max(0, wanted - done),
        begins_at=min(
            (at for item in items if item.state == State.WAITING and (at := item.planned_from)), default=None
        ),
        ends_at=ends_at,
        late_by=_late_by(batch.deadline, ends_at, now),
        waits=[Wait(item=item, why=item.why) for item in items if item.state == State.WAITING],
    )


def _ends_at(items: Iterable[BatchItem], now: datetime) -> datetime | None:
    """The last of those that are still to come; one that is late already is over now at the earliest."""
    found = [item.planned_until for item in items if item.state in (State.WAITING, State.MOVING)]
    known = [at for at in found if at is not None]
    return max([*known, now]) if found and len(known) == len(found) else None


def _late_by(deadline: datetime | None, ends_at: datetime | None, now: datetime) -> timedelta | None:
    if deadline is None:
        return None
    late = max(ends_at or now, deadline) - deadline
    return late or None


def _bytes_done(item: BatchItem) -> int:
    whole = item.bytes_forecast or 0
    if item.state == State.DONE:
        return whole
    if item.state != State.MOVING or item.migration is None:
        return 0
    if item.migration.point_of_no_return_at is not None:
        return whole
    return min(whole, _copied(item.migration))


def _copied(migration: Migration) -> int:
    copied = migration.progress.get("bytes_done", 0)
    return int(copied) if isinstance(copied, int | float) else 0
