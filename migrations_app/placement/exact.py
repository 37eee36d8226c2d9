"""The lowest peak there is, with the proof that there is no lower one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migrations_app.placement import relaxation, solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import Ints
from migrations_app.placement.narrowing import peak_of
from migrations_app.placement.search import Levelling
from migrations_app.placement.squeezing import Squeeze
from migrations_app.placement.standing import Standing

# From here on only the next lower peak is asked for: amounts come in steps, and halving would look between them.
NARROW = 5e-4
# One level takes a blink and the next one hours, and the same level with another seed a blink again: give up soon, and
# ask for another level with another seed.
SHARES = (0.1, 0.5, 0.25, 0.75)
FIRST_SECONDS = 0.4
# The proof that there is no lower one takes longer than any other, and ends sooner if it is let alone.
PROOF_SECONDS = 2.5
LONGER = 1.5
# Amounts that had to be rounded refute nothing, and some levels nobody settles: asking so often in vain is enough.
MOST_IN_VAIN = 8
JUST_BELOW = 1 - 1e-9


def lowest_peak(
    base: Standing, strays: Ints, known: Standing, bound: float, budget: Budget, chance: np.random.Generator
) -> tuple[Standing, float]:
    """Narrow the interval between the bound and what is known; return the best standing and the best bound.

    Both are the same level when the time was enough.
    """
    return _Narrowing(base, strays, known, bound, chance).run(budget)


def race(base: Standing, strays: Ints, squeeze: Squeeze, level: float, budget: Budget, seed: int = 0) -> solver.Answer:
    """Search for a placement at the level while the solver looks for one, or for the proof that there is none."""
    inquiry = solver.Inquiry(_question(base, strays, level), budget.left_seconds, seed)
    if squeeze.run(level, replace(budget, called_off=lambda: inquiry.has_settled)):
        inquiry.stop()
        return solver.Answer(where=squeeze.where, refuted=False)
    return inquiry.wait()


def _question(base: Standing, strays: Ints, level: float) -> solver.Question:
    return solver.Question(standing=base, cts=strays.tolist(), nodes=base.fleet.active.tolist(), level=level)


class _Narrowing:
    """A race at one level after the other: who finds a placement, or the proof that there is none?"""

    def __init__(
        self, base: Standing, strays: Ints, known: Standing, bound: float, chance: np.random.Generator
    ) -> None:
        self._base = base
        self._strays = strays
        self._known = known
        self._peak = peak_of(known, strays)
        self._bound = bound
        self._chance = chance
        self._squeeze = Squeeze(known.copy(), strays, chance)

    def run(self, budget: Budget) -> tuple[Standing, float]:
        self._bound = relaxation.lowest_level_in_units(self._base, self._strays, self._bound, self._peak)
        asked = failures = 0
        while self._bound < self._peak and not budget.spent and failures < MOST_IN_VAIN:
            first = PROOF_SECONDS if self._is_narrow() else FIRST_SECONDS
            settled = self._settle(self._next_level(asked), budget.at_most(first * LONGER**failures), asked)
            asked += 1
            failures = 0 if settled else failures + 1
        return self._known, self._bound

    def _next_level(self, asked: int) -> float:
        if self._is_narrow():
            return self._peak * JUST_BELOW
        return self._bound + (self._peak - self._bound) * SHARES[asked % len(SHARES)]

    def _is_narrow(self) -> bool:
        return self._peak - self._bound <= NARROW * self._peak

    def _settle(self, level: float, budget: Budget, seed: int) -> bool:
        """Return whether the level is settled: reached, or refuted."""
        answer = self._look_for(level, budget, seed)
        if answer.where is not None:
            self._keep(Standing.of(self._base.fleet, answer.where), budget)
        elif answer.refuted:
            # Just below what is known there is nothing: what is known is the lowest.
            self._bound = self._peak if level >= self._peak * JUST_BELOW else max(self._bound, level)
        return answer.where is not None or answer.refuted

    def _look_for(self, level: float, budget: Budget, seed: int) -> solver.Answer:
        if self._is_narrow():
            return solver.ask_both(_question(self._base, self._strays, level), budget.left_seconds, seed)
        return race(self._base, self._strays, self._squeeze, level, budget, seed)

    def _keep(self, found: Standing, budget: Budget) -> None:
        # What was asked for a level is only just good enough, and the search makes it better in no time.
        Levelling(found, self._strays, self._chance).run(self._bound, budget)
        self._known, self._peak = found, peak_of(found, self._strays)
