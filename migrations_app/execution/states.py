"""The states of a migration and how it goes from one to another; nobody else changes ``Migration.state``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from migrations_app.models import Container, LogLine, Migration, Reservation, StepRun
from migrations_app.models.execution import MigrationQuerySet

State = Migration.State
RECHECK_PARKED = timedelta(seconds=15)

LEGAL: dict[str, frozenset[str]] = {
    State.SCHEDULED: frozenset({State.RUNNING, State.CANCELLED, State.PARKED}),
    State.RUNNING: frozenset({State.PAUSED, State.ROLLING_BACK, State.PARKED, State.DONE}),
    State.PAUSED: frozenset({State.RUNNING, State.ROLLING_BACK}),
    State.ROLLING_BACK: frozenset({State.ROLLED_BACK, State.CANCELLED, State.PARKED, State.RUNNING}),
    State.PARKED: frozenset({State.SCHEDULED, State.RUNNING, State.ROLLING_BACK, State.RETIRING, State.DONE}),
    State.DONE: frozenset({State.RETIRING, State.RUNNING}),
    State.RETIRING: frozenset({State.DONE, State.PARKED}),
    State.ROLLED_BACK: frozenset(),
    State.CANCELLED: frozenset(),
}


class IllegalChange(Exception):
    """A migration cannot go from its state to that one."""


class ChangedMeanwhile(Exception):
    """Somebody else changed the migration's state first."""


def change(migration: Migration, state: State, *, token: int | None = None, **columns: Any) -> None:
    """Write the new state and what comes with it, if the row still is as it was read.

    ``token``: write only while that lease is the newest.

    :raises IllegalChange: no such transition.
    :raises ChangedMeanwhile: another was faster.
    """
    if state not in LEGAL[migration.state]:
        raise IllegalChange(f"{migration}: from {migration.state} to {state}")
    rows = Migration.objects.filter(pk=migration.pk, state=migration.state)
    if token is not None:
        rows = rows.filter(lease_token=token)
    if not rows.update(state=state, **columns):
        raise ChangedMeanwhile(str(migration))
    migration.state = state
    for name, value in columns.items():
        setattr(migration, name, value)


def start(migration: Migration, *, token: int, now: datetime) -> None:
    change(migration, State.RUNNING, token=token, started_at=now, next_tick_at=now)


def plan_for(migration: Migration, not_before: datetime, window_ends_at: datetime | None) -> bool:
    """Say when a held migration is likely to be let go; return whether it is still held."""
    return bool(_held(migration).update(not_before=not_before, window_ends_at=window_ends_at))


def release(migration: Migration, *, now: datetime, **terms: Any) -> bool:
    """Let a held migration begin; return whether it was still held. ``terms``: columns that hold from now on."""
    columns = {**terms, "not_before": now, "next_tick_at": now}
    return bool(_held(migration).update(**columns))


def _held(migration: Migration) -> MigrationQuerySet:
    return Migration.objects.held().filter(pk=migration.pk)


def pause(migration: Migration, *, token: int) -> None:
    change(migration, State.PAUSED, token=token, wish="", next_tick_at=None)


def resume(migration: Migration, *, now: datetime) -> None:
    change(migration, State.RUNNING, wish="", next_tick_at=now)


def finish(migration: Migration, *, token: int, now: datetime) -> None:
    change(migration, State.DONE, token=token, finished_at=now, next_tick_at=None, progress={}, failure="", wish="")


def hand_over(migration: Migration, *, token: int, now: datetime) -> None:
    """End a move that only passes old addresses on, because its return trip does that from now on."""
    free: dict[str, Any] = {"lease_token": token, "lease_until": None, "lease_holder": ""}
    told: dict[str, Any] = {"parked_from": "", "failure": "", "failure_detail": "", "trouble_since": None}
    ended: dict[str, Any] = {"finished_at": now, "next_tick_at": None, "progress": {}, "wish": ""}
    change(migration, State.DONE, **ended, **told, **free)


def take_up_again(migration: Migration, *, token: int, now: datetime) -> None:
    """Open such a move once more: its return trip did not come about."""
    change(migration, State.RUNNING, lease_token=token, finished_at=None, next_tick_at=now)


def retire(migration: Migration, *, now: datetime, token: int) -> None:
    """Open a finished migration once more, to remove what was kept on the source; the container is not touched."""
    change(migration, State.RETIRING, next_tick_at=now, lease_token=token)


def end_retirement(migration: Migration, *, token: int, now: datetime) -> None:
    change(migration, State.DONE, token=token, retired_at=now, next_tick_at=None, progress={}, failure="")


