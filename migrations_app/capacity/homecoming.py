"""Who would come home: containers that batches moved away and that are still where they were put."""

from __future__ import annotations

from collections.abc import Collection

from migrations_app.models import Batch, BatchItem


def origins(node_ids: Collection[int]) -> dict[int, int]:
    """Return for each such container, by key, the one of these nodes that it came from; one query."""
    done = BatchItem.objects.filter(state=BatchItem.State.DONE, container__gone_at=None)
    ended = done.exclude(batch__state__in=Batch.ACTIVE_STATES).order_by("batch_id", "position")
    rows = ended.filter(container__in=ended.filter(source__in=node_ids).values("container"))
    came_from: dict[int, int] = {}
    last: dict[int, int] = {}
    is_at: dict[int, int] = {}
    for ct, source, target, node in rows.values_list("container_id", "source_id", "target_id", "container__node_id"):
        if source in node_ids:
            came_from[ct] = source
        last[ct], is_at[ct] = target, node
    return {ct: origin for ct, origin in came_from.items() if last[ct] == is_at[ct] and is_at[ct] not in node_ids}
