"""From a fleet and a wish to a proposal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from migrations_app.placement import proposal, solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import evacuate
from migrations_app.placement.filling import fill
from migrations_app.placement.fleet import Fleet
from migrations_app.placement.goals import Goal, read_goal
from migrations_app.placement.placing import place
from migrations_app.placement.proposal import Found
from migrations_app.placement.rebalancing import rebalance

# Seconds of search by the number of containers: what a person at a terminal waits for without wondering.
PATIENCE = ((10_000, 3.6), (50_000, 6.0))
LONG_PATIENCE_SECONDS = 14.0


def plan(
    *,
    fleet: Fleet,
    goal: str | None,
    seconds: float | None,
    clock: Callable[[], float],
    began: float,
    chance: np.random.Generator,
) -> dict[str, Any]:
    """Search, and return the proposal.

    :param seconds: how long to search; None: by the size of the fleet.
    :param began: when the clock said that somebody began to wait.
    :raises FleetUnreadable: the fleet cannot be planned with.
    :raises GoalRefused: the wish cannot be understood.
    """
    wish, fleet = read_goal(goal, fleet)
    budget = Budget(clock=clock, until=clock() + (seconds or _patience(fleet)))
    found = _search(wish, fleet, budget, chance)
    if not solver.is_installed():
        found = replace(found, notes=[*found.notes, solver.NOT_INSTALLED])
    return proposal.write(fleet, found, clock() - began)


def _patience(fleet: Fleet) -> float:
    return next((seconds for most, seconds in PATIENCE if len(fleet.names) <= most), LONG_PATIENCE_SECONDS)


def _search(goal: Goal, fleet: Fleet, budget: Budget, chance: np.random.Generator) -> Found:
    if goal.kind == "rebalance":
        return rebalance(fleet, goal.level, budget, chance)
    if goal.kind == "fill":
        return fill(fleet, budget)
    if goal.ct is not None:
        return place(fleet, goal.ct, budget, chance)
    return evacuate(fleet, fleet.strays, budget, chance)
