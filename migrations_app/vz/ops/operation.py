"""What an operation is: a name, checked arguments, sometimes a payload."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names

LARGEST_PAYLOAD_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Operation(ABC):
    name: ClassVar[str]

    def __post_init__(self) -> None:
        # Spelling it checks every argument: an operation that cannot be sent does not come into being.
        _ = self.words

    @property
    def arguments(self) -> tuple[str, ...]:
        return ()

    @property
    def words(self) -> tuple[str, ...]:
        return (self.name, *self.arguments)

    @property
    def stdin(self) -> bytes:
        return b""


class Op(Operation):
    """A short change: the node answers within half a minute."""


class JobOp(Operation):
    """Long work: runs detached under a key that is fixed before it starts."""


@dataclass(frozen=True, kw_only=True)
class ForMigration(Operation):
    migration_id: int

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_migration(self.migration_id),)


@dataclass(frozen=True, kw_only=True)
class ForAddresses(Operation):
    addresses: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        return _addresses(self.addresses)


@dataclass(frozen=True, kw_only=True)
class Rehearsal(ForMigration):
    rehearsal_ctid: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, names.checked_ctid(self.rehearsal_ctid))


def _addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(addresses) <= 32:
        raise names.BadValue("addresses", addresses, "must be 1 to 32")
    return tuple(names.checked_address(address) for address in addresses)
