"""A lower peak where the fleet is too large for proofs: one level after the other is asked for, and searched for."""

from __future__ import annotations

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Ints
from migrations_app.placement.search import Levelling
from migrations_app.placement.squeezing import Squeeze
from migrations_app.placement.standing import Standing

# Shares of the way from the bound to what is known. What a level has to give it mostly gives soon: first all are asked
# for a short time, then all for longer.
SHARES = (0.5, 0.75, 0.9)
FIRST_SECONDS = 0.4
LONGER = 1.5
MOST_IN_VAIN = 12


def lower_peak(known: Standing, strays: Ints, bound: float, budget: Budget, chance: np.random.Generator) -> Standing:
    """Return a standing whose receiving nodes are under less pressure than in the known one, or that one."""
    squeeze = Squeeze(known.copy(), strays, chance)
    failures = 0
    while (peak := peak_of(known, strays)) > bound + ROUNDING and failures < MOST_IN_VAIN and not budget.spent:
        level = bound + (peak - bound) * SHARES[failures % len(SHARES)]
        seconds = FIRST_SECONDS * LONGER ** (failures // len(SHARES))
        failures += 1
        if squeeze.run(level, budget.at_most(seconds)):
            known, failures = Standing.of(known.fleet, squeeze.where), 0
            # What was asked for a level is only just good enough, and the search makes it better in no time.
            Levelling(known, strays, chance).run(bound, budget)
    return known


def peak_of(standing: Standing, strays: Ints) -> float:
    """Return the highest pressure of a node that receives one of the strays."""
    placed = standing.where[strays]
    return float(standing.pressure()[placed[placed != NOWHERE]].max(initial=0.0))
