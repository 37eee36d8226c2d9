"""Who must not share a node with whom, as one group for each container."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from migrations_app.capacity.demand import ContainerRow
from migrations_app.placement.fleet import NOWHERE


def groups_of(rows: Sequence[ContainerRow], home: Sequence[int]) -> list[str]:
    """Return the group of each container, empty for none.

    Two of one number cannot live on one node either. Where two of a group share a node already, the second is counted
    as of a second group: the rule is kept as far as it can be, and they need not be parted for other wishes.
    """
    numbers = Counter(row.ctid for row in rows)
    seats: dict[tuple[str, int], int] = defaultdict(int)
    found = []
    for row, node in zip(rows, home, strict=True):
        group = row.apart_group or (f"number {row.ctid}" if numbers[row.ctid] > 1 else "")
        if group and node != NOWHERE:
            seats[group, node] += 1
            if seats[group, node] > 1:
                group = f"{group} ({seats[group, node]})"
        found.append(group)
    return found
