"""Large-neighbourhood search: a few nodes at a time are dealt out anew, exactly, and the rest stays."""

from __future__ import annotations

import numpy as np

from migrations_app.placement import solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, Bools, Floats, Ints
from migrations_app.placement.standing import Standing

NODES_AT_ONCE = 8
MOST_CHOICES = 4000
SECONDS_AT_ONCE = 1.0
# After so many failures in a row among other nodes, the next will most likely fail too.
PATIENCE = 30


class Neighbourhood:
    """Improves a placement; ``free`` are the containers that may be moved at all."""

    def __init__(self, standing: Standing, free: Ints, chance: np.random.Generator) -> None:
        self._standing = standing
        self._fleet = standing.fleet
        self._chance = chance
        self._is_free: Bools = np.zeros(len(self._fleet.names), dtype=bool)
        self._is_free[free] = True

    def save_bytes(self, level: float, budget: Budget) -> None:
        """Bring home what need not have moved, or let others move that are smaller."""
        weights = self._fleet.move_bytes.astype(np.float64)
        failures = 0
        while failures < PATIENCE and not budget.spent:
            away = np.flatnonzero(self._is_away())
            if not len(away):
                return
            ct = int(self._chance.choice(away, p=weights[away] / weights[away].sum()))
            nodes = self._concerned(ct)
            failures = 0 if self._deal_anew(nodes, level, weights, budget) else failures + 1

    def _is_away(self) -> Bools:
        """Tell who has left a node that it might have stayed on, bytes and all."""
        home = self._fleet.home
        may_stay = self._is_free & (home != NOWHERE) & ~self._fleet.drained[home]
        away: Bools = may_stay & (self._standing.where != home) & (self._fleet.move_bytes > 0)
        return away

    def _concerned(self, ct: int) -> list[int]:
        """Return the home of the container, where it is, where others of that home went, and some more."""
        home = self._fleet.home[ct]
        first = [int(home), int(self._standing.where[ct])]
        siblings = np.unique(self._standing.where[(self._fleet.home == home) & self._is_away()])
        others = self._chance.permutation(self._fleet.active)
        nodes = dict.fromkeys([*first, *siblings.tolist()[: NODES_AT_ONCE // 2], *others.tolist()])
        return self._few(list(nodes))

    def _few(self, nodes: list[int]) -> list[int]:
        """Take as many as a solver overlooks in a second."""
        counts = np.bincount(self._standing.where[self._is_free], minlength=len(self._fleet.node_names))
        taken: list[int] = []
        for node in nodes[:NODES_AT_ONCE]:
            if len(taken) >= 2 and counts[[*taken, node]].sum() * (len(taken) + 1) > MOST_CHOICES:
                break
            taken.append(node)
        return taken

    def _deal_anew(self, nodes: list[int], level: float, weights: Floats, budget: Budget) -> bool:
        """Return whether the nodes are better off than before."""
        standing = self._standing
        cts = [int(ct) for ct in np.flatnonzero(np.isin(standing.where, nodes) & self._is_free)]
        before = standing.where.copy()
        for ct in cts:
            standing.lift(ct)
        question = solver.Question(
            standing=standing, cts=cts, nodes=nodes, level=level, hint=before,
            weights=weights, stays=self._fleet.home,
        )  # fmt: skip
        answer = solver.ask(question, min(SECONDS_AT_ONCE, budget.left_seconds))
        better = answer.where is not None and self._cost(cts, answer.where) < self._cost(cts, before)
        after = answer.where if better and answer.where is not None else before
        for ct in cts:
            standing.put(ct, int(after[ct]))
        return better

    def _cost(self, cts: list[int], where: Ints) -> int:
        away = where[cts] != self._fleet.home[cts]
        return int(self._fleet.move_bytes[cts][away].sum())
