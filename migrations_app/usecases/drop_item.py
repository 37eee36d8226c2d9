"""Drop one move of a batch that has not begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User

from migrations_app.audit import trail
from migrations_app.batches import states as batch_states
from migrations_app.execution import states
from migrations_app.models import BatchItem
from migrations_app.notices import outbox


def drop_item(
    *, item: BatchItem, why: str, now: datetime, actor: User | None = None, voided: Sequence[str] = ()
) -> None:
    """Skip it, and call off the migration that was planned for it; whoever calls holds the batch's turn.

    ``voided`` names the requests for approval that ended by it.
    """
    migration = item.migration
    if migration is not None and migration.is_held:
        states.cancel_unstarted(migration, now=now, detail=why)
        states.tell(migration, f"Called off: {why}", at=now)
        outbox.call_off(migration, now=now)
    batch_states.end_item(item, BatchItem.State.SKIPPED, why=why)
    trail.record("skip_item", str(item), actor=actor, now=now, why=why[:500], voided=list(voided))
