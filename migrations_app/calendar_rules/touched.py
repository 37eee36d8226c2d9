"""What freeze periods touch: planned migrations that would begin inside, and batches that have to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Count, Max

from migrations_app.calendar_rules.freezes import Freeze, as_value
from migrations_app.models import Batch, BatchItem, FreezePeriod, Migration

# A freeze period that touches more is told by the first of them.
MOST_MIGRATIONS: Final = 500
MOST_WAYS: Final = 20_000
UNENDED: Final = (Batch.State.DRAFT, *Batch.ACTIVE_STATES)


@dataclass(frozen=True, kw_only=True)
class Touched:
    """``migrations``: planned one by one before the period was named; they begin all the same.

    ``batches``: each with how many of its waiting moves are concerned.
    """

    migrations: Sequence[Migration]
    batches: Sequence[tuple[Batch, int]]


@dataclass(kw_only=True)
class _Waiting:
    """The waiting moves of one batch, counted by their ways: source, target, owner."""

    begins: datetime
    ends: datetime | None = None
    ways: Counter[tuple[int, int, int | None]] = field(default_factory=Counter)

    def concerned(self, freeze: Freeze) -> int:
        if self.ends is None or self.ends <= freeze.starts_at or self.begins >= freeze.ends_at:
            return 0
        return sum(
            count
            for (source_id, target_id, owner_id), count in self.ways.items()
            if freeze.concerns((source_id, target_id), owner_id)
        )


def by_period(periods: Sequence[FreezePeriod], now: datetime) -> dict[int, Touched]:
    """Return what each touches, by its key, in a constant number of queries."""
    if not periods:
        return {}
    planned = _planned(max(period.ends_at for period in periods))
    batches, waiting = _batches(now)
    return {period.pk: _of(as_value(period), planned, batches, waiting, now) for period in periods}


def _of(
    freeze: Freeze, planned: Sequence[Migration], batches: Sequence[Batch], waiting: dict[int, _Waiting], now: datetime
) -> Touched:
    counted = [(batch, waiting[batch.pk].concerned(freeze)) for batch in batches]
    return Touched(
        migrations=[one for one in planned if _begins_inside(one, freeze, now)],
        batches=[(batch, count) for batch, count in counted if count],
    )


def _begins_inside(migration: Migration, freeze: Freeze, now: datetime) -> bool:
    nodes, owner_id = (migration.source_id, migration.target_id), migration.container.owner_id
    return freeze.holds(max(migration.not_before, now)) and freeze.concerns(nodes, owner_id)


def _planned(until: datetime) -> list[Migration]:
    rows = Migration.objects.filter(state=Migration.State.SCHEDULED, next_tick_at__isnull=False, not_before__lt=until)
    return list(rows.select_related("container", "source", "target").order_by("not_before")[:MOST_MIGRATIONS])


def _batches(now: datetime) -> tuple[list[Batch], dict[int, _Waiting]]:
    batches = list(Batch.objects.filter(state__in=UNENDED).order_by("pk"))
    found = {batch.pk: _Waiting(begins=max(batch.not_before or now, now), ends=batch.deadline) for batch in batches}
    rows = BatchItem.objects.filter(batch__in=batches, state=BatchItem.State.WAITING).order_by("batch")
    ways = rows.values_list("batch", "source", "target", "container__owner")
    for pk, source_id, target_id, owner_id, count, ends in ways.annotate(Count("pk"), Max("planned_until"))[:MOST_WAYS]:
        of_batch = found[pk]
        of_batch.ways[source_id, target_id, owner_id] += count
        of_batch.ends = max(filter(None, (of_batch.ends, ends)), default=None)
    return batches, found
