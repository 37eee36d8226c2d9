"""Give no more addresses from a pool."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Pool


@transaction.atomic
def remove_pool(*, pool: Pool, actor: User | None, now: datetime) -> None:
    """What was promised from it stays promised; removing it twice is no error."""
    removed, _ = Pool.objects.filter(pk=pool.pk).delete()
    if removed:
        trail.record("remove_pool", str(pool), actor=actor, now=now, segment=pool.segment.name)
