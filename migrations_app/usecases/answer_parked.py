"""Answer a migration that waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import recorder, states
from migrations_app.execution.lease import next_token
from migrations_app.models import Migration
from migrations_app.strategies import POINTS_OF_NO_RETURN, STALE_AFTER_A_WAIT

State = Migration.State
Answer = Literal["retry", "roll_back", "keep"]


class NotParked(Exception):
    """The migration does not wait for this answer."""


@transaction.atomic
def answer_parked(*, migration: Migration, answer: Answer, actor: User, now: datetime) -> None:
    """Go on where it stopped, take everything back, or keep a copy where it was found.

    What is kept is the container on the target where the way back met it running, or the old copy where its removal
    stopped: its node may be gone for good, and the container must be free to move on.

    :raises NotParked: it does not wait, or it is too late to take anything back.
    """
    migration.refresh_from_db()
    if migration.state != State.PARKED:
        raise NotParked(_waits_not(migration))
    failure, failure_detail = migration.failure, migration.failure_detail
    if answer == "roll_back" and migration.point_of_no_return_at is not None:
        raise NotParked(
            f"{migration.ctid} already runs on {migration.target}: it can only go on. To bring it back, "
            "schedule a new migration from there."
        )
    try:
        if answer == "retry":
            _renew_failed_step(migration)
            recorder.repeat_stale(migration, STALE_AFTER_A_WAIT)
            states.unpark(migration, now=now, **_agreed(migration, now))
        elif answer == "keep" and migration.parked_from == State.RETIRING:
            recorder.drop_unfinished(migration)
            states.keep_old_copy(migration)
        elif answer == "keep":
            _keep_on_target(migration, now)
        else:
            states.roll_back(migration, now=now, failure="Cancelled", detail="A person chose to go back.")
    except (states.IllegalChange, states.ChangedMeanwhile, ValueError) as cause:
        raise NotParked(_waits_not(migration)) from cause
    migration.refresh_from_db(fields=["state"])
    what_for = {"answers": failure, "found": failure_detail, "before": State.PARKED, "after": migration.state}
    trail.record(f"answer_{answer}", str(migration), actor=actor, now=now, **what_for)


def _waits_not(migration: Migration) -> str:
    return f"{migration} is {migration.get_state_display().lower()}; it waits for no answer."


def _keep_on_target(migration: Migration, now: datetime) -> None:
    """Turn a way back that met the container running on the target into the way forward.

    Only where the step it stopped at is the one that makes the target the container's place: steps already taken
    back, such as the last pass of the data, must not run over a living copy.

    :raises NotParked: it stopped elsewhere.
    """
    last = recorder.last_touched(migration)
    if migration.failure != "RunsOnTarget" or last is None or last.name not in POINTS_OF_NO_RETURN:
        raise NotParked(f"{migration} did not stop where the container could be kept on {migration.target}.")
    recorder.start_anew(last)
    states.turn_forward(migration, now=now)


def _agreed(migration: Migration, now: datetime) -> dict[str, Any]:
    """Return what a yes to going on settles beside that."""
    match migration.failure:
        case "WindowClosed":
            return {"window_ends_at": None}
        case "Fenced":
            return {"lease_token": next_token(migration.ctid, now)}
        case _:
            return {}


def _renew_failed_step(migration: Migration) -> None:
    """A person's retry starts new jobs: on the way forward with a new count of tries, on the way back with one more."""
    if migration.parked_from == State.ROLLING_BACK:
        if last := recorder.last_touched(migration):
            recorder.renew_undo(last)
    elif stuck := states.unfinished(migration):
        recorder.take_up(stuck)
