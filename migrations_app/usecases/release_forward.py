"""Say that the old addresses of a moved container need not be passed on any longer."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import forwards, recorder, states
from migrations_app.models import Migration

State = Migration.State
# Where a move may be stuck for the sake of old addresses alone; these steps obey the word when they are taken up again.
WAITS = frozenset({"forward", "unfreeze", "probe_outside", "verify_names", "stay_until_quiet"})


class NotForwarding(Exception):
    """Nothing is passed on for this migration, nor does it wait for that."""


def offered_for(migration: Migration) -> bool:
    """Return whether asking makes sense: old addresses are passed on, or the move is stuck because they are not."""
    if not migration.changes_address or migration.forward_released_at is not None:
        return False
    is_passing_on = migration.state == State.RUNNING and bool(forwards.of(migration.pk))
    return is_passing_on or _is_stuck(migration)


@transaction.atomic
def release_forward(*, migration: Migration, actor: User, now: datetime) -> None:
    """Let the engine take the forward down at its next look; who still comes to the old address gets no answer then.

    A move that waits for a person because the old addresses cannot be passed on goes on without them.

    :raises NotForwarding: see there.
    """
    passed_on = forwards.of(migration.pk)
    rows = Migration.objects.filter(pk=migration.pk, state=State.RUNNING)
    released = bool(passed_on) and rows.update(forward_released_at=now, next_tick_at=now)
    if not released and not _go_on_without(migration, now):
        raise NotForwarding(f"{migration} passes no old address on: there is nothing to end.")
    came = {row.old: row.new_connections for row in passed_on}
    trail.record("release_forward", str(migration), actor=actor, now=now, new_connections=came)


def _go_on_without(migration: Migration, now: datetime) -> bool:
    migration.refresh_from_db()
    stuck = states.unfinished(migration)
    if stuck is None or not _is_stuck(migration):
        return False
    try:
        recorder.take_up(stuck)
        states.unpark(migration, now=now, forward_released_at=now)
    except states.ChangedMeanwhile as cause:
        raise NotForwarding(f"{migration} has gone on this moment: look again.") from cause
    return True


def _is_stuck(migration: Migration) -> bool:
    if migration.state != State.PARKED or migration.parked_from != State.RUNNING or not migration.changes_address:
        return False
    stuck = states.unfinished(migration)
    return stuck is not None and stuck.name in WAITS
