"""Empty the drained nodes: only what stands there moves, to where it presses least."""

from __future__ import annotations

import numpy as np

from migrations_app.placement import bounds, start
from migrations_app.placement.budget import Budget
from migrations_app.placement.fleet import ROUNDING, Fleet
from migrations_app.placement.order import legal_order
from migrations_app.placement.proposal import Found
from migrations_app.placement.search import Levelling
from migrations_app.placement.standing import Standing


def evacuate(fleet: Fleet, budget: Budget, chance: np.random.Generator) -> Found:
    """Propose where the containers of drained nodes go."""
    strays = fleet.strays[~fleet.pinned[fleet.strays]]
    base = Standing.at_home(fleet, without=strays)
    standing = base.copy()
    left = start.spread(standing, strays)
    placed = strays[~np.isin(strays, left)]
    levelling = Levelling(standing, placed, chance)
    level = bounds.lowest_level(base, strays)
    levelling.run(level, budget)
    order = legal_order(fleet, standing.where, budget)
    return Found(
        goal="evacuate",
        where=standing.where,
        steps=order.steps,
        lower_bound={"bytes": float(fleet.move_bytes[strays].sum()), "peak_recv": level},
        gap=levelling.peak / level - 1 if level else 0.0,
        optimal=levelling.peak <= level + ROUNDING,
    )
