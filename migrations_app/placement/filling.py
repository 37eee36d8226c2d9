"""Fill nodes up, so that as many others as possible become empty."""

from __future__ import annotations

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import blocked_strays
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Fleet, Ints
from migrations_app.placement.order import destination, legal_order
from migrations_app.placement.proposal import Found
from migrations_app.placement.search import Levelling
from migrations_app.placement.standing import Standing
from migrations_app.placement.start import biggest_first

ORDER_SECONDS = 5.0
FITS_ELSEWHERE = "All of its node fits on the others, which leaves the node empty"


def fill(fleet: Fleet, budget: Budget, chance: np.random.Generator | None) -> Found:
    """Empty one node after the other, as long as the fullest of the others take all of it.

    The one with the fewest bytes is first; nodes that are to be empty anyway come before all.

    :param chance: spread what moved over the nodes that keep something; None: leave it as it came.
    """
    standing = Standing.of(fleet, fleet.home)
    emptied = [node for node in _cheapest_first(fleet) if not budget.spent and _empty(standing, node)]
    if chance is not None:
        standing = _evened_out(standing, budget, chance)
    order = legal_order(fleet.with_drained(emptied), standing.where, budget.more(ORDER_SECONDS))
    reached = destination(fleet, order)
    kept = len(np.unique(reached.where[reached.where != NOWHERE]))
    least = _fewest_nodes(fleet)
    gap = kept / least - 1 if least else 0.0
    blocked = blocked_strays(fleet, reached, fleet.strays, refuted=False)
    return Found(
        goal="fill",
        where=reached.where,
        steps=order.steps,
        lower_bound={"nodes": float(least)},
        gap=None if blocked else gap,
        optimal=gap <= ROUNDING,
        blocked=blocked,
        chosen=dict.fromkeys(np.flatnonzero(np.isin(fleet.home, emptied)).tolist(), FITS_ELSEWHERE),
        notes=[f"{kept} of {len(fleet.node_names)} nodes keep containers; fewer than {least} is not possible."],
    )


def _evened_out(standing: Standing, budget: Budget, chance: np.random.Generator) -> Standing:
    """Deal what moved out anew between the nodes in use."""
    fleet = standing.fleet
    even = Standing.of(fleet.with_drained(np.flatnonzero(~(standing.use > 0).any(axis=1)).tolist()), standing.where)
    Levelling(even, np.flatnonzero(standing.where != fleet.home), chance).run(0.0, budget)
    return even


def _cheapest_first(fleet: Fleet) -> list[int]:
    """Order the nodes that hold something and no pinned container: drained ones, then by the bytes on them."""
    on_node = np.bincount(fleet.home, weights=fleet.move_bytes, minlength=len(fleet.node_names))
    held = np.bincount(fleet.home, minlength=len(fleet.node_names)) > 0
    held[fleet.home[fleet.pinned]] = False
    nodes = np.flatnonzero(held)
    return [int(node) for node in nodes[np.lexsort((on_node[nodes], ~fleet.drained[nodes]))]]


def _empty(standing: Standing, node: int) -> bool:
    """Return whether everything on the node fits on the fullest of the others; if not, all is as before."""
    # What came from nodes that were emptied before would travel twice.
    mine = np.flatnonzero(standing.where == node)
    if (standing.fleet.home[mine] != node).any():
        return False
    for ct in biggest_first(standing.fleet, mine):
        target = _fullest_with_room(standing, ct, node)
        if target == NOWHERE:
            _back(standing, mine, node)
            return False
        standing.move(ct, target)
    return True


def _back(standing: Standing, cts: Ints, node: int) -> None:
    for ct in cts[standing.where[cts] != node].tolist():
        standing.move(ct, node)


def _fullest_with_room(standing: Standing, ct: int, node: int) -> int:
    possible = standing.welcome(ct) & standing.roomy(ct) & (standing.use > 0).any(axis=1)
    possible[node] = False
    nodes = np.flatnonzero(possible)
    if not len(nodes):
        return NOWHERE
    return int(nodes[(standing.use[nodes] / standing.fleet.room[nodes]).sum(axis=1).argmax()])


def _fewest_nodes(fleet: Fleet) -> int:
    """Return how many nodes there must be, were containers as divisible as water."""
    need = fleet.demand.sum(axis=0)
    counts = [_nodes_for(float(need[column]), fleet.room[:, column]) for column in range(len(fleet.resources))]
    return max(counts, default=0)


def _nodes_for(need: float, room: np.ndarray) -> int:
    if need <= 0:
        return 0
    held = np.sort(room)[::-1].cumsum() * (1 + ROUNDING)
    return int(np.argmax(held >= need)) + 1 if held[-1] >= need else len(room)
