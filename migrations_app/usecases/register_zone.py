"""Make a zone known to the panel, or change what is known: who serves it, and with which key it is changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.models import NameServer, UpdateKey, Zone
from migrations_app.zones.names import BadName, checked_name, is_within, without_dot

MOST_NAMES = 300


class ZoneNotTaken(Exception):
    """The zone cannot be registered so; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def register_zone(
    *,
    name: str,
    provider: str,
    primary: NameServer,
    secondaries: Sequence[NameServer] = (),
    key: UpdateKey | None = None,
    more_names: Iterable[str] = (),
    zone: Zone | None = None,
    actor: User,
    now: datetime,
) -> Zone:
    """Register the zone, or give ``zone`` these values; it is read within seconds.

    :raises ZoneNotTaken: nothing was changed.
    """
    origin = _origin(name)
    _check(provider, primary, secondaries, key)
    values: dict[str, Any] = {"name": without_dot(origin), "provider": provider, "primary": primary, "key": key}
    values |= {"more_names": _names(more_names, origin), "next_read_at": now, "is_whole": True, "read_at": None}
    try:
        with transaction.atomic():
            row = _kept(zone, values)
            row.secondaries.set(secondaries)
            told = {"primary": str(primary), "secondaries": [str(one) for one in secondaries], "key": str(key or "")}
            verb = "change_zone" if zone else "register_zone"
            trail.record(verb, str(row), actor=actor, now=now, provider=provider, **told)
    except IntegrityError as taken:
        raise ZoneNotTaken("name", f"{without_dot(origin)} is registered already.") from taken
    return row


def _kept(zone: Zone | None, values: dict[str, Any]) -> Zone:
    if zone is None:
        return Zone.objects.create(**values)
    Zone.objects.filter(pk=zone.pk).update(**values)
    return Zone.objects.get(pk=zone.pk)


def _check(provider: str, primary: NameServer, secondaries: Sequence[NameServer], key: UpdateKey | None) -> None:
    if provider not in Zone.Provider.values:
        raise ZoneNotTaken("provider", "is not one of those offered.")
    if provider == Zone.Provider.RFC2136 and key is None:
        raise ZoneNotTaken("key", "is needed where the panel updates the zone: without one anybody could.")
    if primary in secondaries:
        raise ZoneNotTaken("secondaries", f"{primary} is the primary already.")


def _origin(value: str) -> str:
    try:
        origin = checked_name(value)
    except BadName as refusal:
        raise ZoneNotTaken("name", refusal.reason) from refusal
    if origin.startswith("*") or origin.count(".") < 2:
        raise ZoneNotTaken("name", "must be a zone below a top level, such as example.net.")
    return origin


def _names(words: Iterable[str], origin: str) -> list[str]:
    found = []
    for word in words:
        try:
            name = checked_name(word)
        except BadName as refusal:
            raise ZoneNotTaken("more_names", str(refusal)) from refusal
        if not is_within(name, origin):
            raise ZoneNotTaken("more_names", f"{without_dot(name)} is not in {without_dot(origin)}.")
        found.append(without_dot(name))
    if len(found) > MOST_NAMES:
        raise ZoneNotTaken("more_names", f"are {len(found)}, at most {MOST_NAMES} are asked for.")
    return list(dict.fromkeys(found))
