"""Bring containers back to the nodes they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import ROUNDING, Fleet
from migrations_app.placement.order import destination, legal_order, share_above
from migrations_app.placement.proposal import Blocked, Found
from migrations_app.placement.rules import objections
from migrations_app.placement.standing import Standing

IT_CAME_FROM_THERE = "It came from there"
NO_MOMENT = "It fits in the end, but no order of moves was found in which it could pass the others."


def bring_home(fleet: Fleet, origins: Mapping[int, int], budget: Budget) -> Found:
    """Propose that the containers go to the nodes they are paired with, as many as fit, and that nothing else moves."""
    wanted = np.array(sorted(origins), dtype=np.int64)
    pinned = np.ones(len(fleet.names), dtype=bool)
    pinned[wanted] = fleet.pinned[wanted]
    fleet = replace(fleet, pinned=pinned)
    end, refused = _put_back(fleet, origins)
    order = legal_order(fleet, end.where, budget)
    reached = destination(fleet, order)
    blocked = [Blocked(ct=ct, why=why, proven=False) for ct, why in refused.items()]
    blocked += [Blocked(ct=ct, why=NO_MOMENT, proven=False) for ct in order.stuck if ct not in refused]
    least = float(sum(fleet.move_bytes[[ct for ct in origins if ct not in refused]].tolist()))
    gap = share_above(fleet, order, least)
    return Found(
        goal="home",
        where=reached.where,
        steps=order.steps,
        lower_bound={"bytes": least},
        gap=None if blocked else gap,
        optimal=gap <= ROUNDING,
        blocked=blocked,
        chosen=dict.fromkeys(origins, IT_CAME_FROM_THERE),
    )


def _put_back(fleet: Fleet, origins: Mapping[int, int]) -> tuple[Standing, dict[int, str]]:
    """Return where all end of which as many went home as fit, and why the others did not."""
    shares = {ct: float((fleet.demand[ct] / fleet.room[node]).max()) for ct, node in origins.items()}
    largest_first = sorted(origins, key=lambda ct: (-shares[ct], ct))
    refused: dict[int, str] = {}
    while True:
        # All leave before one comes: who goes home makes room for others. Who cannot stays, and takes room again.
        going = [ct for ct in largest_first if ct not in refused]
        end = Standing.at_home(fleet, without=np.array(going, dtype=np.int64))
        staying = {ct: _why(end, ct, origins[ct]) for ct in going if not _went(end, ct, origins[ct])}
        if not staying:
            return end, refused
        refused |= staying


def _went(end: Standing, ct: int, node: int) -> bool:
    if end.fleet.pinned[ct] or not end.takes(ct, node):
        return False
    end.put(ct, node)
    return True


def _why(end: Standing, ct: int, node: int) -> str:
    return "; ".join(objection.sentence for objection in objections(end, ct, node)) + "."
