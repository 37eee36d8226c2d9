"""Ask for a look at a node now."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Node


@transaction.atomic
def request_scan(*, node: Node, actor: User, now: datetime) -> None:
    Node.objects.filter(pk=node.pk).update(next_scan_at=now)
    node.refresh_from_db(fields=["next_scan_at"])
    trail.record("request_scan", str(node), actor=actor, now=now)
