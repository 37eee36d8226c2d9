"""Take a freeze period back."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import states
from migrations_app.models import FreezePeriod


def remove_freeze_period(*, period: FreezePeriod, actor: User | None, now: datetime) -> None:
    """What waited for its end may begin at once; removing it twice is no error."""
    with transaction.atomic():
        removed, _ = FreezePeriod.objects.filter(pk=period.pk).delete()
        if removed:
            trail.record("remove_freeze_period", period.name, actor=actor, now=now)
    states.make_due(now)
