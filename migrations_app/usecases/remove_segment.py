"""Forget a segment of the network."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Segment


@transaction.atomic
def remove_segment(*, segment: Segment, actor: User | None, now: datetime) -> None:
    """Its pools go along; what was promised from them stays promised. Removing it twice is no error."""
    pools = [str(pool) for pool in segment.pools.order_by("pk")]
    removed, _ = Segment.objects.filter(pk=segment.pk).delete()
    if removed:
        trail.record("remove_segment", segment.name, actor=actor, now=now, networks=segment.networks, pools=pools)
