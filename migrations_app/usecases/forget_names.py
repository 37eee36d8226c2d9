"""Let the panel forget a zone, a name server, or a key; nothing is changed on any server."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from migrations_app.audit import trail
from migrations_app.models import NameServer, UpdateKey, Zone


class StillInUse(Exception):
    """Something else hangs on what should be forgotten."""


def forget_names(*, row: Zone | NameServer | UpdateKey, actor: User, now: datetime) -> None:
    """Forget the row.

    :raises StillInUse: zones need it, or publications tell of it.
    """
    kind, name = row._meta.verbose_name, str(row)
    if isinstance(row, NameServer) and row.followed_zones.exists():
        raise StillInUse(f"{name} is a secondary of {row.followed_zones.first()}; change that zone first.")
    try:
        with transaction.atomic():
            row.delete()
            trail.record("forget_names", name, actor=actor, now=now, kind=str(kind))
    except ProtectedError as needed:
        users = ", ".join(sorted(str(one) for one in needed.protected_objects)[:3])
        raise StillInUse(f"{name} is needed by {users}; nothing was forgotten.") from needed
