"""Let go of a node's pinned host key, because the node was installed anew."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Node


@transaction.atomic
def forget_host_key(*, node: Node, actor: User | None, now: datetime) -> None:
    """Put the node back to where a person compares its key; until then nothing is sent to it.

    No page offers this: whoever could press such a button on a bad night would let an impostor in.
    """
    forgotten = node.host_key
    Node.objects.filter(pk=node.pk).update(
        host_key="", offered_host_key="", state=Node.State.NEW, next_scan_at=now, fault="", fault_detail=""
    )
    node.refresh_from_db()
    trail.record("forget_host_key", str(node), actor=actor, now=now, host_key=forgotten)
