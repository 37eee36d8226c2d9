"""How full the pools are, counted without walking through them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from migrations_app.addresses.chart import PoolShape
from migrations_app.addresses.spans import Span
from migrations_app.addresses.taken import Users

VERSIONS = (4, 6)


@dataclass(frozen=True, kw_only=True)
class Fill:
    """Addresses of a pool by what became of them; what is left out and in use is in use."""

    size: int
    used: int
    reserved: int
    left_out: int

    @property
    def free(self) -> int:
        return self.size - self.used - self.reserved - self.left_out

    @property
    def percent(self) -> int:
        """How much of what it may give is gone; anything at all shows as one."""
        gone, givable = self.used + self.reserved, self.size - self.left_out
        if givable <= 0:
            return 100
        return max(gone * 100 // givable, 1 if gone else 0)


class Count:
    """All addresses that somebody has, in order: each pool is then two look-ups."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._used = self._sorted(is_promise=False)
        self._promised = self._sorted(is_promise=True)

    def fill_of(self, pool: PoolShape) -> Fill:
        return Fill(
            size=pool.span.size,
            used=_within(self._used, pool.span),
            reserved=_within(self._promised, pool.span),
            left_out=sum(address not in self._users for address in pool.left_out),
        )

    def _sorted(self, *, is_promise: bool) -> Mapping[int, list[int]]:
        mine = [address for address, user in self._users.items() if user.is_promise == is_promise]
        return {version: sorted(int(one) for one in mine if one.version == version) for version in VERSIONS}


def _within(by_version: Mapping[int, list[int]], span: Span) -> int:
    numbers = by_version[span.first.version]
    return bisect_right(numbers, int(span.last)) - bisect_left(numbers, int(span.first))
