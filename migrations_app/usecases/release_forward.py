"""Say that the old addresses of a moved container need not be passed on any longer."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import forwards
from migrations_app.models import Migration


class NotForwarding(Exception):
    """Nothing is passed on for this migration."""


@transaction.atomic
def release_forward(*, migration: Migration, actor: User, now: datetime) -> None:
    """Let the engine take the forward down at its next look; who still comes to the old address gets no answer then.

    :raises NotForwarding: see there.
    """
    passed_on = forwards.of(migration.pk)
    rows = Migration.objects.filter(pk=migration.pk, state=Migration.State.RUNNING)
    if not passed_on or not rows.update(forward_released_at=now, next_tick_at=now):
        raise NotForwarding(f"{migration} passes no old address on: there is nothing to end.")
    came = {row.old: row.new_connections for row in passed_on}
    trail.record("release_forward", str(migration), actor=actor, now=now, new_connections=came)
