"""Which containers an overfull node gives up: those with the fewest bytes that bring it within the level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migrations_app.placement import solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import ROUNDING, Fleet, Floats, Ints
from migrations_app.placement.standing import Standing

SECONDS_PER_NODE = 0.3


@dataclass(frozen=True, kw_only=True)
class Shed:
    """``least_bytes`` is what has to leave at least, wherever it goes; ``hopeless`` nodes stay above the level."""

    cts: list[int]
    least_bytes: float
    hopeless: list[int]


def shed(fleet: Fleet, level: float, budget: Budget) -> Shed:
    """Choose for every active node above the level what leaves it."""
    standing = Standing.of(fleet, fleet.home)
    excess = standing.use - fleet.room * (level + ROUNDING)
    cts: list[int] = []
    hopeless: list[int] = []
    least = 0.0
    for node in np.flatnonzero((excess > 0).any(axis=1) & ~fleet.drained).tolist():
        mine = np.flatnonzero((fleet.home == node) & ~fleet.pinned)
        given, bound = _cover(fleet, mine, excess[node], budget)
        cts += given
        least += bound
        if (fleet.demand[given].sum(axis=0) < excess[node]).any():
            hopeless.append(node)
    return Shed(cts=cts, least_bytes=least, hopeless=hopeless)


def _cover(fleet: Fleet, cts: Ints, excess: Floats, budget: Budget) -> tuple[list[int], float]:
    """Return the cheapest containers that make up the excess, and the least that any such choice weighs."""
    columns = np.flatnonzero(excess > 0)
    demand, weights = fleet.demand[np.ix_(cts, columns)], fleet.move_bytes[cts].astype(np.float64)
    wanted = excess[columns]
    if (demand.sum(axis=0) < wanted).any():
        return cts.tolist(), float(weights.sum())
    if solver.is_installed() and not budget.spent:
        cover = solver.cheapest_cover(demand, wanted, weights, min(SECONDS_PER_NODE, budget.left_seconds))
        if cover:
            return cts[cover.chosen].tolist(), max(cover.least_weight, _relaxed(demand, wanted, weights))
    return cts[_greedy(demand, wanted, weights)].tolist(), _relaxed(demand, wanted, weights)


def _greedy(demand: Floats, wanted: Floats, weights: Floats) -> Ints:
    """Take what removes most of what is still too much per byte, then give back what proved needless."""
    chosen: list[int] = []
    rest = wanted.copy()
    while (rest > 0).any():
        useful = (np.minimum(demand, np.maximum(rest, 0.0)) / wanted).sum(axis=1)
        useful[chosen] = 0.0
        best = int((useful / np.maximum(weights, 1.0)).argmax())
        chosen.append(best)
        rest = rest - demand[best]
    for one in sorted(chosen, key=lambda ct: -weights[ct]):
        if (rest + demand[one] <= 0).all():
            chosen.remove(one)
            rest = rest + demand[one]
    return np.array(chosen, dtype=np.int64)


def _relaxed(demand: Floats, wanted: Floats, weights: Floats) -> float:
    """Return what it would weigh if containers could be cut: by the resource where that is most."""
    return max(_relaxed_column(demand[:, column], float(wanted[column]), weights) for column in range(len(wanted)))


def _relaxed_column(demand: Floats, wanted: float, weights: Floats) -> float:
    useful = np.flatnonzero(demand > 0)
    order = useful[np.argsort(weights[useful] / demand[useful], kind="stable")]
    before = np.concatenate(([0.0], demand[order].cumsum()))[:-1]
    part = np.clip((wanted - before) / demand[order], 0.0, 1.0)
    return float((part * weights[order]).sum())
