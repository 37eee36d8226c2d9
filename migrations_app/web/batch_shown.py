"""What pages show of batches: rows of lists, the moves of one, and what a person may do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Value, When

from migrations_app.batches.summary import Summary
from migrations_app.models import Batch, BatchItem, Migration

State = Batch.State
ItemState = BatchItem.State
UNENDED = (State.DRAFT, *Batch.ACTIVE_STATES)
AGAIN = (ItemState.SKIPPED, ItemState.FAILED)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# What wants a person stands first; what has ended last.
ORDER = (State.STOPPED, State.RUNNING, State.PAUSED, State.DRAFT)


@dataclass(frozen=True, kw_only=True)
class BatchRow:
    """One batch among others."""

    batch: Batch
    total: int
    ended: int
    moving: int
    lost: int  # skipped or failed
    ends_at: datetime | None

    @property
    def late_by(self) -> timedelta | None:
        deadline, ends_at = self.batch.deadline, self.batch.finished_at or self.ends_at
        return ends_at - deadline if deadline and ends_at and ends_at > deadline else None

    @property
    def late_seconds(self) -> float:
        return self.late_by.total_seconds() if self.late_by else 0.0


def in_order(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Order stopped ones first, then what runs, waits, and has ended, each the latest first; with their counts."""
    places = [When(state=state, then=Value(place)) for place, state in enumerate(ORDER)]
    place = Case(*places, default=Value(len(ORDER)), output_field=IntegerField())
    ended, moving = Q(items__state__in=BatchItem.ENDED_STATES), Q(items__state=ItemState.MOVING)
    return batches.annotate(
        place=place,
        total=Count("items"),
        ended=Count("items", filter=ended),
        moving=Count("items", filter=moving),
        lost=Count("items", filter=Q(items__state__in=AGAIN)),
        ends_at=Max("items__planned_until", filter=~ended),
    ).order_by("place", "-pk")


def rows(batches: Iterable[Batch]) -> list[BatchRow]:
    """Make rows of batches that carry their counts."""
    names = ("total", "ended", "moving", "lost", "ends_at")
    return [BatchRow(batch=batch, **{name: getattr(batch, name) for name in names}) for batch in batches]


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What a person may do to a batch now; the use case has the last word."""

    start: bool
    pause: bool
    resume: bool
    cancel: bool
    cancel_moving: bool
    terms: bool
    replan: bool  # gives up what waits
    replan_lost: bool  # nothing waits any more

    @staticmethod
    def of(batch: Batch, summary: Summary) -> Offers:
        held_up = batch.state in (State.PAUSED, State.STOPPED)
        lost = sum(summary.counts[state] for state in AGAIN)
        came_of_a_proposal = batch.alternative is not None
        return Offers(
            start=batch.state == State.DRAFT,
            pause=batch.state == State.RUNNING,
            resume=held_up,
            cancel=batch.state in UNENDED,
            cancel_moving=batch.state == State.CANCELLED and bool(summary.counts[ItemState.MOVING]),
            terms=held_up or batch.state == State.DRAFT,
            replan=came_of_a_proposal and batch.state in Batch.ACTIVE_STATES and (held_up or summary.asks_for_a_plan),
            replan_lost=came_of_a_proposal and batch.finished_at is not None and bool(lost),
        )


@dataclass(frozen=True, kw_only=True)
class ItemRow:
    """One move of a batch: what was planned beside what happened."""

    item: BatchItem
    may_skip: bool
    may_put_back: bool

    @property
    def number(self) -> int:
        return self.item.position + 1

    @property
    def after(self) -> str:
        return ", ".join(str(position + 1) for position in self.item.after)

    @property
    def method(self) -> str:
        migration = self.item.migration
        chosen = migration.method if migration else self.item.method
        if chosen == Migration.Method.AUTO:
            return "method chosen when it begins"
        return str(Migration.Method(chosen).label)

    @property
    def begins(self) -> datetime | None:
        migration = self.item.migration
        return migration.started_at if migration and migration.started_at else self.item.planned_from

    @property
    def ends(self) -> datetime | None:
        migration = self.item.migration
        return migration.finished_at if migration and migration.finished_at else self.item.planned_until

    @property
    def has_begun(self) -> bool:
        return self.item.migration is not None and self.item.migration.started_at is not None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        migration = self.item.migration
        if migration is None or migration.started_at is None or migration.finished_at is None:
            return None
        return (migration.finished_at - migration.started_at).total_seconds()

    @property
    def freeze_seconds(self) -> float | None:
        return self.item.migration.freeze_seconds if self.item.migration else None


def item_rows(batch: Batch, items: Iterable[BatchItem]) -> Sequence[ItemRow]:
    open_ = batch.state in UNENDED
    return [
        ItemRow(
            item=item,
            may_skip=open_ and item.state == ItemState.WAITING,
            may_put_back=open_ and item.state in AGAIN,
        )
        for item in items
    ]


def window_words(batch: Batch) -> str:
    """Return when moves of the batch may begin."""
    days = ", ".join(WEEKDAYS[day] for day in sorted(batch.weekdays)) if batch.weekdays else ""
    hours = f"{batch.opens_at:%H:%M} to {batch.closes_at:%H:%M}" if batch.opens_at and batch.closes_at else ""
    if not days and not hours:
        return "at any time"
    return f"{days or 'every day'} {hours or 'all day'}, by the clock in {batch.time_zone}"
