"""Make overfull nodes fit: containers are shifted and exchanged between all nodes, with as few bytes as it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Floats, Ints
from migrations_app.placement.standing import Standing

# So many others are looked at as partners of an exchange.
PARTNERS = 600
MOST_OF_NODE = 24
# What all bytes of an average container are worth, as overfullness in shares of a node; then half of it, and so on.
FIRST_PRICE = 0.1
CHEAPER = 0.5
ROUNDS_AT_A_PRICE = 20
ROUNDS_PER_NODE = 1
# What was just moved stays for so many rounds, lest two containers take turns for ever.
REST_ROUNDS = 12
NEVER = 9e9


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """``ct`` goes to ``node``, and ``other``, if any, takes its place."""

    cost: float
    ct: int
    node: int
    other: int = NOWHERE


class Relief:
    """Walks from exchange to exchange until no node passes ``level``.

    Bytes weigh much in the first choices, and ever less: what fits without them fits cheaply.
    """

    def __init__(self, standing: Standing, level: float, chance: np.random.Generator) -> None:
        self._standing = standing
        self._fleet = standing.fleet
        self._room: Floats = standing.fleet.room * (level + ROUNDING)
        self._chance = chance
        self._rests_until = np.zeros(len(self._fleet.names), dtype=np.int64)
        moved = self._fleet.move_bytes.astype(np.float64)
        self._price: Floats = moved * (FIRST_PRICE / max(float(moved.mean()), 1.0))
        self._round = 0

    def run(self, budget: Budget) -> bool:
        """Return whether every node fits now."""
        patience = ROUNDS_AT_A_PRICE + ROUNDS_PER_NODE * len(self._overfull())
        while len(overfull := self._overfull()) and not budget.spent:
            self._round += 1
            if self._round % patience == 0:
                self._price *= CHEAPER
            self._improve(int(self._chance.choice(overfull)))
        self._send_home()
        return not len(overfull)

    def _overfull(self) -> Ints:
        over = self._over(self._standing.use, self._room)
        return np.flatnonzero((over > 0) & ~self._fleet.drained)

    def _send_home(self) -> None:
        """Take back, the most bytes first, every move that proved needless."""
        fleet, standing = self._fleet, self._standing
        away = np.flatnonzero((standing.where != fleet.home) & (fleet.home != NOWHERE) & (standing.where != NOWHERE))
        for ct in away[np.argsort(-fleet.move_bytes[away], kind="stable")].tolist():
            home = int(fleet.home[ct])
            within = (standing.use[home] + fleet.demand[ct] <= self._room[home]).all()
            if within and standing.may_have(ct, home):
                standing.move(ct, home)

    def _over(self, use: Floats, room: Floats) -> Floats:
        over: Floats = (np.maximum(use - room, 0.0) / room).sum(axis=-1)
        return over

    def _improve(self, node: int) -> None:
        mine = self._movable(np.flatnonzero(self._standing.where == node))
        if len(mine) > MOST_OF_NODE:
            mine = self._chance.choice(mine, MOST_OF_NODE, replace=False)
        if not len(mine):
            return
        welcome = np.array([self._standing.welcome(ct) for ct in mine.tolist()])
        best = min(self._best_shift(node, mine, welcome), self._best_swap(node, mine, welcome), key=lambda x: x.cost)
        if best.cost < NEVER / 2:
            self._do(best, node)

    def _movable(self, cts: Ints) -> Ints:
        return cts[~self._fleet.pinned[cts] & (self._rests_until[cts] < self._round)]

    def _do(self, exchange: Exchange, node: int) -> None:
        if exchange.other != NOWHERE:
            self._standing.lift(exchange.other)
        self._standing.move(exchange.ct, exchange.node)
        self._rests_until[exchange.ct] = self._round + REST_ROUNDS
        if exchange.other != NOWHERE:
            self._standing.put(exchange.other, node)
            self._rests_until[exchange.other] = self._round + REST_ROUNDS

    def _best_shift(self, node: int, mine: Ints, welcome: np.ndarray) -> Exchange:
        use, demand = self._standing.use, self._fleet.demand[mine]
        there = self._over(use[None] + demand[:, None], self._room[None]) - self._over(use, self._room)[None]
        here = self._over(use[node] - demand, self._room[node]) - self._over(use[node], self._room[node])
        cost = there + here[:, None] + self._byte_cost(mine, node)[:, None] + self._home_gain(mine)
        cost = np.where(welcome, cost, NEVER)
        row, target = np.unravel_index(int(cost.argmin()), cost.shape)
        return Exchange(cost=float(cost[row, target]), ct=int(mine[row]), node=int(target))

    def _byte_cost(self, cts: Ints, node: int | Ints) -> Floats:
        """Return what it costs to leave: its bytes, for what is at home."""
        cost: Floats = np.where(self._fleet.home[cts] == node, self._price[cts], 0.0)
        return cost

    def _home_gain(self, cts: Ints) -> Floats:
        """Return what it costs to arrive, containers by nodes: less than nothing at home."""
        gain = np.zeros((len(cts), len(self._fleet.node_names)))
        gain[np.arange(len(cts)), self._fleet.home[cts]] = -self._price[cts]
        return gain

    def _best_swap(self, node: int, mine: Ints, welcome: np.ndarray) -> Exchange:
        others = self._partners(node)
        if not len(others):
            return Exchange(cost=NEVER, ct=int(mine[0]), node=node)
        at = self._standing.where[others]
        use, demand = self._standing.use, self._fleet.demand
        net = demand[mine][:, None] - demand[others][None]
        here = self._over(use[node] - net, self._room[node]) - self._over(use[node], self._room[node])
        there = self._over(use[at][None] + net, self._room[at][None]) - self._over(use[at], self._room[at])[None]
        bytes_mine = self._byte_cost(mine, node)[:, None] + self._home_gain(mine)[:, at]
        bytes_others = self._byte_cost(others, at) + self._home_gain_at(others, node)
        cost = np.where(welcome[:, at], here + there + bytes_mine + bytes_others[None], NEVER)
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        return Exchange(
            cost=float(cost[row, column]), ct=int(mine[row]), node=int(at[column]), other=int(others[column])
        )

    def _home_gain_at(self, cts: Ints, node: int) -> Floats:
        gain: Floats = np.where(self._fleet.home[cts] == node, -self._price[cts], 0.0)
        return gain

    def _partners(self, node: int) -> Ints:
        """Return some containers elsewhere that the node may have."""
        elsewhere = (self._standing.where != node) & (self._standing.where != NOWHERE)
        others = self._movable(np.flatnonzero(elsewhere))
        others = others[~self._standing.barred(others, node)]
        if len(others) > PARTNERS:
            others = self._chance.choice(others, PARTNERS, replace=False)
        return others