def roll_back(
    migration: Migration, *, now: datetime, failure: str, detail: str, next_method: str = "", token: int | None = None
) -> None:
    # The wish outlives what may go wrong on the way back and takes the failure's place: it was cancelled all the same.
    wish = {"wish": Migration.Wish.CANCEL} if failure == "Cancelled" else {}
    change(
        migration,
        State.ROLLING_BACK,
        token=token,
        failure=failure,
        failure_detail=detail,
        next_method=next_method,
        next_tick_at=now,
        progress={},
        **wish,
    )


@transaction.atomic
def end_rollback(migration: Migration, *, token: int, now: datetime) -> None:
    state = State.CANCELLED if migration.wish == Migration.Wish.CANCEL else State.ROLLED_BACK
    change(migration, state, token=token, finished_at=now, next_tick_at=None, progress={}, wish="")
    _give_back_addresses(migration, now)


@transaction.atomic
def cancel_unstarted(
    migration: Migration,
    *,
    now: datetime,
    token: int | None = None,
    detail: str = "A person cancelled the migration before it began.",
) -> None:
    change(
        migration,
        State.CANCELLED,
        token=token,
        finished_at=now,
        next_tick_at=None,
        wish="",
        failure="Cancelled",
        failure_detail=detail,
    )
    _give_back_addresses(migration, now)


def _give_back_addresses(migration: Migration, now: datetime) -> None:
    """What was promised to a container that stayed where it was may be given to others."""
    Reservation.objects.open().filter(migration=migration).update(released_at=now)


def try_next_method(migration: Migration, *, token: int, now: datetime, reason: str) -> None:
    change(
        migration,
        State.RUNNING,
        token=token,
        method=migration.next_method,
        method_reason=reason,
        next_method="",
        failure="",
        failure_detail="",
        next_tick_at=now,
    )


def park(
    migration: Migration, *, token: int, now: datetime, failure: str, detail: str, may_come_back: bool = False
) -> None:
    """Stop and wait for a person; ``may_come_back``: look again from time to time, it may right itself."""
    change(
        migration,
        State.PARKED,
        token=token,
        parked_from=migration.state,
        failure=failure,
        failure_detail=detail,
        next_tick_at=now + RECHECK_PARKED if may_come_back else None,
    )


def unpark(migration: Migration, *, now: datetime, **agreed: Any) -> None:
    """A person has answered: go on where it stopped, and forget what was wrong unless it is the reason to go back.

    ``agreed``: columns that the answer settles.
    """
    state = State(migration.parked_from)
    told: dict[str, Any] = {} if state == State.ROLLING_BACK else {"failure": "", "failure_detail": ""}
    change(migration, state, parked_from="", next_tick_at=now, trouble_since=None, **told, **agreed)


def turn_forward(migration: Migration, *, now: datetime) -> None:
    """A person has found the container well on the target: what was a way back becomes the way forward."""
    forget: dict[str, Any] = {"failure": "", "failure_detail": "", "wish": "", "next_method": "", "trouble_since": None}
    change(migration, State.RUNNING, parked_from="", next_tick_at=now, **forget)


def keep_old_copy(migration: Migration) -> None:
    """A person has given up on removing the old copy for now; the container itself has long moved.

    :raises IllegalChange: something else than its removal waits.
    """
    if migration.parked_from != State.RETIRING:
        raise IllegalChange(f"{migration} has not stopped while its old copy was removed")
    told: dict[str, Any] = {"failure": "", "failure_detail": "", "trouble_since": None}
    change(migration, State.DONE, parked_from="", next_tick_at=None, **told)


def look_again(migration: Migration, *, token: int, now: datetime) -> None:
    """Go on without a person, because what was missing may be back; why it stopped stays noted until it is."""
    change(migration, State(migration.parked_from), token=token, parked_from="", next_tick_at=now)


def settle_on_target(migration: Migration, *, now: datetime) -> None:
    """The point of no return: from here on the container is where it was to go, for the inventory too."""
    Migration.objects.filter(pk=migration.pk).update(point_of_no_return_at=now)
    migration.point_of_no_return_at = now
    # The old place may still be listed there by a scan between start and fence; that row gives way to the moved one.
    stale = Container.objects.filter(node=migration.target, ctid=migration.target_ctid, gone_at=None)
    stale.exclude(pk=migration.container_id).update(gone_at=now)
    Container.objects.filter(pk=migration.container_id).update(
        node=migration.target, ctid=migration.target_ctid, moved_by_hand_at=None, moved_from=None, gone_at=None
    )


def tell(migration: Migration, text: str, *, at: datetime, step: str = "", level: str = "info") -> None:
    """Add a line to the migration's story."""
    LogLine.objects.create(migration=migration, at=at, step=step, level=LogLine.Level(level), text=text[:4000])


def unfinished(migration: Migration) -> StepRun | None:
    """Return the first step of the plan that is neither done nor taken back."""
    ended = (StepRun.State.DONE, StepRun.State.SKIPPED, StepRun.State.UNDONE)
    return migration.steps.exclude(state__in=ended).order_by("position").first()
