"""Why a container cannot be where it should, and what would help: counted over all nodes, in words."""

from __future__ import annotations

from collections import Counter

import numpy as np

from migrations_app.placement.fleet import NOWHERE, ROUNDING, Fleet
from migrations_app.placement.rules import objections
from migrations_app.placement.standing import Standing

WORDS = {
    "tags": "lack a tag that it requires ({tags})",
    "apart": "have another of its group {group}",
    "room": "lack room",
    "pinned": "are not where it is pinned",
}


def never_possible(fleet: Fleet, ct: int) -> bool:
    """Tell whether no active node could have the container even if nothing else were there that may be moved."""
    if fleet.pinned[ct] and fleet.home[ct] != NOWHERE:
        return True
    fits = (fleet.demand[ct] <= fleet.room * (1 + ROUNDING)).all(axis=1) & ~fleet.drained
    return not any(fits[node] and fleet.kinds[fleet.kind[ct]] <= fleet.tags[node] for node in range(len(fits)))


def why_blocked(standing: Standing, ct: int) -> str:
    """Say what each active node lacks for the container as things stand, and the least that would help."""
    fleet = standing.fleet
    if fleet.pinned[ct] and fleet.home[ct] != NOWHERE:
        return f"It is pinned to {fleet.node_names[fleet.home[ct]]}, which is to be empty. Would help: unpin it."
    if not len(fleet.active):
        return "No node is left that is not to be empty. Would help: keep one."
    # Every node has one reason: the first of those that nothing but another fleet could change.
    found = Counter(_first_rule(standing, ct, node) for node in fleet.active.tolist())
    told = {"tags": ", ".join(sorted(fleet.kinds[fleet.kind[ct]])), "group": _group(fleet, ct)}
    counts = [f"{found[rule]} {words.format(**told)}" for rule, words in WORDS.items() if found[rule]]
    return f"Of {len(fleet.active)} nodes {', '.join(counts)}. Would help: {_help(standing, ct)}."


def _group(fleet: Fleet, ct: int) -> str:
    return fleet.groups[fleet.group[ct]] if fleet.group[ct] >= 0 else ""


def _first_rule(standing: Standing, ct: int, node: int) -> str:
    found = objections(standing, ct, node)
    return found[0].rule if found else ""


def _help(standing: Standing, ct: int) -> str:
    fleet = standing.fleet
    nodes = np.flatnonzero(standing.welcome(ct))
    if not len(nodes):
        return "a node with those tags, and without its group"
    missing = np.maximum(standing.use[nodes] + fleet.demand[ct] - fleet.room[nodes], 0.0)
    nearest = int((missing / fleet.room[nodes]).max(axis=1).argmin())
    amounts = [f"{amount:.6g} {name}" for name, amount in zip(fleet.resources, missing[nearest], strict=True) if amount]
    if not amounts:
        return f"{fleet.node_names[nodes[nearest]]} has room once the others have gone"
    return f"{' and '.join(amounts)} more on {fleet.node_names[nodes[nearest]]}"
