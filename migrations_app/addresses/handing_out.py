"""Promise addresses to a move, and take the promise back; whoever calls has opened the transaction."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from django.db import IntegrityError, transaction

from migrations_app.addresses import chart, reach, taken
from migrations_app.models import Migration, Reservation

AUTO = "auto"


class AddressInUse(Exception):
    """Somebody else has the address, or was promised it this moment."""


class PoolUsedUp(Exception):
    """No pool of the target node has a free address of the family that is needed."""


def spelt_out(words: list[str], count: int) -> list[str]:
    """Return one word for each address of the container: a single ``auto`` stands for all of them."""
    return [AUTO] * count if words == [AUTO] else words


def choose(migration: Migration) -> None:
    """Put the next free address of the target's pools where ``auto`` stands; two at once never get the same.

    :raises PoolUsedUp: with what to do.
    """
    if not migration.new_addresses:
        return
    drawn = chart.read_chart()
    chart.locked(drawn.pools_for(migration.target_id))
    if AUTO not in migration.new_addresses:
        return
    given = {ipaddress.ip_address(one) for one in migration.new_addresses if one != AUTO}
    proposed = reach.propose(drawn, migration.old_addresses, migration.target, taken.users().keys() | given)
    pairs = zip(migration.new_addresses, proposed, strict=True)
    migration.new_addresses = [free if word == AUTO else word for word, free in pairs]
    if "" in migration.new_addresses:
        old = migration.old_addresses[migration.new_addresses.index("")]
        family = "IPv6" if ":" in old else "IPv4"
        raise PoolUsedUp(
            f"No pool of {migration.target} has a free {family} address to take the place of {old}: "
            "add a pool on the page Segments, or write an address."
        )


def reserve(migration: Migration, now: datetime) -> None:
    """Promise the new addresses to this migration alone.

    :raises AddressInUse: another was faster.
    """
    # Of an earlier move of the same container nothing is waited for any more.
    earlier = Reservation.objects.open().filter(container=migration.container_id)
    earlier.update(released_at=now)
    # In one order, so that two who want the same pair do not wait for each other.
    for address in sorted(migration.new_addresses, key=lambda one: (":" in one, int(ipaddress.ip_address(one)))):
        try:
            with transaction.atomic():
                Reservation.objects.create(
                    address=address, container_id=migration.container_id, migration=migration, reserved_at=now
                )
        except IntegrityError as cause:
            raise AddressInUse(f"{address} was given to another container this moment: take another one.") from cause


def settle(now: datetime) -> None:
    """Close what is kept no longer: the inventory shows the address at its container, or the container is gone."""
    ended = Reservation.objects.open().exclude(migration__in=Migration.objects.acting())
    for row in ended.select_related("container"):
        if row.container.gone_at is not None or row.address in row.container.addresses:
            Reservation.objects.filter(pk=row.pk).update(released_at=now)
