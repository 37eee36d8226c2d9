"""Cancel a batch: what waits is given up, what is under way goes on to its end or is cancelled too."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.models import Approval, Batch, BatchItem
from migrations_app.usecases.advance_batch import advance_batch
from migrations_app.usecases.cancel_migration import NotCancellable, cancel_migration

log = logging.getLogger(__name__)


class BatchNotCancellable(Exception):
    """The batch has ended."""


def cancel_batch(
    *, batch: Batch, actor: User, now: datetime, settings: Mapping[str, Any], also_running: bool = False
) -> None:
    """Cancelling twice is no error: what was under way at the first time can be cancelled at the second.

    ``also_running``: also take back what has begun, but for those whose container runs on its target already.

    :raises BatchNotCancellable: it is done.
    """
    with transaction.atomic():
        held = turn.take(batch.pk)
        if held.state == Batch.State.DONE:
            raise BatchNotCancellable(f"{held} is done. To bring containers back, plan another batch from there.")
        if held.state != Batch.State.CANCELLED:
            before = held.state
            states.cancel(held, now=now)
            voided = decisions.void_all_of(Approval.Kind.BATCH, batch.pk, "it was cancelled")
            detail = {"before": before, "also_running": also_running, "voided": voided}
            trail.record("cancel_batch", str(held), actor=actor, now=now, **detail)
    if also_running:
        _cancel_running(batch, actor, now)
    advance_batch(batch_id=batch.pk, now=now, settings=settings)
    batch.refresh_from_db()


def _cancel_running(batch: Batch, actor: User, now: datetime) -> None:
    for item in batch.items.filter(state=BatchItem.State.MOVING).select_related("migration"):
        if item.migration is None:
            continue
        try:
            cancel_migration(migration=item.migration, actor=actor, now=now)
        except NotCancellable as refusal:
            log.info("%s goes on: %s", item, refusal)
