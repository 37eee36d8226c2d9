"""May a container have these addresses at its new place? What the rows can tell; the nodes are asked later."""

from __future__ import annotations

from collections.abc import Iterable

from migrations_app.models import Container, Migration
from migrations_app.vz import names

Reasons = list[tuple[str, str]]
FIELD = "new_addresses"


def objections(migration: Migration) -> Reasons:
    """Return why these addresses or this host name cannot be given, each with its field."""
    reasons: Reasons = []
    if migration.new_hostname:
        reasons += _of_hostname(migration.new_hostname)
    if not migration.new_addresses:
        return reasons
    if migration.method == Migration.Method.LIVE:
        reasons.append(("method", "A live move keeps the address: choose stream, dump or auto."))
    if len(migration.new_addresses) != len(migration.old_addresses):
        have, given = len(migration.old_addresses), len(migration.new_addresses)
        reasons.append((FIELD, f"It has {have} addresses; give as many new ones, not {given}."))
    for address in migration.new_addresses:
        reasons += _of_address(address, migration)
    if len(set(migration.new_addresses)) != len(migration.new_addresses):
        reasons.append((FIELD, "The same address is given twice."))
    return reasons


def _of_hostname(hostname: str) -> Reasons:
    try:
        names.checked_host_name(hostname)
    except names.BadValue as refusal:
        return [("new_hostname", f"{refusal}.")]
    return []


def _of_address(address: str, migration: Migration) -> Reasons:
    try:
        plain = names.checked_address(address)
    except names.BadValue as refusal:
        return [(FIELD, f"{refusal}.")]
    if plain != address:
        return [(FIELD, f"Write {plain} for {address[:45]}.")]
    return [(FIELD, sentence) for sentence in (*_users(address, migration), *_family(address, migration))]


def _users(address: str, migration: Migration) -> Iterable[str]:
    # JSON lists are compared here: SQLite cannot look inside them.
    here = Container.objects.filter(gone_at=None).exclude(pk=migration.container_id)
    for ctid, addresses in here.values_list("ctid", "addresses").iterator():
        if address in addresses:
            yield f"{address} is in use by container {ctid}."
    if address in migration.old_addresses:
        yield f"{address} is what it has already."
    others = Migration.objects.acting().exclude(container=migration.container_id)
    for number, wanted, kept in others.values_list("pk", "new_addresses", "old_addresses"):
        if address in (*wanted, *kept):
            yield f"{address} is spoken for by migration {number}."


def _family(address: str, migration: Migration) -> Iterable[str]:
    place = migration.new_addresses.index(address)
    if place < len(migration.old_addresses) and (":" in address) != (":" in migration.old_addresses[place]):
        yield f"{address} is to replace {migration.old_addresses[place]}, which is of the other family."
