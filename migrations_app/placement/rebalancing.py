"""Bring every node within a level of pressure with the fewest bytes."""

from __future__ import annotations

import numpy as np

from migrations_app.placement import bounds
from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import NOT_PROVEN, blocked_strays
from migrations_app.placement.fleet import ROUNDING, Fleet
from migrations_app.placement.order import destination, legal_order, share_above
from migrations_app.placement.proposal import Blocked, Found
from migrations_app.placement.settling import fits, settle
from migrations_app.placement.shedding import Shed, shed
from migrations_app.placement.standing import Standing

# Without a wish: this even, where it can be had.
USUAL_LEVEL = 0.90
ORDER_SECONDS = 5.0
FOR_SHEDDING = 0.5


def rebalance(fleet: Fleet, level: float | None, budget: Budget, chance: np.random.Generator) -> Found:
    """Propose moves after which no active node is above the level; None: one that is usual, or half the way to it."""
    if level is not None:
        return to_level(fleet, level, budget, chance)
    lowest = bounds.lowest_peak_of_all(fleet)
    for tried in sorted({max(USUAL_LEVEL, lowest), (max(USUAL_LEVEL, lowest) + 1) / 2} - {lowest}):
        found = to_level(fleet, min(tried, 1.0), budget.at_most(budget.left_seconds / 2), chance)
        if not found.blocked:
            return found
    return to_level(fleet, 1.0, budget, chance)


def to_level(fleet: Fleet, level: float, budget: Budget, chance: np.random.Generator) -> Found:
    """Propose the fewest bytes after which no active node is above the level, and no drained one holds anything."""
    chosen = shed(fleet, level, budget.at_most(budget.left_seconds * FOR_SHEDDING))
    leaving = fleet.strays[~fleet.pinned[fleet.strays]]
    strays = np.union1d(np.array(chosen.cts, dtype=np.int64), leaving)
    settled = settle(fleet, strays, level, budget, chance, polish=False)
    least = max(chosen.least_bytes + float(sum(fleet.move_bytes[leaving].tolist())), settled.bytes_bound)
    reachable = fits(settled.standing, level) and not settled.homeless
    where = settled.standing.where if reachable else fleet.home
    order = legal_order(fleet, where, budget.more(ORDER_SECONDS), level)
    reached = destination(fleet, order)
    blocked = [
        *blocked_strays(fleet, reached, fleet.strays, refuted=settled.refuted),
        *_still_above(reached, level, chosen, refuted=settled.refuted),
    ]
    gap = share_above(fleet, order, least)
    return Found(
        goal=f"rebalance:{level:g}",
        where=reached.where,
        steps=order.steps,
        lower_bound={"bytes": least, "peak": bounds.lowest_peak_of_all(fleet)},
        gap=None if blocked else gap,
        optimal=gap <= ROUNDING,
        level=level,
        blocked=blocked,
        notes=[] if order.steps or blocked else [f"Nothing has to move: no node is above {level:.1%} as it is."],
    )


def _still_above(reached: Standing, level: float, chosen: Shed, *, refuted: bool) -> list[Blocked]:
    """Name for each node above the level the container that most would be gained by."""
    fleet = reached.fleet
    pressure = reached.pressure()
    return [
        _block(reached, node, float(pressure[node]), level, proven=refuted or node in chosen.hopeless)
        for node in np.flatnonzero((pressure > level + ROUNDING) & ~fleet.drained).tolist()
    ]


def _block(reached: Standing, node: int, pressure: float, level: float, *, proven: bool) -> Blocked:
    fleet = reached.fleet
    mine = np.flatnonzero(reached.where == node)
    largest = int(mine[(fleet.demand[mine] / fleet.room[node]).max(axis=1).argmax()])
    known = "Proven: no placement brings every node within the level." if proven else NOT_PROVEN
    fixed = int(fleet.pinned[mine].sum())
    why = (
        f"{known} {fleet.node_names[node]} stays at {pressure:.1%}, wanted {level:.1%}; "
        f"{fixed} of its {len(mine)} containers are pinned. Would help: a higher level, another node, or fewer pins."
    )
    return Blocked(ct=largest, why=why, proven=proven)
