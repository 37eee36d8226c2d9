"""Let a batch go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.models import Approval, Batch
from migrations_app.usecases.settle_approvals import settle_approvals
from migrations_app.usecases.use_approval import ApprovalMissing
from migrations_app.usecases.use_batch_approval import use_batch_approval


class BatchNotResumable(Exception):
    """The batch does not wait for a person."""


def resume_batch(*, batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    """Go on after a pause, or after a person has looked at what stopped the line: that alone stops it no more.

    :raises BatchNotResumable: it is neither paused nor stopped.
    :raises ApprovalMissing: it was changed meanwhile, and nobody else has approved that.
    """
    settle_approvals(kind=Approval.Kind.BATCH, subject_id=batch.pk, now=now)
    with trail.or_refused(ApprovalMissing, "resume", batch, actor=actor, now=now):
        _resume(batch, actor, now, settings)
    batch.refresh_from_db()


def _resume(batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    held = turn.take(batch.pk)
    if held.state not in (Batch.State.PAUSED, Batch.State.STOPPED):
        raise BatchNotResumable(f"{held} is {held.get_state_display().lower()}: it is neither paused nor stopped.")
    approved = use_batch_approval(batch=held, now=now, settings=settings)
    before, stopped_by = held.state, held.failure
    states.resume(held, now=now)
    trail.record(
        "resume_batch", str(held), actor=actor, now=now, before=before, after=held.state, answers=stopped_by, **approved
    )
