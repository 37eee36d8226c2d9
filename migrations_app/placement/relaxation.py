"""A bound on the peak that is closer than sums: containers may be cut, but every node keeps its limits.

A linear program, solved by OR-Tools' GLOP in a tenth of a second at 100 nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from migrations_app.placement.fleet import ROUNDING, Floats, Ints
from migrations_app.placement.solver import whole_unit
from migrations_app.placement.standing import Standing

if TYPE_CHECKING:
    from ortools.linear_solver.pywraplp import Constraint, Solver, Variable

# GLOP is exact to about 1e-8; a bound must not be claimed by a rounding.
TRUST = 1 - 1e-7
ROUNDS = 3
WORTH_ANOTHER = 1e-4
SECONDS = 2.0
# The search for the lowest level in units ends here; what is left over of a container must be more than a rounding.
CLOSE = 1e-5
LEFT_OVER = 1e-5


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


def lowest_level_in_units(standing: Standing, cts: Ints, bound: float, peak: float) -> float:
    """Raise the bound further where amounts come in units: what is left of a node below a unit holds nothing.

    Whether the containers can be placed at a level, cut if need be, is asked of levels between bound and peak.
    """
    low, high = bound, peak
    while high - low > CLOSE * peak:
        level = (low + high) / 2
        if fits_when_cut(standing, cts, level):
            high = level
        else:
            low = level
    return low


def fits_when_cut(standing: Standing, cts: Ints, level: float) -> bool:
    """Return whether no part of any container is left over; also when the program has no answer."""
    from ortools.linear_solver import pywraplp

    demand, room = _in_units(standing, cts, level)
    open_ = (standing.pressure() <= level + ROUNDING) & ~standing.fleet.drained
    solver = pywraplp.Solver.CreateSolver("GLOP")
    left_over = solver.NumVar(0.0, 1.0, "")
    solver.Minimize(left_over)
    limits = {
        node: [solver.Constraint(-solver.infinity(), amount) for amount in room[node].tolist()]
        for node in np.flatnonzero(open_).tolist()
    }
    for ct, amounts in zip(cts.tolist(), demand, strict=True):
        whole = solver.Constraint(1.0, solver.infinity())
        whole.SetCoefficient(left_over, 1.0)
        for node in np.flatnonzero(open_ & standing.welcome(ct) & (amounts <= room).all(axis=1)).tolist():
            part = solver.NumVar(0.0, 1.0, "")
            whole.SetCoefficient(part, 1.0)
            for limit, amount in zip(limits[node], amounts.tolist(), strict=True):
                limit.SetCoefficient(part, amount)
    solved = solver.Solve() == pywraplp.Solver.OPTIMAL
    return not solved or left_over.solution_value() <= LEFT_OVER


def _in_units(standing: Standing, cts: Ints, level: float) -> tuple[Floats, Floats]:
    """Return the demands, and what of each node is left below the level, in whole units where there are any."""
    fleet = standing.fleet
    demand = fleet.demand[cts]
    room = np.maximum(fleet.room * (level + ROUNDING) - standing.use, 0.0)
    for column in range(len(fleet.resources)):
        unit, whole = whole_unit(demand[:, column])
        demand[:, column] /= unit
        room[:, column] /= unit
        if whole:
            room[:, column] = np.floor(room[:, column])
    return demand, room
