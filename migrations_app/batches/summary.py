"""What a page shows of a batch as a whole: how far it is, and when it will be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, Sum

from migrations_app.models import Batch, BatchItem, Migration

State = BatchItem.State
# What a waiting move says when no waiting will help it.
ASKS_FOR_A_PLAN: Final = "Asks for a new plan"
TO_COME: Final = (State.WAITING, State.MOVING)
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Summary:
    counts: Mapping[str, int]  # by state of the items; every state is there
    bytes_done: int
    bytes_left: int
    begins_at: datetime | None  # when the next move is likely to begin
    ends_at: datetime | None  # when all is likely to be done; None: nobody can tell
    late_by: timedelta | None  # against the deadline; None: in time, or there is none
    asks_for_a_plan: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        return sum(self.counts[state] for state in BatchItem.ENDED_STATES)


def of_batch(batch: Batch, now: datetime) -> Summary:
    """Summed up by the database, in two queries: pages that live ask for it every few seconds."""
    rows = _by_state(batch)
    ends_at = batch.finished_at or _ends_at([rows[state] for state in TO_COME if state in rows], now)
    done = _bytes(rows, State.DONE) + _bytes_under_way(batch)
    return Summary(
        counts={state: rows[state]["items"] if state in rows else 0 for state in State.values},
        bytes_done=done,
        bytes_left=max(0, sum(_bytes(rows, state) for state in (*TO_COME, State.DONE)) - done),
        begins_at=rows[State.WAITING]["begins"] if State.WAITING in rows else None,
        ends_at=ends_at,
        late_by=_late_by(batch.deadline, ends_at, now),
        asks_for_a_plan=bool(State.WAITING in rows and rows[State.WAITING]["asking"]),
    )


def _by_state(batch: Batch) -> dict[str, Row]:
    asking = Q(why__startswith=ASKS_FOR_A_PLAN)
    rows = BatchItem.objects.filter(batch=batch).order_by("state").values("state")
    summed = rows.annotate(
        items=Count("pk"),
        bytes=Sum("bytes_forecast"),
        begins=Min("planned_from"),
        ends=Max("planned_until"),
        timed=Count("planned_until"),
        asking=Count("pk", filter=asking),
    )
    return {row["state"]: row for row in summed}


def _bytes(rows: Mapping[str, Row], state: str) -> int:
    return int(rows[state]["bytes"] or 0) if state in rows else 0


def _ends_at(to_come: Iterable[Row], now: datetime) -> datetime | None:
    """The last of those that are still to come; one that is late already is over now at the earliest."""
    rows = list(to_come)
    if not rows or any(row["timed"] < row["items"] for row in rows):
        return None
    ends: list[datetime] = [row["ends"] for row in rows]
    return max(now, *ends)


def _late_by(deadline: datetime | None, ends_at: datetime | None, now: datetime) -> timedelta | None:
    if deadline is None:
        return None
    late = max(ends_at or now, deadline) - deadline
    return late or None


def _bytes_under_way(batch: Batch) -> int:
    moving = BatchItem.objects.filter(batch=batch, state=State.MOVING).select_related("migration")
    return sum(_bytes_done(item) for item in moving)


def _bytes_done(item: BatchItem) -> int:
    whole = item.bytes_forecast or 0
    if item.migration is None:
        return 0
    if item.migration.point_of_no_return_at is not None:
        return whole
    return min(whole, _copied(item.migration))


def _copied(migration: Migration) -> int:
    copied = migration.progress.get("bytes_done", 0)
    return int(copied) if isinstance(copied, int | float) else 0
