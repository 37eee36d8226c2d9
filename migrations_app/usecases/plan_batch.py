"""Plan a batch: the moves of one wish, with their order, times and canaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import canaries
from migrations_app.batches.scene import Scene
from migrations_app.batches.terms import BatchTerms
from migrations_app.capacity import moves as forecasts
from migrations_app.models import Alternative, Batch, BatchItem, Container, Migration, Node
from migrations_app.usecases.set_terms import Objections, of_terms
from migrations_app.usecases.time_batch import time_batch

__all__ = ["BatchRefused", "BatchTerms", "PlannedMove", "plan_batch"]

MOST_MOVES: Final = 5_000
LONGEST_NAME: Final = 120
MIB: Final = 1_048_576


@dataclass(frozen=True, kw_only=True)
class PlannedMove:
    """One move; ``after``: which earlier ones of the list, counted from 0, have to be done before."""

    container: Container
    target: Node
    after: tuple[int, ...] = ()
    parks: bool = False
    reason: str = ""
    method: str = "auto"
    move_bytes: int | None = None


class BatchRefused(Exception):
    """The batch was not planned; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


@transaction.atomic
def plan_batch(
    *,
    name: str,
    moves: Sequence[PlannedMove],
    terms: BatchTerms,
    actor: User | None,
    now: datetime,
    settings: Mapping[str, Any],
    alternative: Alternative | None = None,
) -> Batch:
    """Write the batch down as a draft; nothing begins before it is started, and its containers stay free until then.

    :raises BatchRefused: all reasons at once, each with the field it belongs to.
    """
    objections = [*_of_name(name), *of_terms(terms, now, settings), *_of_moves(moves)]
    if objections:
        raise BatchRefused(objections)
    columns = terms.columns(usual_freeze_budget_seconds=settings["freeze_budget_seconds"])
    batch = Batch.objects.create(
        name=name.strip(), alternative=alternative, created_at=now, created_by=actor, **columns
    )
    items = list(_items(batch, moves, now))
    for canary in canaries.choose(items, batch.canaries):
        canary.is_canary = True
    BatchItem.objects.bulk_create(items, batch_size=200)
    time_batch(scene=Scene(batch=batch, now=now))
    trail.record("plan_batch", str(batch), actor=actor, now=now, moves=len(items))
    return batch


def _items(batch: Batch, moves: Sequence[PlannedMove], now: datetime) -> Iterator[BatchItem]:
    sources = list(_sources(moves))
    told = forecasts.foretell_all(
        (_as_migration(move, source, batch) for move, source in zip(moves, sources, strict=True)), now
    )
    for position, (move, source, forecast) in enumerate(zip(moves, sources, told, strict=True)):
        size_mib = move.container.disk_used_mib
        yield BatchItem(
            batch=batch,
            position=position,
            after=sorted(set(move.after)),
            container=move.container,
            source=source,
            target=move.target,
            parks=move.parks,
            method=move.method,
            reason=move.reason,
            bytes_forecast=move.move_bytes if move.move_bytes is not None else size_mib and size_mib * MIB,
            seconds_forecast=forecast.seconds,
            freeze_seconds_forecast=forecast.freeze_seconds,
        )


def _as_migration(move: PlannedMove, source: Node, batch: Batch) -> Migration:
    """Return what the forecast looks at; it is never saved."""
    return Migration(
        container=move.container,
        source=source,
        target=move.target,
        method=move.method,
        bandwidth_limit_kib=batch.bandwidth_limit_kib,
    )


def _sources(moves: Sequence[PlannedMove]) -> Iterator[Node]:
    """Yield where each container is when its move comes: where its last one took it, or where it lives."""
    places: dict[int, Node] = {}
    for move in moves:
        yield places.get(move.container.pk, move.container.node)
        places[move.container.pk] = move.target


def _of_name(name: str) -> Objections:
    if not name.strip():
        return [("name", "Give the batch a name.")]
    if len(name.strip()) > LONGEST_NAME:
        return [("name", f"At most {LONGEST_NAME} characters.")]
    return []


def _of_moves(moves: Sequence[PlannedMove]) -> Objections:
    if not moves:
        return [("moves", "There is nothing to move.")]
    if len(moves) > MOST_MOVES:
        return [("moves", f"{len(moves)} moves are too many for one batch; make several of at most {MOST_MOVES}.")]
    reasons = [
        reason
        for position, (move, source) in enumerate(zip(moves, _sources(moves), strict=True))
        for reason in _of_move(move, source, position)
    ]
    return [("moves", reason) for reason in dict.fromkeys(reasons)]


def _of_move(move: PlannedMove, source: Node, position: int) -> Iterator[str]:
    container, target = move.container, move.target
    if container.gone_at is not None:
        yield f"{container} was not seen on {container.node} at the last scan."
    if container.pinned:
        yield f"{container} is pinned to {container.node}: unpin it, or leave it out."
    if source == target:
        yield f"{container} is on {target} already."
    if target.state != Node.State.READY:
        yield f"{target} is not ready: {target.get_state_display().lower()}."
    elif target.duty != Node.Duty.IN_SERVICE:
        yield f"{target} is out of service ({target.get_duty_display().lower()}): choose another node for {container}."
    if move.method not in Migration.Method.values:
        yield f"{container}: choose live, dump, stream or auto."
    if any(not 0 <= number < position for number in move.after):
        yield f"{container} is to wait for a move that does not come before it."
