"""The lowest peak there is, with the proof that there is no lower one."""

from __future__ import annotations

import numpy as np

from migrations_app.placement import solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, Ints
from migrations_app.placement.search import Levelling
from migrations_app.placement.standing import Standing

# From here on only the next lower peak is asked for: amounts come in steps, and halving would look between them.
NARROW = 5e-4
# One level takes a blink and the next one hours, and the same level with another seed a blink again: give up soon, and
# ask for another level with another seed.
SHARES = (0.35, 0.65, 0.85, 0.5)
FIRST_SECONDS = 1.5
LONGER = 1.5
# Amounts that had to be rounded refute nothing: the solver then answers at once that it does not know, again and again.
MOST_IN_VAIN = 12
JUST_BELOW = 1 - 1e-9


def lowest_peak(
    base: Standing, strays: Ints, known: Standing, bound: float, budget: Budget, chance: np.random.Generator
) -> tuple[Standing, float]:
    """Narrow the interval between the bound and what is known; return the best standing and the best bound.

    Both are the same level when the time was enough.
    """
    peak = _peak(known, strays)
    attempt = 0
    while bound < peak and not budget.spent and attempt < MOST_IN_VAIN:
        narrow = (peak - bound) <= NARROW * peak
        level = peak * JUST_BELOW if narrow else bound + (peak - bound) * SHARES[attempt % len(SHARES)]
        question = solver.Question(standing=base, cts=strays.tolist(), nodes=base.fleet.active.tolist(), level=level)
        answer = solver.ask(question, budget.at_most(FIRST_SECONDS * LONGER**attempt).left_seconds, seed=attempt)
        if answer.where is not None:
            known = Standing.of(base.fleet, answer.where)
            # What the solver finds is only just good enough, and the search makes it better in no time.
            Levelling(known, strays, chance).run(bound, budget)
            peak = _peak(known, strays)
        elif answer.refuted:
            bound = peak if narrow else level
        attempt = 0 if answer.where is not None or answer.refuted else attempt + 1
    return known, bound


def _peak(known: Standing, strays: Ints) -> float:
    placed = known.where[strays]
    return float(known.pressure()[placed[placed != NOWHERE]].max(initial=0.0))
