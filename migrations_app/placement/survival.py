"""Change a plan so that any one node may be lost after it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import overfull_nodes
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Fleet, Ints
from migrations_app.placement.losses import Loss, losses, never_survived, why_not
from migrations_app.placement.order import Order, destination, legal_order, share_above
from migrations_app.placement.proposal import Blocked, Found
from migrations_app.placement.settling import fits, settle
from migrations_app.placement.standing import Standing

ORDER_SECONDS = 5.0
SECONDS_PER_LOSS = 1.5
ROUNDS = 4
SURVIVES = "Any one node may be lost afterwards: its containers find room on the others."
REFUSED = "Nothing is proposed, because not every node could be lost afterwards."


def survive(fleet: Fleet, found: Found, kept: list[int], budget: Budget, chance: np.random.Generator) -> Found:
    """Return the plan, with others moved too where that is needed to survive any loss; where none is found, no plan.

    :param kept: containers that stay where the plan puts them.
    """
    where, lost = found.where, list(losses(Standing.of(fleet, found.where), budget))
    for _ in range(ROUNDS):
        if not lost or budget.spent:
            break
        for loss in lost:
            where = _with_room_made(fleet, where, loss.node, found.level, kept, budget, chance)
        lost = list(losses(Standing.of(fleet, where), budget))
    if not lost and (where != found.where).any():
        order = legal_order(fleet, where, budget.more(ORDER_SECONDS), found.level)
        found = _gauged(fleet, found, order)
        lost = list(losses(Standing.of(fleet, found.where), budget.more(ORDER_SECONDS)))
    return _refused(fleet, found, where, lost) if lost else replace(found, notes=[*found.notes, SURVIVES])


def _with_room_made(
    fleet: Fleet, where: Ints, node: int, level: float, kept: list[int], budget: Budget, chance: np.random.Generator
) -> Ints:
    """Return where others would have made way for what the node holds, and leave that where it is.

    Where those have gone before the loss, the rest finds room after it.
    """
    pinned = fleet.pinned & (where != node)
    pinned[kept] = where[kept] != node
    shut = [node, *np.flatnonzero(overfull_nodes(Standing.of(fleet, where))).tolist()]
    lost = replace(fleet, home=where, pinned=pinned).with_drained(shut)
    mine = np.flatnonzero(where == node)
    settled = settle(lost, mine, 1.0, budget.strictly(SECONDS_PER_LOSS), chance, polish=False)
    if settled.homeless or not fits(settled.standing, 1.0):
        return where
    after = settled.standing.where.copy()
    after[mine] = node
    within = fits(Standing.of(fleet.with_drained(shut[1:]), after), level)
    return after if within else where


def _gauged(fleet: Fleet, found: Found, order: Order) -> Found:
    """Measure the plan anew: it moves more than the strays, so that their bound of the peak no longer holds."""
    reached = destination(fleet, order)
    lower = {name: least for name, least in found.lower_bound.items() if name != "peak_recv"}
    gap = found.gap
    if gap is not None and "nodes" in lower:
        kept = len(np.unique(reached.where[reached.where != NOWHERE]))
        gap = kept / lower["nodes"] - 1 if lower["nodes"] else 0.0
    elif gap is not None:
        gap = share_above(fleet, order, lower["bytes"])
    optimal = gap is not None and gap <= ROUNDING
    return replace(
        found, where=reached.where, steps=order.steps, lower_bound=lower, gap=gap, peak_gap=0.0, optimal=optimal
    )


def _refused(fleet: Fleet, found: Found, where: Ints, lost: list[Loss]) -> Found:
    after, today = Standing.of(fleet, where), Standing.of(fleet, fleet.home)
    provable = not found.blocked and not overfull_nodes(today).any()
    blocked = [_block(after, loss, proven=provable and never_survived(fleet, loss.node)) for loss in lost]
    return replace(
        found, where=fleet.home, steps=[], gap=None, blocked=[*found.blocked, *blocked], notes=[*found.notes, REFUSED]
    )


def _block(after: Standing, loss: Loss, *, proven: bool) -> Blocked:
    known = " Proven: no placement would survive that." if proven else " More --seconds may find a way."
    help_ = " Would help: another node, or less on those there are."
    return Blocked(ct=loss.homeless[0], why=f"{why_not(after, loss)}.{known}{help_}", proven=proven)
