"""Can a container keep its addresses on another node, and which would it get there?"""

from __future__ import annotations

from collections.abc import Container as Holding
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from migrations_app.addresses.chart import Chart, PoolShape
from migrations_app.addresses.spans import as_addresses
from migrations_app.models import Node
from migrations_app.vz.names import Address

Keeping = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What becomes of a container's addresses on one node; ``proposed`` has "" where no pool has a free one."""

    keeping: Keeping
    why: str = ""
    proposed: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return bool(self.proposed) and all(self.proposed)


def outlook(chart: Chart, addresses: Sequence[str], source: Node, target: Node, taken: Holding[Address]) -> Outlook:
    reasons = why_not_kept(chart, addresses, source, target)
    if not reasons:
        known = [chart.holding(one) is not None for one in as_addresses(addresses)]
        return Outlook(keeping="yes" if known and all(known) else "unknown")
    return Outlook(keeping="no", why=reasons[0], proposed=propose(chart, addresses, target, taken))


def why_not_kept(chart: Chart, addresses: Sequence[str], source: Node, target: Node) -> list[str]:
    """Return what stands against keeping each address; of what is registered nowhere nothing can be said."""
    return [
        reason for one in as_addresses(addresses) if (reason := _why_not_kept(chart, one, source, target)) is not None
    ]


def _why_not_kept(chart: Chart, address: Address, source: Node, target: Node) -> str | None:
    segment = chart.holding(address)
    if segment is None:
        here, there = chart.at(source.pk), chart.at(target.pk)
        if not here or not there or set(here) & set(there):
            return None
        return f"{address} cannot be kept: {source} and {target} share no segment."
    missing = [str(node) for node in (source, target) if node.pk not in segment.node_ids]
    if not missing:
        return None
    return f"{address} cannot be kept: it is of segment {segment.name}, and {' and '.join(missing)} is not on it."


def propose(chart: Chart, addresses: Sequence[str], target: Node, taken: Holding[Address]) -> tuple[str, ...]:
    """Return for each address the next free one of its family there, no two the same; "" where there is none."""
    pools, mine = chart.pools_for(target.pk), set[Address]()
    found: list[str] = []
    for text in addresses:
        chosen = _next(pools, 6 if ":" in text else 4, taken, mine)
        mine |= {chosen} if chosen is not None else set()
        found.append(str(chosen or ""))
    return tuple(found)


def _next(pools: Sequence[PoolShape], version: int, taken: Holding[Address], mine: set[Address]) -> Address | None:
    for pool in pools:
        if pool.span.first.version == version and (free := lowest_free(pool, taken, mine)) is not None:
            return free
    return None


def lowest_free(pool: PoolShape, taken: Holding[Address], mine: Holding[Address] = ()) -> Address | None:
    """Return the lowest that nobody has: as many looks as there are addresses in use, however large the pool."""
    one, last = int(pool.span.first), int(pool.span.last)
    kind = type(pool.span.first)
    while one <= last:
        address = kind(one)
        if address not in taken and address not in pool.left_out and address not in mine:
            return address
        one += 1
    return None
