"""Start a batch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.batches.scene import Scene
from migrations_app.models import Approval, Batch
from migrations_app.usecases.schedule_items import schedule_items
from migrations_app.usecases.settle_approvals import settle_approvals
from migrations_app.usecases.time_batch import time_batch
from migrations_app.usecases.use_approval import ApprovalMissing
from migrations_app.usecases.use_batch_approval import use_batch_approval


class NotStartable(Exception):
    """The batch cannot be started now."""


def start_batch(*, batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    """Plan a held migration for each container, tell their owners, and let the worker do the rest.

    A container that is busy elsewhere is skipped with the reason. Of a large batch the worker plans the later part.

    :raises NotStartable: it was started before, or its deadline has passed.
    :raises ApprovalMissing: nobody else has approved it as it stands now.
    """
    settle_approvals(kind=Approval.Kind.BATCH, subject_id=batch.pk, now=now)
    with trail.or_refused(ApprovalMissing, "start", batch, actor=actor, now=now):
        _start(batch, actor, now, settings)
    schedule_items(batch_id=batch.pk, now=now, settings=settings)
    batch.refresh_from_db()


def _start(batch: Batch, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> None:
    held = turn.take(batch.pk)
    if held.state != Batch.State.DRAFT:
        raise NotStartable(f"{held} is {held.get_state_display().lower()}; only a draft can be started.")
    if held.deadline is not None and held.deadline <= now:
        raise NotStartable(f"The deadline {held.deadline:%Y-%m-%d %H:%M} UTC has passed: set another one first.")
    approved = use_batch_approval(batch=held, now=now, settings=settings)
    states.start(held, now=now)
    time_batch(scene=Scene(batch=held, now=now))
    trail.record("start_batch", str(held), actor=actor, now=now, **approved)
