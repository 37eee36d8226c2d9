"""Who has which address, as far as the rows can tell; the nodes and the wire are asked before a move begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Q

from migrations_app.addresses.spans import as_addresses
from migrations_app.models import Container, Migration, NameServer, Node, Reservation
from migrations_app.vz.names import Address


@dataclass(frozen=True)
class User:
    """Who has an address; ``words`` follow "ADDRESS is"."""

    words: str
    is_promise: bool = False


Users = Mapping[Address, User]


def users(*, besides: Container | None = None) -> Users:
    """Return everybody in four queries; ``besides``: a container whose own addresses do not count."""
    found: dict[Address, User] = {}
    # The later ones say it better: what is in use comes after what is promised.
    for address, user in (*_kept(besides), *_reserved(besides), *_moving(besides), *_machines(), *_containers(besides)):
        found[address] = user
    return found


def _containers(besides: Container | None) -> Iterable[tuple[Address, User]]:
    # JSON lists are compared here: SQLite cannot look inside them.
    here = Container.objects.filter(gone_at=None)
    here = here.exclude(pk=besides.pk) if besides else here
    for ctid, addresses in here.values_list("ctid", "addresses").iterator():
        user = User(f"in use by container {ctid}")
        yield from ((address, user) for address in as_addresses(addresses))


def _machines() -> Iterable[tuple[Address, User]]:
    for name, address in Node.objects.values_list("name", "address"):
        yield from ((one, User(f"the address of {name}")) for one in as_addresses([address]))
    for server in NameServer.objects.all():
        addresses = [server.address, server.second_address or ""]
        yield from ((one, User(f"the address of {server.name}")) for one in as_addresses(addresses))


def _moving(besides: Container | None) -> Iterable[tuple[Address, User]]:
    rows = Migration.objects.acting().exclude(container=besides)
    for number, wanted, old in rows.values_list("pk", "new_addresses", "old_addresses"):
        user = User(f"spoken for by migration {number}", is_promise=True)
        yield from ((address, user) for address in as_addresses([*wanted, *old]))


def _kept(besides: Container | None) -> Iterable[tuple[Address, User]]:
    """The old copy of a container that got another address may be wanted back, and callers forget slowly."""
    rows = Migration.objects.filter(Q(state=Migration.State.DONE, retired_at=None)).exclude(container=besides)
    for ctid, old in rows.exclude(old_addresses=[]).values_list("ctid", "old_addresses"):
        user = User(f"kept for the way back of container {ctid}", is_promise=True)
        yield from ((address, user) for address in as_addresses(old))


def _reserved(besides: Container | None) -> Iterable[tuple[Address, User]]:
    rows = Reservation.objects.open().exclude(container=besides)
    for address, ctid in rows.values_list("address", "container__ctid"):
        yield from ((one, User(f"reserved for container {ctid}", is_promise=True)) for one in as_addresses([address]))
