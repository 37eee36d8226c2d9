"""A bound on the peak that is closer than sums: containers may be cut, but every node keeps its limits.

A linear program, solved by OR-Tools' GLOP in a tenth of a second at 100 nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from migrations_app.placement.fleet import Floats, Ints
from migrations_app.placement.standing import Standing

if TYPE_CHECKING:
    from ortools.linear_solver.pywraplp import Constraint, Solver, Variable

# GLOP is exact to about 1e-8; a bound must not be claimed by a rounding.
TRUST = 1 - 1e-7
ROUNDS = 3
WORTH_ANOTHER = 1e-4
SECONDS = 2.0


def lowest_level(standing: Standing, cts: Ints, bound: float, peak: float) -> float:
    """Raise the bound on what some receiving node must reach if only ``cts`` move; ``peak`` is known to be had."""
    for _ in range(ROUNDS):
        level = _solve(standing, cts, bound, peak) * TRUST
        if level <= bound * (1 + WORTH_ANOTHER):
            break
        # The higher bound opens more nodes for certain, which the next round can hold to the level.
        bound = level
    return bound


def _solve(standing: Standing, cts: Ints, bound: float, peak: float) -> float:
    # Loading it takes longer than placing a small fleet without it.
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    level = solver.NumVar(bound, peak, "")
    solver.Minimize(level)
    shares = standing.use / standing.fleet.room
    held = _limits(solver, level, shares, bound, peak)
    possible = shares.max(axis=1) <= peak
    for ct in cts.tolist():
        whole = solver.Constraint(1.0, 1.0)
        per_node = standing.fleet.demand[ct] / standing.fleet.room
        for node in np.flatnonzero(possible & standing.welcome(ct) & standing.roomy(ct, peak)).tolist():
            part = solver.NumVar(0.0, 1.0, "")
            whole.SetCoefficient(part, 1.0)
            for limit, share in zip(held[node], per_node[node].tolist(), strict=True):
                limit.SetCoefficient(part, share)
    solver.SetTimeLimit(int(SECONDS * 1000))
    return float(level.solution_value()) if solver.Solve() == pywraplp.Solver.OPTIMAL else bound


def _limits(solver: Solver, level: Variable, shares: Floats, bound: float, peak: float) -> list[list[Constraint]]:
    """Hold every node to the level, or to the peak where the level may turn out to be too low for it to take part."""
    held = []
    for row in shares.tolist():
        takes_part = max(row) <= bound
        tops = [-share if takes_part else max(0.0, peak - share) for share in row]
        limits = [solver.Constraint(-solver.infinity(), top) for top in tops]
        for limit in limits:
            limit.SetCoefficient(level, -1.0 if takes_part else 0.0)
        held.append(limits)
    return held
