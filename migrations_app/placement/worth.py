"""Whether a plan is worth its moves; what must move moves anyway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, Fleet, Ints
from migrations_app.placement.proposal import Found
from migrations_app.placement.standing import Standing


def unless_not_worth_it(
    fleet: Fleet, found: Found, margin: float, only_strays: Callable[[Budget], Found], budget: Budget
) -> Found:
    """Return the plan, or one in which only the strays move where a rebalance or a fill gains less than the margin."""
    if not margin or not found.steps or not found.goal.startswith(("rebalance", "fill")):
        return found
    gain, words = _gain(fleet, found)
    if gain >= margin:
        return found
    plain = only_strays(budget)
    note = f"Only what must move does: {words}, which is less than the margin of {margin:.1%}."
    if not plain.steps:
        note = f"Nothing moves: {words}, which is less than the margin of {margin:.1%}."
    return replace(plain, goal=found.goal, gap=None, notes=[note])


def _gain(fleet: Fleet, found: Found) -> tuple[float, str]:
    if found.goal == "fill":
        before, after = _in_use(fleet.home), _in_use(found.where)
        return (before - after) / before, f"{before - after} of {before} nodes would become empty"
    before_peak, after_peak = _peak(fleet, fleet.home), _peak(fleet, found.where)
    words = f"the highest pressure would go from {before_peak:.1%} to {after_peak:.1%}"
    return before_peak - after_peak, words


def _in_use(where: Ints) -> int:
    return len(np.unique(where[where != NOWHERE]))


def _peak(fleet: Fleet, where: Ints) -> float:
    return float(Standing.of(fleet, where).pressure()[fleet.active].max(initial=0.0))
