"""Give up the copy that was kept on the source node, by a person's yes."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import recorder, states
from migrations_app.execution.lease import next_token
from migrations_app.models import Migration
from migrations_app.strategies import RETIREMENT


class NotRetirable(Exception):
    """The copy on the source is still needed, or is gone already."""


@transaction.atomic
def retire_source(*, migration: Migration, actor: User, now: datetime) -> None:
    """Have the source's kept copy deleted; the node's gate refuses before the date it recorded at the fence.

    :raises NotRetirable: see there.
    """
    migration.refresh_from_db()
    if migration.state != Migration.State.DONE or migration.retire_after is None:
        raise NotRetirable(f"{migration} is {migration.get_state_display().lower()}: it left no copy to retire.")
    if migration.retired_at is not None:
        raise NotRetirable(f"The copy on {migration.source} was given up at {migration.retired_at:%Y-%m-%d %H:%M} UTC.")
    if now < migration.retire_after:
        raise NotRetirable(
            f"The copy on {migration.source} is kept until {migration.retire_after:%Y-%m-%d %H:%M} UTC, "
            "in case it is needed."
        )
    if migration.container.migrations.acting().exists():
        raise NotRetirable(f"{migration.container} has a migration that has not ended; let that one end first.")
    states.retire(migration, now=now, token=next_token(migration.ctid, now))
    recorder.write_plan(migration, RETIREMENT)
    trail.record("retire", str(migration), actor=actor, now=now)
