"""Find the best node for one container, other than the one it is on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.evacuation import evacuate
from migrations_app.placement.fleet import NOWHERE, Fleet
from migrations_app.placement.proposal import Found


def place(fleet: Fleet, ct: int, budget: Budget, chance: np.random.Generator) -> Found:
    """Propose a node for the container, and who makes way for it if it fits nowhere."""
    goal = f"place:{fleet.names[ct]}"
    found = evacuate(_not_at_home(fleet, ct), np.array([ct], dtype=np.int64), budget, chance, goal=goal)
    return replace(found, chosen={ct: "It is the one to be placed"})


def _not_at_home(fleet: Fleet, ct: int) -> Fleet:
    """Return the fleet with a tag for every node but the container's own, which it requires from now on."""
    home = int(fleet.home[ct])
    if home == NOWHERE:
        return fleet
    elsewhere = f"a place beside {fleet.node_names[home]}"
    tags = tuple(words if node == home else words | {elsewhere} for node, words in enumerate(fleet.tags))
    kind = fleet.kind.copy()
    kind[ct] = len(fleet.kinds)
    return replace(fleet, tags=tags, kinds=(*fleet.kinds, fleet.kinds[fleet.kind[ct]] | {elsewhere}), kind=kind)
