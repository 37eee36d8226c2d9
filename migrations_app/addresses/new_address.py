"""May a container have these addresses at its new place? What the rows can tell; the nodes are asked later."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from migrations_app.addresses import reach, taken
from migrations_app.addresses.chart import Chart, read_chart
from migrations_app.addresses.handing_out import AUTO
from migrations_app.addresses.spans import never_given
from migrations_app.addresses.taken import Users
from migrations_app.models import Migration
from migrations_app.vz import names

Reasons = list[tuple[str, str]]
FIELD = "new_addresses"


def objections(migration: Migration) -> Reasons:
    """Return why these addresses or this host name cannot be given, each with its field."""
    reasons: Reasons = []
    if migration.new_hostname:
        reasons += _of_hostname(migration.new_hostname)
        if migration.method == Migration.Method.LIVE and not migration.new_addresses:
            reasons.append(("method", "A live move keeps the host name: choose stream, dump or auto."))
    drawn = read_chart()
    if not migration.new_addresses:
        return [*reasons, *_of_keeping(drawn, migration)]
    if migration.method == Migration.Method.LIVE:
        reasons.append(("method", "A live move keeps the address: choose stream, dump or auto."))
    if len(migration.new_addresses) != len(migration.old_addresses):
        have, given = len(migration.old_addresses), len(migration.new_addresses)
        reasons.append((FIELD, f"It has {have} addresses; give as many new ones, not {given}."))
    typed = [address for address in migration.new_addresses if address != AUTO]
    users = taken.users(besides=migration.container)
    for address in typed:
        reasons += _of_address(address, migration, drawn, users)
    if len(set(typed)) != len(typed):
        reasons.append((FIELD, "The same address is given twice."))
    return reasons


def _of_keeping(drawn: Chart, migration: Migration) -> Reasons:
    """Segments are a person's word about wires: where they say that nobody would hear it there, it is not tried."""
    source, target = migration.source, migration.target
    reasons = reach.why_not_kept(drawn, migration.container.addresses, source, target)
    way_out = f'Give new ones ("{AUTO}" takes the next free), or put the node on the segment if it is on that wire.'
    return [(FIELD, f"{' '.join(reasons)} {way_out}")] if reasons else []


def _of_hostname(hostname: str) -> Reasons:
    try:
        names.checked_host_name(hostname)
    except names.BadValue as refusal:
        return [("new_hostname", f"{refusal}.")]
    return []


def _of_address(address: str, migration: Migration, drawn: Chart, users: Users) -> Reasons:
    try:
        plain = names.checked_address(address)
    except names.BadValue as refusal:
        return [(FIELD, f"{refusal}.")]
    if plain != address:
        return [(FIELD, f"Write {plain} for {address[:45]}.")]
    said = (*_users(address, migration, users), *_place(address, migration, drawn), *_family(address, migration))
    return [(FIELD, sentence) for sentence in said]


def _users(address: str, migration: Migration, users: Users) -> Iterable[str]:
    if (user := users.get(ipaddress.ip_address(address))) is not None:
        yield f"{address} is {user.words}."
    if address in migration.old_addresses:
        yield f"{address} is what it has already."


def _place(address: str, migration: Migration, drawn: Chart) -> Iterable[str]:
    one, target = ipaddress.ip_address(address), migration.target
    segment = drawn.holding(one)
    if segment is None:
        return
    if target.pk not in segment.node_ids:
        yield f"{address} is of segment {segment.name}, and {target} is not on it."
    if one in never_given(segment.networks) or any(one in pool.left_out for pool in segment.pools):
        yield f"{address} is left out of what segment {segment.name} gives: a gateway, a network's own, or the like."


def _family(address: str, migration: Migration) -> Iterable[str]:
    place = migration.new_addresses.index(address)
    if place < len(migration.old_addresses) and (":" in address) != (":" in migration.old_addresses[place]):
        yield f"{address} is to replace {migration.old_addresses[place]}, which is of the other family."
