"""Wish that a migration pauses before its next step."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Migration


class NotPausable(Exception):
    """The migration cannot be paused now."""


@transaction.atomic
def pause_migration(*, migration: Migration, actor: User, now: datetime) -> None:
    """Note the wish; the engine obeys before the next step at which nothing is harmed by waiting.

    :raises NotPausable: it has not begun, has ended, or is past the point where waiting is harmless.
    """
    rows = Migration.objects.filter(
        pk=migration.pk, state=Migration.State.RUNNING, point_of_no_return_at=None, frozen_at=None
    )
    if not rows.update(wish=Migration.Wish.PAUSE):
        raise NotPausable(
            f"{migration} is {migration.get_state_display().lower()}: only a running migration that has "
            "not begun its cutover can be paused."
        )
    trail.record("pause", str(migration), actor=actor, now=now)
