"""The line: what came of a move, and whether the others may go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from migrations_app.models import Batch, BatchItem, Migration

State = Migration.State

# What is about this one container, or was a person's will: no reason to fear for the others.
EXPLAINED: Final = frozenset(
    {"Blocked", "Cancelled", "ContainerBusy", "FreezeTooLong", "LiveNotPossible", "WindowClosed"}
)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Why nothing new may begin until a person has looked: the name of a failure, and what was seen."""

    failure: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``state``: what the item becomes; ``why``: what a person should know of it."""

    state: BatchItem.State
    why: str = ""
    stop: Stop | None = None


def judge(migration: Migration, *, freeze_budget_seconds: float) -> Verdict:
    """Return what has come of a migration that was let go."""
    if migration.finished_at is None:
        return _of_one_under_way(migration)
    if migration.state in (State.ROLLED_BACK, State.CANCELLED):
        return Verdict(state=BatchItem.State.FAILED, why=_told(migration), stop=_stop(migration))
    frozen = migration.freeze_seconds or 0.0
    if frozen <= freeze_budget_seconds:
        return Verdict(state=BatchItem.State.DONE)
    detail = (
        f"{migration} interrupted its container for {frozen:.1f} seconds; "
        f"at most {freeze_budget_seconds:.1f} were promised."
    )
    return Verdict(
        state=BatchItem.State.DONE,
        why=f"Interrupted for {frozen:.1f} seconds; {freeze_budget_seconds:.1f} were promised.",
        stop=Stop(failure="FreezeOverPromise", detail=detail),
    )


def is_held_up_by_window(migration: Migration) -> bool:
    """Its window closed before it was done; nothing was interrupted."""
    return migration.state == State.PARKED and migration.failure == "WindowClosed"


def goes_on_by_itself(migration: Migration) -> bool:
    """Say whether its batch takes it up again in the next window, so that nobody needs to be called."""
    items = BatchItem.objects.filter(migration=migration.pk, batch__state=Batch.State.RUNNING)
    return is_held_up_by_window(migration) and items.exists()


def _of_one_under_way(migration: Migration) -> Verdict:
    if migration.state != State.PARKED:
        return Verdict(state=BatchItem.State.MOVING)
    return Verdict(state=BatchItem.State.MOVING, why=_told(migration), stop=_stop(migration))


def _told(migration: Migration) -> str:
    return f"{migration.failure}: {migration.failure_detail}"


def _stop(migration: Migration) -> Stop | None:
    if migration.failure in EXPLAINED:
        return None
    return Stop(failure=migration.failure or "InternalError", detail=f"{migration}: {migration.failure_detail}")
