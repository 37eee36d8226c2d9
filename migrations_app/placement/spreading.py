"""Spread best: the lowest level that can be had, whoever has to move for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from migrations_app.placement import bounds
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import ROUNDING, Fleet
from migrations_app.placement.proposal import Found
from migrations_app.placement.rebalancing import to_level
from migrations_app.placement.standing import Standing

# Emptying nodes, others may move as many bytes as the strays have, for a better spread.
WORTH = 2.0
# The search ends where it would be about less than this.
NARROW = 0.002
TRIES = 6
FOR_FIRST = 0.4
NOT_SO_LOW = "The level wished for was not found; this is the lowest that was."


def spread_best(
    fleet: Fleet, first: Callable[[Budget], Found], budget: Budget, chance: np.random.Generator, most_bytes: float
) -> Found:
    """Return the plan with the lowest peak that moves no more bytes than that; if there is none, the first."""
    known = first(budget.at_most(budget.left_seconds * FOR_FIRST))
    if any(fleet.drained[fleet.home[one.ct]] for one in known.blocked):
        return known
    lowest = bounds.lowest_peak_of_all(fleet)
    low, high = lowest, _peak(fleet, known)
    for tries_left in range(TRIES, 0, -1):
        if high - low <= NARROW or budget.spent:
            break
        level = low + (high - low) * (0.1 if tries_left == TRIES else 0.5)
        found = to_level(fleet, min(level, 1.0), budget.strictly(budget.left_seconds / tries_left), chance)
        if found.blocked or _bytes(fleet, found) > most_bytes:
            low = level
            continue
        notes = [NOT_SO_LOW] if known.blocked else known.notes
        known, high = replace(found, goal=known.goal, notes=notes), _peak(fleet, found)
    return judged_by_peak(fleet, known)


def judged_by_peak(fleet: Fleet, found: Found) -> Found:
    """Measure a plan by the highest pressure of all nodes that stay, which is what was wanted."""
    lowest = bounds.lowest_peak_of_all(fleet)
    lower = {name: value for name, value in found.lower_bound.items() if name == "bytes"} | {"peak": lowest}
    if found.gap is None:
        return replace(found, lower_bound=lower)
    gap = _peak(fleet, found) / lowest - 1 if lowest else 0.0
    return replace(found, lower_bound=lower, gap=gap, peak_gap=gap, optimal=gap <= ROUNDING)


def _peak(fleet: Fleet, found: Found) -> float:
    return float(Standing.of(fleet, found.where).pressure()[fleet.active].max(initial=0.0))


def _bytes(fleet: Fleet, found: Found) -> float:
    return float(sum(int(fleet.move_bytes[step.ct]) for step in found.steps))
