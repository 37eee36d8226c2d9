"""What would happen if a node were lost: whether its containers would find room on the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from migrations_app.placement import bounds, solver
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Fleet, Ints
from migrations_app.placement.standing import Standing
from migrations_app.placement.start import biggest_first

# Packing by hand failed: so long may the solver look whether it can be done after all.
EXACT_SECONDS = 1.0
MOST_CHOICES = 9_000


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A node whose containers found no room on the others, and those of them that were left over."""

    node: int
    homeless: list[int]


def losses(standing: Standing, budget: Budget) -> Iterator[Loss]:
    """Yield every active node whose loss no way was found to survive; nothing but what it holds may move.

    The rules are those for moves, but what was pinned there has lost its place.
    """
    trial = standing.copy()
    for node in standing.fleet.active.tolist():
        mine = np.flatnonzero(standing.where == node)
        homeless = _left_over(trial, node, mine)
        if homeless and not _fits_exactly(standing, node, mine, budget):
            yield Loss(node=node, homeless=homeless)


def _left_over(trial: Standing, node: int, mine: Ints) -> list[int]:
    """Return who finds no room, the biggest first, each where most is left; the trial is as before afterwards."""
    use = trial.use.copy()
    for ct in mine.tolist():
        trial.lift(ct)
    trial.shut(node)
    left = [ct for ct in biggest_first(trial.fleet, mine) if not _put_where_most_is_left(trial, ct)]
    trial.reopen()
    for ct in mine.tolist():
        if trial.where[ct] != NOWHERE:
            trial.lift(ct)
        trial.put(ct, node)
    trial.use[:] = use
    return left


def _put_where_most_is_left(standing: Standing, ct: int) -> bool:
    nodes = np.flatnonzero(standing.welcome(ct) & standing.roomy(ct))
    if not len(nodes):
        return False
    after = (standing.use[nodes] + standing.fleet.demand[ct]) / standing.fleet.room[nodes]
    standing.put(ct, int(nodes[after.max(axis=1).argmin()]))
    return True


def _fits_exactly(standing: Standing, node: int, mine: Ints, budget: Budget) -> bool:
    where = standing.where.copy()
    where[mine] = NOWHERE
    others = Standing.of(standing.fleet.with_drained([node]), where)
    nodes = others.fleet.active.tolist()
    if not solver.is_installed() or len(mine) * len(nodes) > MOST_CHOICES:
        return False
    if bounds.lowest_level(others, mine) > 1 + ROUNDING:
        return False
    question = solver.Question(standing=others, cts=mine.tolist(), nodes=nodes, level=1.0)
    return solver.ask(question, min(EXACT_SECONDS, budget.left_seconds)).where is not None


def never_survived(fleet: Fleet, node: int) -> bool:
    """Tell whether the others could not hold everything however it was placed; proven by sums."""
    return bounds.lowest_peak_of_all(fleet.with_drained([node])) > 1 + ROUNDING


def why_not(standing: Standing, loss: Loss) -> str:
    """Say who would find no room, and what is missing."""
    fleet = standing.fleet
    mine = np.flatnonzero(standing.where == loss.node)
    first = fleet.names[loss.homeless[0]]
    others = f" and {len(loss.homeless) - 1} more" if len(loss.homeless) > 1 else ""
    return (
        f"Were {fleet.node_names[loss.node]} lost, {first}{others} of its {len(mine)} containers would find no room "
        f"on the others: {_missing(standing, loss.node, mine)}"
    )


def _missing(standing: Standing, node: int, mine: Ints) -> str:
    fleet = standing.fleet
    others = fleet.active[fleet.active != node]
    free = np.maximum(fleet.room[others] - standing.use[others], 0.0).sum(axis=0)
    needed = fleet.demand[mine].sum(axis=0)
    short = [
        f"{need:.6g} {name} are needed, {have:.6g} are free"
        for name, need, have in zip(fleet.resources, needed, free, strict=True)
        if need > have
    ]
    return "; ".join(short) or "what is free lies where tags or groups forbid them, or in pieces that are too small"
