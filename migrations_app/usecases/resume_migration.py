"""Let a paused migration go on."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import recorder, states
from migrations_app.models import Migration
from migrations_app.strategies import STALE_AFTER_A_WAIT


class NotResumable(Exception):
    """The migration is not paused."""


@transaction.atomic
def resume_migration(*, migration: Migration, actor: User, now: datetime) -> None:
    """
    :raises NotResumable: it is not paused, and no pause is wished.
    """
    withdrawn = Migration.objects.filter(pk=migration.pk, state=Migration.State.RUNNING, wish=Migration.Wish.PAUSE)
    if not withdrawn.update(wish=Migration.Wish.NONE):
        try:
            states.resume(migration, now=now)
            recorder.repeat_stale(migration, STALE_AFTER_A_WAIT)
        except (states.IllegalChange, states.ChangedMeanwhile) as cause:
            raise NotResumable(f"{migration} is {migration.get_state_display().lower()}, not paused.") from cause
    trail.record("resume", str(migration), actor=actor, now=now)
