"""The outbox: what is to be told is written with the change it tells of, and sent afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from migrations_app.models import Approval, Migration, Notice


def put(migration: Migration, kind: str, *, now: datetime, staff_addresses: Iterable[str]) -> None:
    """Write one notice for each of those concerned, in the transaction of what it tells.

    The same notice for the same person is written once, but for failures: of those each one is told.
    """
    Notice.objects.bulk_create(
        [
            Notice(
                migration=migration,
                kind=kind,
                audience=audience,
                recipient=address,
                created_at=now,
                next_try_at=now,
            )
            for audience, address in _concerned(migration, staff_addresses)
        ],
        ignore_conflicts=True,
    )


def put_approval(approval: Approval, kind: str, addresses: Iterable[str], *, now: datetime) -> None:
    """Write one notice for each address, in the transaction of what it tells; each is told once."""
    Notice.objects.bulk_create(
        [
            Notice(
                approval=approval,
                kind=kind,
                audience=Notice.Audience.STAFF,
                recipient=address,
                created_at=now,
                next_try_at=now,
            )
            for address in _distinct(addresses)
        ],
        ignore_conflicts=True,
    )


def call_off(migration: Migration, *, now: datetime) -> None:
    """Tell everybody who was told of the plan that nothing comes of it."""
    told = migration.notices.filter(kind=Notice.Kind.SCHEDULED).values_list("audience", "recipient")
    Notice.objects.bulk_create(
        Notice(
            migration=migration,
            kind=Notice.Kind.FAILED,
            audience=audience,
            recipient=recipient,
            created_at=now,
            next_try_at=now,
        )
        for audience, recipient in told
    )


def _concerned(migration: Migration, staff_addresses: Iterable[str]) -> list[tuple[str, str]]:
    concerned: list[tuple[str, str]] = [(Notice.Audience.STAFF, address) for address in _distinct(staff_addresses)]
    owner = migration.container.owner
    if owner is not None:
        concerned.append((Notice.Audience.CUSTOMER, owner.email))
    return concerned


def _distinct(addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(address.strip().lower() for address in addresses if address.strip()))
