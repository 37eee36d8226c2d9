"""Make a name server known to the panel: its name and where it answers."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.models import NameServer
from migrations_app.vz.names import BadValue, checked_address, checked_host_name

HIGHEST_PORT = 65_535


class NameServerNotTaken(Exception):
    """The name server cannot be registered; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def register_name_server(
    *, name: str, address: str, second_address: str = "", port: int = 53, actor: User, now: datetime
) -> NameServer:
    """Register the server under the name that the zones' NS records have for it; nothing is sent to it.

    :raises NameServerNotTaken: nothing was registered.
    """
    name, address = _name(name), _address("address", address)
    second = _address("second_address", second_address) if second_address.strip() else None
    if not 1 <= port <= HIGHEST_PORT:
        raise NameServerNotTaken("port", f"must be 1 to {HIGHEST_PORT}, usually 53.")
    if NameServer.objects.filter(name=name).exists():
        raise NameServerNotTaken("name", f"{name} is registered already.")
    try:
        with transaction.atomic():
            row = NameServer.objects.create(name=name, address=address, second_address=second, port=port)
            trail.record("register_name_server", name, actor=actor, now=now, address=address, port=port)
    except IntegrityError as taken:
        raise NameServerNotTaken("address", f"{address} port {port} is registered under another name.") from taken
    return row


def _name(value: str) -> str:
    try:
        return checked_host_name(value.strip().rstrip("."), field="name")
    except BadValue as refusal:
        raise NameServerNotTaken("name", refusal.reason) from refusal


def _address(field: str, value: str) -> str:
    # Not this machine nor its neighbours on the wire: the panel must not be made to talk to those.
    try:
        return checked_address(value.strip(), field=field)
    except BadValue as refusal:
        raise NameServerNotTaken(field, refusal.reason) from refusal
