"""Empty the drained nodes."""

from __future__ import annotations

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.explanation import never_possible, why_blocked
from migrations_app.placement.fleet import NOWHERE, ROUNDING, Bools, Fleet, Ints
from migrations_app.placement.order import Order, destination, legal_order, share_above
from migrations_app.placement.proposal import Blocked, Found
from migrations_app.placement.settling import settle
from migrations_app.placement.standing import Standing

ORDER_SECONDS = 5.0
SHOWN = 10
ASIDE = "Proven: what has to leave does not fit where there is room, so that others have to move aside."
NOT_PROVEN = "No place was found in the time given, which proves nothing; more --seconds may find one."


def evacuate(fleet: Fleet, strays: Ints, budget: Budget, chance: np.random.Generator, goal: str = "evacuate") -> Found:
    """Propose where the strays go; what cannot go is explained, and the others go all the same.

    What is over its limit already is left as it is, and receives nothing.
    """
    able = [ct for ct in strays.tolist() if not never_possible(fleet, ct)]
    movable = np.array(able, dtype=np.int64)
    overfull = np.flatnonzero(overfull_nodes(Standing.of(fleet, fleet.home)))
    open_fleet = fleet.with_drained(overfull.tolist())
    settled = settle(open_fleet, movable, 1.0, budget, chance, polish=True)
    _give_up_what_does_not_fit(settled.standing, movable)
    order = legal_order(open_fleet, settled.standing.where, budget.more(ORDER_SECONDS))
    reached = destination(fleet, order)
    # What is proven without the overfull nodes need not hold with them.
    lower = {"bytes": max(_bytes(fleet, movable), 0.0 if len(overfull) else settled.bytes_bound)}
    blocked = blocked_strays(fleet, reached, strays, refuted=settled.refuted and not len(overfull))
    gap = share_above(fleet, order, lower["bytes"])
    peak_gap = 0.0
    if _is_direct(order, movable):
        lower["peak_recv"] = settled.peak_bound
        peak_gap = settled.peak_of(movable) / settled.peak_bound - 1 if settled.peak_bound else 0.0
        gap = max(gap, peak_gap)
    return Found(
        goal=goal,
        where=reached.where,
        steps=order.steps,
        lower_bound=lower,
        gap=None if blocked else gap,
        peak_gap=peak_gap,
        optimal=gap <= ROUNDING,
        blocked=blocked,
        notes=[*_nothing_to_do(strays), *([] if settled.direct else [ASIDE]), *_left_overfull(fleet, overfull)],
    )


def _nothing_to_do(strays: Ints) -> list[str]:
    return [] if len(strays) else ["Nothing has to move: the nodes that are to be empty are."]


def _left_overfull(fleet: Fleet, overfull: Ints) -> list[str]:
    if not len(overfull):
        return []
    names = ", ".join(fleet.node_names[node] for node in overfull[:SHOWN].tolist())
    more = f" and {len(overfull) - SHOWN} more" if len(overfull) > SHOWN else ""
    return [f"Above what may be used as it is, so nothing goes there: {names}{more}. To relieve them: rebalance."]


def _bytes(fleet: Fleet, cts: Ints) -> float:
    return float(sum(fleet.move_bytes[cts].tolist()))


def _is_direct(order: Order, strays: Ints) -> bool:
    return len(order.steps) == len(strays) and {step.ct for step in order.steps} == set(strays.tolist())


def _give_up_what_does_not_fit(standing: Standing, strays: Ints) -> None:
    """Take strays off overfull nodes, the largest first, and put them where there is room after all, or nowhere."""
    fleet = standing.fleet
    lifted = []
    for node in np.flatnonzero(overfull_nodes(standing)).tolist():
        mine = strays[standing.where[strays] == node]
        shares = (fleet.demand[mine] / fleet.room[node]).max(axis=1)
        for ct in mine[np.argsort(-shares, kind="stable")].tolist():
            if overfull_nodes(standing)[node]:
                standing.lift(ct)
                lifted.append(ct)
    for ct in [*lifted, *strays[standing.where[strays] == NOWHERE].tolist()]:
        nodes = np.flatnonzero(standing.welcome(ct) & standing.roomy(ct))
        if standing.where[ct] == NOWHERE and len(nodes):
            standing.put(ct, int(nodes[0]))


def overfull_nodes(standing: Standing) -> Bools:
    """Tell which nodes that stay hold more than may be used."""
    over: Bools = (standing.use > standing.fleet.room * (1 + ROUNDING)).any(axis=1) & ~standing.fleet.drained
    return over


def blocked_strays(fleet: Fleet, reached: Standing, strays: Ints, *, refuted: bool) -> list[Blocked]:
    """Explain every stray that is still where it has to leave."""
    staying = [ct for ct in strays.tolist() if reached.where[ct] in (NOWHERE, fleet.home[ct])]
    return [_block(reached, ct, refuted=refuted) for ct in staying]


def _block(reached: Standing, ct: int, *, refuted: bool) -> Blocked:
    if never_possible(reached.fleet, ct):
        return Blocked(ct=ct, why=why_blocked(reached, ct), proven=True)
    known = "Proven: not all that have to leave can be placed, whatever moves aside." if refuted else NOT_PROVEN
    return Blocked(ct=ct, why=f"{known} {why_blocked(reached, ct)}", proven=refuted)
