"""Take the host key that a person compared as the one this node may show."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Node


class HostKeyMoved(Exception):
    """The key that was compared is not, or no more, the one the node offers."""


@transaction.atomic
def pin_host_key(*, node: Node, shown_key: str, actor: User, now: datetime) -> None:
    """Pin exactly the key that the page showed.

    :raises HostKeyMoved: the node shows another one by now, or one was pinned before; nothing was changed.
    """
    # Not every database can be asked for a text with a NUL in it.
    asked = shown_key if shown_key.isprintable() else ""
    waiting = Node.objects.filter(pk=node.pk, state=Node.State.KEY_OFFERED, offered_host_key=asked)
    if not asked or not waiting.update(
        host_key=shown_key, state=Node.State.KEY_PINNED, next_scan_at=now, fault="", fault_detail=""
    ):
        node.refresh_from_db()
        raise HostKeyMoved(_why_not(node, shown_key))
    node.refresh_from_db()
    trail.record("pin_host_key", str(node), actor=actor, now=now, host_key=shown_key)


def _why_not(node: Node, shown_key: str) -> str:
    if node.host_key and node.host_key == shown_key:
        return f"This key of {node} is pinned already."
    if node.host_key:
        return f"Another host key of {node} is pinned, and only that one is accepted."
    return f"{node} does not show the key that you compared any more. Compare the one it shows now."
