"""The order of moves in which no node is overfull at any step; the source keeps its copy until a step ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NO_GROUP, NOWHERE, Bools, Fleet, Ints
from migrations_app.placement.standing import Standing

# A container that has to wait elsewhere more often than this is moved about for nothing.
MOST_STOPS = 2


@dataclass(frozen=True, kw_only=True)
class Step:
    """One move. ``parks``: it goes on from there later; ``after``: the earlier moves that made way for it."""

    ct: int
    source: int
    node: int
    parks: bool = False
    after: tuple[int, ...] = ()


@dataclass(kw_only=True)
class Order:
    """``stuck`` are those that found no legal moment; without them the steps are legal all the same."""

    steps: list[Step] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)


def legal_order(fleet: Fleet, where: Ints, budget: Budget, level: float = 1.0) -> Order:
    """Order the moves from home to ``where``, with stops elsewhere where a circle or a tight node needs them.

    What stops somewhere stays there for good if every node ends within ``level`` all the same.
    """
    order = _Ordering(fleet, where).run(budget)
    for step in [step for step in order.steps if step.parks]:
        other = where.copy()
        other[step.ct] = step.node
        shorter = _Ordering(fleet, other).run(budget) if _may_end(fleet, other, step.ct, level) else order
        if not shorter.stuck and len(shorter.steps) < len(order.steps):
            order, where = shorter, other
    return order


def _may_end(fleet: Fleet, where: Ints, ct: int, level: float) -> bool:
    where = where.copy()
    node, where[ct] = int(where[ct]), NOWHERE
    end = Standing.of(fleet, where)
    return bool(end.welcome(ct)[node] and end.roomy(ct, level)[node])


def replayed(fleet: Fleet, moves: Sequence[tuple[int, int]]) -> list[Step]:
    """Return moves that are in a legal order already as steps, with what each of them has to wait for."""
    ordering = _Ordering(fleet, fleet.home)
    last = {ct: number for number, (ct, _) in enumerate(moves)}
    for number, (ct, node) in enumerate(moves):
        ordering.go(ct, node, parks=last[ct] != number)
    return ordering.steps


def destination(fleet: Fleet, order: Order) -> Standing:
    """Return where the steps lead; what found no legal moment is still at home."""
    where = fleet.home.copy()
    for step in order.steps:
        where[step.ct] = step.node
    return Standing.of(fleet, where)


def share_above(fleet: Fleet, order: Order, least_bytes: float) -> float:
    """Return by which share the bytes of all steps exceed the bound."""
    moved = sum(int(fleet.move_bytes[step.ct]) for step in order.steps)
    return moved / least_bytes - 1 if least_bytes else float(moved > 0)


class _Ordering:
    def __init__(self, fleet: Fleet, where: Ints) -> None:
        self._fleet = fleet
        self._where = where
        self._standing = Standing.of(fleet, fleet.home)
        self._pending: list[int] = []
        self._stops: dict[int, int] = {}
        self._left: dict[int, list[int]] = {}
        self._order = Order()

    @property
    def steps(self) -> list[Step]:
        return self._order.steps

    def run(self, budget: Budget) -> Order:
        # Those that make way have the whole room to pass each other as long as the others have not come; once they
        # are where they end, the others can come in any order.
        for crowd in self._makers_of_way_and_others():
            self._pending = crowd
            while self._pending and (self._go_where_possible() or (not budget.spent and self._park_one())):
                pass
            self._order.stuck += self._pending
        return self._order

    def _makers_of_way_and_others(self) -> tuple[list[int], list[int]]:
        """Return who leaves nodes that stay, and who leaves drained ones; the most bytes first."""
        fleet = self._fleet
        movers = np.flatnonzero((self._where != fleet.home) & (self._where != NOWHERE))
        movers = movers[np.lexsort((-fleet.move_bytes[movers], fleet.home[movers]))]
        stay = (fleet.home[movers] != NOWHERE) & ~fleet.drained[fleet.home[movers]]
        return [int(ct) for ct in movers[stay]], [int(ct) for ct in movers[~stay]]

    def _go_where_possible(self) -> bool:
        """Do every move that is legal now; return whether there was one."""
        waiting = []
        for ct in self._pending:
            if self._standing.takes(ct, int(self._where[ct])):
                self.go(ct, int(self._where[ct]))
            else:
                waiting.append(ct)
        went = len(waiting) < len(self._pending)
        self._pending = waiting
        return went

    def go(self, ct: int, node: int, *, parks: bool = False) -> None:
        source = int(self._standing.where[ct])
        self._left.setdefault(source, []).append(len(self._order.steps))
        self._order.steps.append(Step(ct=ct, source=source, node=node, parks=parks, after=self._made_way(ct, node)))
        self._standing.move(ct, node)

    def _made_way(self, ct: int, node: int) -> tuple[int, ...]:
        """Return the earlier steps that left the node, if it could not have taken the container without them."""
        left = self._left.get(node, [])
        gone = [self._order.steps[number].ct for number in left]
        fleet = self._fleet
        full = self._standing.use[node] + fleet.demand[gone].sum(axis=0) + fleet.demand[ct] > fleet.room[node]
        twins = fleet.group[ct] != NO_GROUP and fleet.group[ct] in fleet.group[gone]
        return tuple(left) if left and (full.any() or twins) else ()

    def _park_one(self) -> bool:
        """Move one of those that stand in the way to a node that has room for now; return whether one could."""
        for ct in self._pending:
            for blocker in self._in_the_way(int(self._where[ct])):
                nodes = self._stops_for(blocker)
                if len(nodes):
                    self._stops[blocker] = self._stops.get(blocker, 0) + 1
                    self.go(blocker, int(nodes[0]), parks=True)
                    return True
        return False

    def _in_the_way(self, node: int) -> list[int]:
        """Return who leaves the node later, the smallest move first."""
        leaving = [ct for ct in self._pending if self._standing.where[ct] == node]
        leaving = [ct for ct in leaving if self._stops.get(ct, 0) < MOST_STOPS]
        return sorted(leaving, key=lambda ct: (int(self._fleet.move_bytes[ct]), ct))

    def _stops_for(self, ct: int) -> Ints:
        """Return where the container could wait, the emptiest node first."""
        possible: Bools = self._standing.welcome(ct) & self._standing.roomy(ct)
        possible[self._standing.where[ct]] = False
        nodes = np.flatnonzero(possible)
        after = (self._standing.use[nodes] + self._fleet.demand[ct]) / self._fleet.room[nodes]
        return nodes[np.argsort(after.max(axis=1), kind="stable")]
