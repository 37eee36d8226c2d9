"""A fleet as arrays: what there is, where it stands, and what may stand where."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Sums of decimals differ in their last digits by their order; no real amount is this small a share of a node.
ROUNDING = 1e-10
NO_GROUP = -1
NOWHERE = -1


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Everything the planner knows; rows are containers or nodes, columns are resources.

    ``room`` is what may be used of a node: its limit times its capacity.
    """

    mode: str
    level: float | None
    resources: tuple[str, ...]
    node_names: tuple[str, ...]
    room: Floats
    tags: tuple[frozenset[str], ...]
    drained: Bools
    names: tuple[str, ...]
    home: Ints
    demand: Floats
    move_bytes: Ints
    kinds: tuple[frozenset[str], ...]
    kind: Ints
    groups: tuple[str, ...]
    group: Ints
    pinned: Bools

    @property
    def active(self) -> Ints:
        return np.flatnonzero(~self.drained)

    @property
    def strays(self) -> Ints:
        """The containers on drained nodes: they have to leave."""
        return np.flatnonzero((self.home != NOWHERE) & self.drained[self.home])

    def with_drained(self, nodes: list[int]) -> Fleet:
        drained = self.drained.copy()
        drained[nodes] = True
        return replace(self, drained=drained)

    def kind_fits(self) -> Bools:
        """Tell for each kind of container which nodes have all the tags that it requires."""
        fits = [[kind <= tags for tags in self.tags] for kind in self.kinds]
        return np.array(fits, dtype=bool).reshape(len(self.kinds), len(self.tags))
