"""Addresses, bridges, and whether one node reaches the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names
from migrations_app.vz.facts.fact import TIMED_OUT, Answer, Checked, Fact, key_values, lines, number, succeeded

MOST_CALLERS = 50

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Veip(Fact[Mapping[str, str]]):
    """Container id by address, as this node's kernel routes them."""

    name: ClassVar[str] = "veip"

    def _understand(self, answer: Answer) -> Mapping[str, str]:
        rows = (line.split() for line in lines(succeeded(answer)) if not line.startswith("Version"))
        owners = ((names.readable_addresses(row[:1]), names.clean_line(row[1], limit=36)) for row in rows)
        return {address: ctid for addresses, ctid in owners for address in addresses}


@dataclass(frozen=True)
class SshTo(Fact[Checked]):
    """Whether this node can log in at the other one with a migration's own key and pinned host key."""

    address: str
    migration_id: int

    name: ClassVar[str] = "ssh_to"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_address(self.address), names.checked_migration(self.migration_id))

    def read(self, answer: Answer) -> Checked:
        if answer.exit_code == TIMED_OUT:
            return Checked(ok=False, reason="no answer in time")
        return super().read(answer)

    def _understand(self, answer: Answer) -> Checked:
        return Checked.of(answer)


@dataclass(frozen=True)
class ArpOwner(Fact[tuple[str, ...]]):
    """Hardware addresses that answer for an address, empty when nobody does."""

    address: str

    name: ClassVar[str] = "arp_owner"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_address(self.address),)

    def _understand(self, answer: Answer) -> tuple[str, ...]:
        return hardware_addresses(succeeded(answer))


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """How an old address is passed on; counted since the rules were made, callers newest first."""

    wished: bool
    in_force: bool = False
    migration_id: int | None = None
    kind: str = ""
    new_connections: int = 0
    packets: int = 0  # of connections that are open, too; none from a gate that does not count them
    callers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForwardState(Fact[Forwarding]):
    """Whether this node passes an old address on, and who still comes there."""

    address: str

    name: ClassVar[str] = "forward_state"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_address(self.address),)

    def _understand(self, answer: Answer) -> Forwarding:
        told = lines(succeeded(answer))
        said = key_values("\n".join(told))
        if said["wished"] != "yes":
            return Forwarding(wished=False)
        callers = names.readable_addresses(line.removeprefix("from=") for line in told if line.startswith("from="))
        return Forwarding(
            wished=True,
            in_force=said["in_force"] == "yes",
            migration_id=number(said["migration"]),
            kind=names.clean_line(said["kind"], limit=10),
            new_connections=number(said.get("new_connections", "0")),
            packets=number(said.get("packets", "0")),
            callers=tuple(callers)[:MOST_CALLERS],
        )


@dataclass(frozen=True)
class Macs(Fact[tuple[str, ...]]):
    """This node's own hardware addresses."""

    name: ClassVar[str] = "macs"

    def _understand(self, answer: Answer) -> tuple[str, ...]:
        return hardware_addresses(succeeded(answer))


@dataclass(frozen=True)
class Bridges(Fact[frozenset[str]]):
    """Names of the node's bridges."""

    name: ClassVar[str] = "bridges"

    def _understand(self, answer: Answer) -> frozenset[str]:
        return frozenset(names.clean_line(line.split()[0], limit=20) for line in lines(succeeded(answer)))


def hardware_addresses(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mac.lower() for mac in _MAC.findall(text)))[:200]
