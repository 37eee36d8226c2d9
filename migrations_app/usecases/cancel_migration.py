"""Cancel a migration: at once when nothing has begun, else by going back."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import handover, states
from migrations_app.models import Migration
from migrations_app.notices import outbox

State = Migration.State


class NotCancellable(Exception):
    """The migration cannot be cancelled any more."""


@transaction.atomic
def cancel_migration(*, migration: Migration, actor: User, now: datetime) -> None:
    """Cancelling twice is no error; the second time there is nothing left to do.

    :raises NotCancellable: the container already runs on the target, or the migration has ended.
    """
    migration.refresh_from_db()
    if migration.point_of_no_return_at is not None:
        raise NotCancellable(
            f"{migration.ctid} already runs on {migration.target}. «Bring it back» on its page orders the return trip."
        )
    before = migration.state
    try:
        _cancel(migration, now)
    except (states.IllegalChange, states.ChangedMeanwhile) as cause:
        migration.refresh_from_db()
        raise NotCancellable(f"{migration} is {migration.get_state_display().lower()}.") from cause
    trail.record("cancel", str(migration), actor=actor, now=now, before=before)


def _cancel(migration: Migration, now: datetime) -> None:
    detail = "A person cancelled the migration."
    match migration.state:
        case State.SCHEDULED:
            states.cancel_unstarted(migration, now=now)
            handover.give_back(migration, now=now)
            states.tell(migration, detail, at=now)
            outbox.call_off(migration, now=now)
        case State.PAUSED | State.PARKED:
            states.roll_back(migration, now=now, failure="Cancelled", detail=detail)
        case State.RUNNING | State.ROLLING_BACK:
            # The engine obeys between two steps; it may be in the middle of one right now.
            rows = Migration.objects.filter(pk=migration.pk, state=migration.state, point_of_no_return_at=None)
            if not rows.update(wish=Migration.Wish.CANCEL, next_tick_at=now):
                raise states.ChangedMeanwhile(str(migration))
        case _:
            raise states.IllegalChange(str(migration))
