"""Where everything stands at one moment of thought; the only thing here that changes."""

from __future__ import annotations

import numpy as np

from migrations_app.placement.fleet import NO_GROUP, NOWHERE, ROUNDING, Bools, Fleet, Floats, Ints


class Standing:
    """Containers on nodes, with the use of each node kept up to date.

    Capacity may be exceeded while a search is on its way; tags, groups and drained nodes are never disregarded.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.where: Ints = np.full(len(fleet.names), NOWHERE, dtype=np.int64)
        self.use: Floats = np.zeros_like(fleet.room)
        self._open = fleet.kind_fits() & ~fleet.drained
        self._held: Bools = np.zeros((len(fleet.groups), len(fleet.node_names)), dtype=bool)

    @classmethod
    def of(cls, fleet: Fleet, where: Ints) -> Standing:
        """Put every container where ``where`` says, by its row."""
        standing = cls(fleet)
        standing.where = where.copy()
        placed = where != NOWHERE
        np.add.at(standing.use, where[placed], fleet.demand[placed])
        grouped = placed & (fleet.group != NO_GROUP)
        standing._held[fleet.group[grouped], where[grouped]] = True
        return standing

    @classmethod
    def at_home(cls, fleet: Fleet, *, without: Ints) -> Standing:
        """Put every container where it is now, but those of ``without`` nowhere."""
        where = fleet.home.copy()
        where[without] = NOWHERE
        return cls.of(fleet, where)

    def copy(self) -> Standing:
        twin = Standing.__new__(Standing)
        twin.fleet, twin._open = self.fleet, self._open
        twin.where, twin.use, twin._held = self.where.copy(), self.use.copy(), self._held.copy()
        return twin

    def put(self, ct: int, node: int) -> None:
        self.where[ct] = node
        self.use[node] += self.fleet.demand[ct]
        if self.fleet.group[ct] != NO_GROUP:
            self._held[self.fleet.group[ct], node] = True

    def lift(self, ct: int) -> None:
        node = self.where[ct]
        self.where[ct] = NOWHERE
        self.use[node] -= self.fleet.demand[ct]
        if self.fleet.group[ct] != NO_GROUP:
            self._held[self.fleet.group[ct], node] = False

    def move(self, ct: int, node: int) -> None:
        self.lift(ct)
        self.put(ct, node)

    def shut(self, node: int) -> None:
        """Let nobody come to the node any more."""
        self._open = self._open.copy()
        self._open[:, node] = False

    def reopen(self) -> None:
        """Let all nodes that are not drained take containers again."""
        self._open = self.fleet.kind_fits() & ~self.fleet.drained

    def welcome(self, ct: int) -> Bools:
        """Tell which nodes may have the container, room apart."""
        welcome: Bools = self._open[self.fleet.kind[ct]]
        if self.fleet.group[ct] != NO_GROUP:
            welcome = welcome & ~self._held[self.fleet.group[ct]]
        return welcome

    def roomy(self, ct: int, level: float = 1.0) -> Bools:
        """Tell which nodes would stay within ``level`` with the container added."""
        bound = self.fleet.room * (level + ROUNDING)
        fits: Bools = (self.use + self.fleet.demand[ct] <= bound).all(axis=1)
        return fits

    def takes(self, ct: int, node: int) -> bool:
        """Tell whether one node may have the container and has room for it."""
        within = self.use[node] + self.fleet.demand[ct] <= self.fleet.room[node] * (1 + ROUNDING)
        return bool(within.all()) and self.may_have(ct, node)

    def may_have(self, ct: int, node: int) -> bool:
        """Tell whether one node may have the container, room apart."""
        group = self.fleet.group[ct]
        return bool(self._open[self.fleet.kind[ct], node]) and not (group != NO_GROUP and self._held[group, node])

    def barred(self, cts: Ints, node: int) -> Bools:
        """Tell which of the containers the node may not have, room apart."""
        groups = self.fleet.group[cts]
        barred: Bools = ~self._open[self.fleet.kind[cts], node]
        grouped = groups != NO_GROUP
        barred[grouped] |= self._held[groups[grouped], node]
        return barred

    def pressure(self) -> Floats:
        """Return each node's use as a share of its room, by its fullest resource."""
        pressure: Floats = (self.use / self.fleet.room).max(axis=1)
        return pressure
