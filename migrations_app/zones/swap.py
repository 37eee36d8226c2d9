"""What a difference is asked for: this address becomes that one."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from migrations_app.vz.names import BadValue, checked_address
from migrations_app.zones.names import Address


class SwapRefused(Exception):
    """The addresses make no sense together; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Swap:
    """The old address, and the new one of the same family; None: nothing takes its place."""

    old: Address
    new: Address | None

    @property
    def words(self) -> str:
        return f"{self.old} becomes {self.new}" if self.new else f"{self.old} goes away"


def checked_swaps(pairs: Sequence[tuple[str, str]]) -> tuple[Swap, ...]:
    """Return the swaps for pairs of texts, an empty new one meaning that the address goes away.

    :raises SwapRefused: two families in a pair, old and new the same, or an address twice.
    """
    swaps = tuple(Swap(old=_read("old", old), new=_read("new", new) if new else None) for old, new in pairs)
    if not swaps:
        raise SwapRefused("old", "say which address is to change.")
    for swap in swaps:
        _check_pair(swap)
    olds, news = [swap.old for swap in swaps], [swap.new for swap in swaps if swap.new]
    if len(set(olds)) < len(olds):
        raise SwapRefused("old", "the same address stands there twice.")
    if len({*olds, *news}) < len(olds) + len(news):
        raise SwapRefused("new", "an address cannot be old and new, nor take the place of two.")
    return swaps


def _check_pair(swap: Swap) -> None:
    if swap.new is not None and swap.new.version != swap.old.version:
        raise SwapRefused(
            "new", f"{swap.new} and {swap.old} are of two families; IPv4 follows IPv4, IPv6 follows IPv6."
        )


def _read(field: str, text: str) -> Address:
    try:
        return ipaddress.ip_address(checked_address(text.strip(), field=field))
    except BadValue as refusal:
        raise SwapRefused(field, refusal.reason) from refusal
