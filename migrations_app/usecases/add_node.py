"""Take a node into the fleet: its name and where it answers."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.models import Node
from migrations_app.vz.names import BadValue, checked_address, checked_host_name

LONGEST_NAME = 63
HIGHEST_PORT = 65_535


class NodeRefused(Exception):
    """The node cannot be added; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def add_node(*, name: str, address: str, port: int, actor: User, now: datetime) -> Node:
    """Add the node; its host key is asked for within seconds, and nothing else is sent until somebody pinned it.

    :raises NodeRefused: nothing was added.
    """
    name, address = _checked("name", name.strip()), _checked("address", address.strip())
    if not 1 <= port <= HIGHEST_PORT:
        raise NodeRefused("port", f"must be 1 to {HIGHEST_PORT}, usually 22.")
    _refuse_a_second(name, address, port)
    try:
        with transaction.atomic():
            node = Node.objects.create(name=name, address=address, port=port, next_scan_at=now)
            trail.record("add_node", str(node), actor=actor, now=now, address=address, port=port)
    except IntegrityError as race:
        raise NodeRefused("name", "was added by somebody else this moment.") from race
    return node


def _checked(field: str, value: str) -> str:
    try:
        if field == "address":
            # Not a name: the other nodes are told this address, to let the node in and to know it again.
            return checked_address(value)
        if len(value) > LONGEST_NAME:
            raise NodeRefused(field, f"must have at most {LONGEST_NAME} characters, has {len(value)}.")
        return checked_host_name(value, field=field)
    except BadValue as refusal:
        raise NodeRefused(field, refusal.reason) from refusal


def _refuse_a_second(name: str, address: str, port: int) -> None:
    if Node.objects.filter(name__iexact=name).exists():
        raise NodeRefused("name", f"{name} is the name of another node.")
    twin = Node.objects.filter(address__iexact=address, port=port).first()
    if twin is not None:
        raise NodeRefused("address", f"{address} port {port} is {twin} already.")
