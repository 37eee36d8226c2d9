"""Leave one move of a batch out."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.batches import states, turn
from migrations_app.models import Approval, Batch, BatchItem
from migrations_app.usecases.drop_item import drop_item

LONGEST_REASON = 500


class NotSkippable(Exception):
    """The move has begun or ended."""


@transaction.atomic
def skip_item(*, item: BatchItem, reason: str, actor: User | None, now: datetime) -> None:
    """Call its migration off; those for which it was to make room are skipped in their turn.

    :raises NotSkippable: it is under way or has ended.
    """
    batch = turn.take(item.batch_id)
    row = BatchItem.objects.select_related("container", "migration").get(pk=item.pk)
    if row.state != BatchItem.State.WAITING:
        raise NotSkippable(
            f"{row.container} is {row.get_state_display().lower()}: only what waits can be skipped. "
            "What is under way is cancelled on the page of its migration."
        )
    voided = decisions.void_all_of(Approval.Kind.BATCH, batch.pk, "one of its moves was left out")
    why = reason.strip()[:LONGEST_REASON] or "no reason was given"
    drop_item(item=row, why=f"A person skipped it: {why}", now=now, actor=actor, voided=voided)
    if batch.state in Batch.ACTIVE_STATES:
        states.look_next(batch, now)
    item.refresh_from_db()
