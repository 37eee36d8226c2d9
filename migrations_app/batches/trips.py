"""Who is under way, for the slots: of all batches, and what people ordered by hand."""

from __future__ import annotations

from datetime import datetime

from migrations_app.batches.slots import Caps, Slots, Trip
from migrations_app.models import BatchItem, Migration


def of_item(item: BatchItem) -> Trip:
    return Trip(
        source_id=item.source_id,
        target_id=item.target_id,
        customer_id=item.container.owner_id,
        apart_group=item.container.apart_group,
    )


def of_migration(migration: Migration) -> Trip:
    return Trip(
        source_id=migration.source_id,
        target_id=migration.target_id,
        customer_id=migration.container.owner_id,
        apart_group=migration.container.apart_group,
    )


def slots_now(caps: Caps, now: datetime) -> Slots:
    """Return the slots with all in them that is under way; one parked takes none, but keeps its group at home."""
    migrations = Migration.objects.under_way(now).select_related("container")
    slots = Slots(caps, [of_migration(migration) for migration in migrations])
    waits = Migration.objects.filter(state=Migration.State.PARKED, next_tick_at=None)
    for group in waits.exclude(container__apart_group="").values_list("container__apart_group", flat=True):
        slots.keep_apart_from(group)
    return slots
