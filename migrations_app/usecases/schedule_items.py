"""Write down the migrations of a batch's next moves, held until they are let go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from migrations_app.batches import states, trips, turn
from migrations_app.calendar_rules import calendar
from migrations_app.models import Batch, BatchItem
from migrations_app.usecases.drop_item import drop_item
from migrations_app.usecases.schedule_migration import SHORTEST_WINDOW, ScheduleRefused, schedule_migration

# A large batch takes several rounds: other work on the database must not wait for all of it.
MOST_AT_ONCE = 25


def schedule_items(*, batch_id: int, now: datetime, settings: Mapping[str, Any]) -> bool:
    """Give each container's next move its migration; return whether more are left than fit into one round.

    From then on the container belongs to the batch: the database lets it be in no other migration.
    """
    wanted = _without_migration(batch_id)
    for item_id in wanted[:MOST_AT_ONCE]:
        with transaction.atomic():
            batch = turn.take(batch_id)
            if batch.state in Batch.ACTIVE_STATES:
                _schedule(batch, item_id, now, settings)
    return len(wanted) > MOST_AT_ONCE


def _without_migration(batch_id: int) -> list[int]:
    """Return the moves that have none yet, but those whose container has an earlier one to make."""
    unended = BatchItem.objects.filter(batch=batch_id, batch__state__in=Batch.ACTIVE_STATES)
    rows = unended.exclude(state__in=BatchItem.ENDED_STATES).order_by("position")
    first: dict[int, tuple[int, bool]] = {}
    for pk, container_id, migration_id in rows.values_list("pk", "container_id", "migration_id"):
        first.setdefault(container_id, (pk, migration_id is None))
    return [pk for pk, is_wanted in first.values() if is_wanted]


def _schedule(batch: Batch, item_id: int, now: datetime, settings: Mapping[str, Any]) -> None:
    item = BatchItem.objects.select_related("container__node", "container__owner", "source", "target").get(pk=item_id)
    if item.state != BatchItem.State.WAITING or item.migration_id is not None:
        return  # another worker was faster
    if item.container.node_id != item.source_id:
        return  # it will be skipped with the reason
    begins = max(item.planned_from or now, now)
    try:
        migration = schedule_migration(
            container=item.container,
            target=item.target,
            method=item.method,
            actor=batch.created_by,
            now=now,
            settings=settings,
            not_before=begins,
            window_ends_at=_closes(batch, item, begins),
            bandwidth_limit_kib=batch.bandwidth_limit_kib,
            freeze_budget_seconds=batch.freeze_budget_seconds,
            fall_back_to_dump=batch.fall_back_to_dump,
            rehearse=batch.rehearse,
            held=True,
        )
    except ScheduleRefused as refusal:
        drop_item(item=item, why=str(refusal), now=now)
    else:
        states.become(item, migration)


def _closes(batch: Batch, item: BatchItem, begins: datetime) -> datetime | None:
    """Return when the window ends in which it is planned, for those who are told; None: it does not, or all but."""
    trip = trips.of_item(item)
    span = calendar.of_batch(batch, begins).span(begins, node_ids=trip.node_ids, customer_id=trip.customer_id)
    return span.ends if span is not None and span.left(begins) >= SHORTEST_WINDOW else None
