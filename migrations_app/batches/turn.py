"""One worker at a time decides what begins, for all batches: caps hold over all of them."""

from __future__ import annotations

from django.db.models import Q

from migrations_app.models import Batch


def take(batch_id: int) -> Batch:
    """Hold the turn until the transaction ends, and return the batch as it is now.

    Whoever decides locks all active batches, in one order: of any two workers one waits for the other.
    """
    concerned = Q(state__in=Batch.ACTIVE_STATES) | Q(pk=batch_id)
    rows = list(Batch.objects.filter(concerned).order_by("pk").select_for_update())
    return next(row for row in rows if row.pk == batch_id)
