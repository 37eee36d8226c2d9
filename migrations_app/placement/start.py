"""A first placement, made in one pass: the big ones first, each where it presses least."""

from __future__ import annotations

import numpy as np

from migrations_app.placement.fleet import Fleet, Ints
from migrations_app.placement.standing import Standing


def spread(standing: Standing, cts: Ints) -> list[int]:
    """Put every container on the node that it fills least, over its room if need be.

    Return those that no node may have at all, for tags or groups: they stay nowhere.
    """
    return [ct for ct in biggest_first(standing.fleet, cts) if not _put_lightest(standing, ct)]


def biggest_first(fleet: Fleet, cts: Ints) -> list[int]:
    """Order by the largest share of an average node; what few nodes may have goes before what any may have."""
    if not len(cts) or not len(fleet.active):
        return [int(ct) for ct in cts]
    share = (fleet.demand[cts] / fleet.room[fleet.active].mean(axis=0)).max(axis=1)
    choice = fleet.kind_fits()[:, fleet.active].sum(axis=1)[fleet.kind[cts]]
    return [int(ct) for ct in cts[np.lexsort((-share, choice))]]


def _put_lightest(standing: Standing, ct: int) -> bool:
    """Return whether any node may have it."""
    nodes = np.flatnonzero(standing.welcome(ct))
    if not len(nodes):
        return False
    after = (standing.use[nodes] + standing.fleet.demand[ct]) / standing.fleet.room[nodes]
    standing.put(ct, int(nodes[after.max(axis=1).argmin()]))
    return True
