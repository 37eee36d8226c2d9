"""Take a move that was skipped or failed up again."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.batches import states, turn
from migrations_app.models import Approval, Batch, BatchItem

AGAIN = (BatchItem.State.SKIPPED, BatchItem.State.FAILED)


class NotPutBack(Exception):
    """The move cannot be made any more."""


@transaction.atomic
def put_back_item(*, item: BatchItem, actor: User | None, now: datetime) -> None:
    """Have it made after all, by a migration of its own; the one that failed stays as it is.

    :raises NotPutBack: it still waits or is done, its batch has ended, or its container is elsewhere now.
    """
    batch = turn.take(item.batch_id)
    row = BatchItem.objects.select_related("container__node", "source").get(pk=item.pk)
    if reason := _objection(batch, row):
        raise NotPutBack(reason)
    states.put_back(row)
    voided = decisions.void_all_of(Approval.Kind.BATCH, batch.pk, "one of its moves was put back")
    if batch.state in Batch.ACTIVE_STATES:
        states.look_next(batch, now)
    trail.record("put_back_item", str(row), actor=actor, now=now, voided=voided)
    item.refresh_from_db()


def _objection(batch: Batch, item: BatchItem) -> str:
    container = item.container
    if batch.state not in (Batch.State.DRAFT, *Batch.ACTIVE_STATES):
        return f"{batch} is {batch.get_state_display().lower()}: plan what is left as another batch."
    if item.state not in AGAIN:
        return f"{container} is {item.get_state_display().lower()}: only what was skipped or failed can be put back."
    if container.gone_at is not None:
        return f"{container} was not seen on {container.node} at the last scan."
    if container.node_id != item.source_id and not _comes_there(item):
        return f"{container} is on {container.node} now, not on {item.source}: ask for a new plan."
    return ""


def _comes_there(item: BatchItem) -> bool:
    """Say whether an earlier move of the batch brings the container to where this one begins."""
    earlier = BatchItem.objects.filter(batch=item.batch_id, container=item.container_id, position__lt=item.position)
    return earlier.exclude(state__in=AGAIN).exists()
