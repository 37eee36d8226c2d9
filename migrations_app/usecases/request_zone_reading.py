"""Ask for a zone to be read now, from its first record to its last."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Zone


@transaction.atomic
def request_zone_reading(*, zone: Zone, actor: User, now: datetime) -> None:
    """Have it read whole, even where its serial says that nothing changed."""
    Zone.objects.filter(pk=zone.pk).update(next_read_at=now, read_at=None, is_whole=True)
    trail.record("request_zone_reading", str(zone), actor=actor, now=now)
