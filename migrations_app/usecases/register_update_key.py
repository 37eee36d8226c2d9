"""Take in a TSIG key; its secret is sealed at once and never shown again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.basics import cipher
from migrations_app.models import UpdateKey
from migrations_app.zones.names import BadName, checked_name, without_dot
from migrations_app.zones.shelf import seal_context

SHORTEST_SECRET, LONGEST_SECRET = 16, 512


class UpdateKeyNotTaken(Exception):
    """The key cannot be taken in; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def register_update_key(
    *, name: str, algorithm: str, secret: str, actor: User, now: datetime, settings: Mapping[str, Any]
) -> UpdateKey:
    """Keep the key under its name; a key of that name gets the new secret, which is how secrets are changed.

    :raises UpdateKeyNotTaken: nothing was kept.
    """
    name, secret = _name(name), _secret(secret)
    if algorithm not in UpdateKey.ALGORITHMS:
        raise UpdateKeyNotTaken("algorithm", f"must be one of {', '.join(UpdateKey.ALGORITHMS)}.")
    sealed = cipher.seal(secret, keys=settings["secret_keys"], context=seal_context(name))
    values = {"algorithm": algorithm, "sealed_secret": sealed}
    try:
        with transaction.atomic():
            row, made = UpdateKey.objects.update_or_create(name=name, defaults=values)
            trail.record("register_update_key", name, actor=actor, now=now, algorithm=algorithm, replaced=not made)
    except IntegrityError as race:
        raise UpdateKeyNotTaken("name", "was taken in by somebody else this moment.") from race
    return row


def _name(value: str) -> str:
    try:
        return without_dot(checked_name(value))
    except BadName as refusal:
        raise UpdateKeyNotTaken("name", refusal.reason) from refusal


def _secret(value: str) -> str:
    text = "".join(value.split())
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as refusal:
        raise UpdateKeyNotTaken("secret", "must be base64, as tsig-keygen prints it.") from refusal
    if not SHORTEST_SECRET <= len(raw) <= LONGEST_SECRET:
        bounds = f"{SHORTEST_SECRET} to {LONGEST_SECRET}"
        raise UpdateKeyNotTaken("secret", f"must hold {bounds} octets, holds {len(raw)}.")
    return text
