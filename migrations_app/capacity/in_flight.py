"""Who is on the way already, or about to be: it is nobody else's to plan with, and its room is taken at both ends."""

from __future__ import annotations

from dataclasses import dataclass

from migrations_app.models import Batch, BatchItem, Migration

_OPEN_BATCHES = (Batch.State.DRAFT, *Batch.ACTIVE_STATES)
_OPEN_ITEMS = (BatchItem.State.WAITING, BatchItem.State.MOVING)


@dataclass(frozen=True, kw_only=True)
class Journey:
    """``nodes`` are all that it leaves, passes or reaches; ``target`` is the one where it ends."""

    target: int
    nodes: frozenset[int]
    why: str


def read() -> dict[int, Journey]:
    """Return the journey of each container that has one; two queries."""
    found: dict[int, Journey] = {}
    items = BatchItem.objects.filter(state__in=_OPEN_ITEMS, batch__state__in=_OPEN_BATCHES)
    rows = items.order_by("batch_id", "position").values_list("container_id", "source_id", "target_id", "batch__name")
    for container, source, target, name in rows:
        _go_on(found, container, source, target, f"It is in the batch {name}.")
    moves = Migration.objects.acting().order_by("pk").values_list("container_id", "source_id", "target_id", "pk")
    for container, source, target, pk in moves:
        if container not in found:
            _go_on(found, container, source, target, f"Its migration m{pk} has not ended.")
    return found


def _go_on(found: dict[int, Journey], container: int, source: int, target: int, why: str) -> None:
    before = found[container].nodes if container in found else frozenset()
    found[container] = Journey(target=target, nodes=before | {source, target}, why=why)
