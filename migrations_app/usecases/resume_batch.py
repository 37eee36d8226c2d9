"""Let a batch go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.models import Batch


class BatchNotResumable(Exception):
    """The batch does not wait for a person."""


@transaction.atomic
def resume_batch(*, batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    """Go on after a pause, or after a person has looked at what stopped the line: that alone stops it no more.

    :raises BatchNotResumable: it is neither paused nor stopped.
    """
    held = turn.take(batch.pk)
    if held.state not in (Batch.State.PAUSED, Batch.State.STOPPED):
        raise BatchNotResumable(f"{held} is {held.get_state_display().lower()}: it is neither paused nor stopped.")
    trail.record("resume_batch", str(held), actor=actor, now=now, after=held.failure)
    states.resume(held, now=now)
    batch.refresh_from_db()
