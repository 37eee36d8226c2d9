"""The lowest peak there is, with the proof that there is no lower one."""

from __future__ import annotations

from migrations_app.placement import solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, Ints
from migrations_app.placement.standing import Standing

# From here on only the next lower peak is asked for: amounts come in steps, and halving would look between them.
NARROW = 5e-4
JUST_BELOW = 1 - 1e-9


def lowest_peak(base: Standing, strays: Ints, known: Standing, bound: float, budget: Budget) -> tuple[Standing, float]:
    """Halve the interval between the bound and what is known; return the best standing and the best bound.

    Both are the same level when the time was enough.
    """
    peak = _peak(known, strays)
    while bound < peak and not budget.spent:
        narrow = (peak - bound) <= NARROW * peak
        level = peak * JUST_BELOW if narrow else (peak + bound) / 2
        question = solver.Question(standing=base, cts=strays.tolist(), nodes=base.fleet.active.tolist(), level=level)
        answer = solver.ask(question, budget.left_seconds)
        if answer.where is not None:
            known = Standing.of(base.fleet, answer.where)
            peak = _peak(known, strays)
        elif answer.refuted:
            bound = peak if narrow else level
        else:
            break
    return known, bound


def _peak(standing: Standing, strays: Ints) -> float:
    placed = standing.where[strays]
    return float(standing.pressure()[placed[placed != NOWHERE]].max(initial=0.0))
