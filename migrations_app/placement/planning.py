"""From a fleet and a wish to a proposal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from migrations_app.placement import proposal, solver, tastes
from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import evacuate
from migrations_app.placement.filling import fill
from migrations_app.placement.fleet import Fleet
from migrations_app.placement.goals import Goal, read_goal
from migrations_app.placement.placing import place
from migrations_app.placement.proposal import Found
from migrations_app.placement.rebalancing import rebalance
from migrations_app.placement.spreading import WORTH, judged_by_peak, spread_best
from migrations_app.placement.survival import survive
from migrations_app.placement.tastes import BEST_SPREAD, CHEAPEST, FEWEST_MOVES, Preferences
from migrations_app.placement.worth import unless_not_worth_it

# Seconds from the first wait to the last search by the number of containers: what a person at a terminal waits for
# without wondering.
PATIENCE = ((10_000, 4.3), (50_000, 7.5))
LONG_PATIENCE_SECONDS = 16.0
FOR_SURVIVAL = 0.5


def plan(
    *,
    fleet: Fleet,
    goal: str | None,
    seconds: float | None,
    clock: Callable[[], float],
    began: float,
    chance: np.random.Generator,
    taste: str = CHEAPEST,
    survives_a_loss: bool = False,
    margin: float = 0.0,
) -> dict[str, Any]:
    """Search, and return the proposal.

    :param seconds: how long to search; None: by the size of the fleet, and since somebody began to wait.
    :param began: when the clock said that somebody began to wait.
    :param survives_a_loss: propose nothing after which the containers of some one node would find no room elsewhere.
    :param margin: what need not move only moves if things get better by so much.
    :raises FleetUnreadable: the fleet cannot be planned with.
    :raises GoalRefused: the wish cannot be understood.
    """
    preferences = Preferences(taste=taste, survives_a_loss=survives_a_loss, margin=margin)
    wish, fleet = read_goal(goal, fleet)
    budget = Budget(clock=clock, until=clock() + seconds if seconds else began + _patience(fleet))
    found = _Search(fleet, wish, preferences, chance).run(budget)
    if not solver.is_installed():
        found = replace(found, notes=[*found.notes, solver.NOT_INSTALLED])
    return proposal.write(fleet, found, clock() - began)


def _patience(fleet: Fleet) -> float:
    return next((seconds for most, seconds in PATIENCE if len(fleet.names) <= most), LONG_PATIENCE_SECONDS)


class _Search:
    """``priced`` is the fleet with what is to be saved in place of the bytes."""

    def __init__(self, fleet: Fleet, goal: Goal, preferences: Preferences, chance: np.random.Generator) -> None:
        self._fleet = fleet
        self._goal = goal
        self._preferences = preferences
        self._chance = chance
        self._priced = tastes.priced(fleet, preferences.taste)

    def run(self, budget: Budget) -> Found:
        found = self._to_taste(budget.at_most(budget.left_seconds * self._for_search))
        found = unless_not_worth_it(self._fleet, found, self._preferences.margin, self._only_strays, budget)
        if self._preferences.survives_a_loss:
            found = self._survivable(found, budget)
        if self._preferences.taste == FEWEST_MOVES:
            able = self._fleet.strays[~self._fleet.pinned[self._fleet.strays]]
            return tastes.counted(found, float(sum(self._fleet.move_bytes[able].tolist())))
        return found

    @property
    def _for_search(self) -> float:
        return 1.0 - FOR_SURVIVAL if self._preferences.survives_a_loss else 1.0

    @property
    def _spreads(self) -> bool:
        return self._preferences.taste == BEST_SPREAD and self._goal.kind in ("evacuate", "rebalance")

    def _to_taste(self, budget: Budget) -> Found:
        if not self._spreads:
            return self._plain(budget)
        strays = float(sum(self._fleet.move_bytes[self._fleet.strays].tolist()))
        most_bytes = inf if self._goal.kind == "rebalance" else strays * WORTH
        return spread_best(self._fleet, self._plain, budget, self._chance, most_bytes)

    def _plain(self, budget: Budget) -> Found:
        if self._goal.kind == "rebalance":
            return rebalance(self._priced, self._goal.level, budget, self._chance)
        if self._goal.kind == "fill":
            return fill(self._priced, budget, self._chance if self._preferences.taste == BEST_SPREAD else None)
        if self._goal.ct is not None:
            return place(self._priced, self._goal.ct, budget, self._chance)
        return self._only_strays(budget)

    def _only_strays(self, budget: Budget) -> Found:
        return evacuate(self._priced, self._priced.strays, budget, self._chance)

    def _survivable(self, found: Found, budget: Budget) -> Found:
        kept = [] if self._goal.ct is None else [self._goal.ct]
        found = survive(self._priced, found, kept, budget, self._chance)
        return judged_by_peak(self._fleet, found) if self._spreads else found
