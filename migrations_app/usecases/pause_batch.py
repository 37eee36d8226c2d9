"""Pause a batch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.models import Batch


class BatchNotPausable(Exception):
    """The batch does not run."""


@transaction.atomic
def pause_batch(*, batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    """Begin nothing new; what is under way goes on to its end.

    :raises BatchNotPausable: it does not run.
    """
    held = turn.take(batch.pk)
    if held.state != Batch.State.RUNNING:
        raise BatchNotPausable(f"{held} is {held.get_state_display().lower()}: only a running batch can be paused.")
    states.pause(held)
    trail.record("pause_batch", str(held), actor=actor, now=now)
    batch.refresh_from_db()
