"""Fit containers in below a level: two nodes at a time deal out anew all that they received.

Where a search for a lower peak gets stuck, because each step has to lower the highest node, this one walks on: it may
leave nodes overfull, and what counts is how much all of them are over the level together. A node that stays overfull
weighs more and more, until it is dealt out at others' expense.
"""

from __future__ import annotations

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NO_GROUP, ROUNDING, Bools, Floats, Ints
from migrations_app.placement.search import subsets
from migrations_app.placement.standing import Standing

# All divisions of so many are looked at in one stroke: 4,096.
MOST_AT_ONCE = 12
FROM_OVERFULL = 0.7
HEAVIER = 1.02
# What was not found with so many will not be found with a few more.
DEALS, DEALS_PER_NODE = 4_000, 100
NEVER = 9e9
EQUAL = 1e-12

SUBSETS = [subsets(count) for count in range(MOST_AT_ONCE + 1)]


class Squeeze:
    """Deals the free containers out until none of the nodes that have any is above the level.

    Asked for another level it goes on from where it was.
    """

    def __init__(self, standing: Standing, free: Ints, chance: np.random.Generator) -> None:
        fleet = standing.fleet
        self._standing = standing
        self._chance = chance
        self._on: list[list[int]] = [[] for _ in fleet.node_names]
        for ct in free.tolist():
            self._on[standing.where[ct]].append(ct)
        self._least: Floats = standing.use.copy()
        np.subtract.at(self._least, standing.where[free], fleet.demand[free])
        self._weight = np.ones(len(fleet.node_names))
        self._aim(1.0)

    @property
    def where(self) -> Ints:
        return self._standing.where.copy()

    def _aim(self, level: float) -> None:
        """Set the level, and with it the nodes that may have free containers."""
        fleet = self._standing.fleet
        self._room: Floats = fleet.room * (level + ROUNDING)
        within: Bools = (self._least <= self._room).all(axis=1) & ~fleet.drained
        self._nodes = np.flatnonzero(within)

    def run(self, level: float, budget: Budget) -> bool:
        """Return whether all are within the level now."""
        self._aim(level)
        if len(self._nodes) < 2 or not self._leave_the_others():
            return False
        for _ in range(DEALS + DEALS_PER_NODE * len(self._nodes)):
            if budget.spent:
                break
            overfull = self._nodes[self._over(self._standing.use[self._nodes], self._nodes) > 0]
            if not len(overfull):
                return True
            self._weight[overfull] *= HEAVIER
            self._weight /= self._weight.mean()
            first = int(self._chance.choice(overfull if self._chance.random() < FROM_OVERFULL else self._nodes))
            self._deal(first, int(self._chance.choice(self._nodes[self._nodes != first])))
        return False

    def _leave_the_others(self) -> bool:
        """Take what is on nodes that are too full at this level to nodes that are not; return whether all could."""
        for node in np.setdiff1d(np.arange(len(self._on)), self._nodes).tolist():
            for ct in list(self._on[node]):
                possible = self._nodes[self._standing.welcome(ct)[self._nodes]]
                if not len(possible):
                    return False
                after = self._over(self._standing.use[possible] + self._standing.fleet.demand[ct], possible)
                self._move(ct, int(possible[after.argmin()]))
        return True

    def _over(self, use: Floats, nodes: Ints | int) -> Floats:
        fleet = self._standing.fleet
        over: Floats = (np.maximum(use - self._room[nodes], 0.0) / fleet.room[nodes]).sum(axis=-1)
        return over

    def _move(self, ct: int, node: int) -> None:
        self._on[self._standing.where[ct]].remove(ct)
        self._on[node].append(ct)
        self._standing.move(ct, node)

    def _deal(self, first: int, second: int) -> None:
        pool = self._on[first] + self._on[second]
        if len(pool) > MOST_AT_ONCE:
            pool = self._chance.choice(pool, MOST_AT_ONCE, replace=False).tolist()
        if not pool:
            return
        before = self._standing.where[pool]
        for ct in pool:
            self._standing.lift(ct)
        cost = self._cost(first, second, pool)
        best = np.flatnonzero(cost <= cost.min() + EQUAL)
        to_first = SUBSETS[len(pool)][int(self._chance.choice(best))]
        for ct, node, chosen in zip(pool, before.tolist(), to_first, strict=True):
            target = first if chosen else second
            self._standing.put(ct, target)
            self._on[node].remove(ct)
            self._on[target].append(ct)

    def _cost(self, first: int, second: int, pool: list[int]) -> Floats:
        """Return by how much both are over the level, for every division of the pool, which is nowhere now."""
        fleet, use = self._standing.fleet, self._standing.use
        divisions, demand = SUBSETS[len(pool)], fleet.demand[pool]
        given = divisions @ demand
        there = self._over(use[first] + given, first) * self._weight[first]
        here = self._over(use[second] + (demand.sum(axis=0) - given), second) * self._weight[second]
        cost: Floats = there + here
        cost[self._forbidden(first, second, pool, divisions)] = NEVER
        return cost

    def _forbidden(self, first: int, second: int, pool: list[int], divisions: Floats) -> Bools:
        standing = self._standing
        not_first = np.array([not standing.may_have(ct, first) for ct in pool], dtype=np.float64)
        not_second = np.array([not standing.may_have(ct, second) for ct in pool], dtype=np.float64)
        forbidden: Bools = (divisions @ not_first > 0) | ((1 - divisions) @ not_second > 0)
        groups = standing.fleet.group[pool]
        for one, other in zip(*np.nonzero(np.triu(groups[:, None] == groups[None], 1)), strict=True):
            if groups[one] != NO_GROUP:
                forbidden |= divisions[:, one] == divisions[:, other]
        return forbidden
