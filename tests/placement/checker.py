"""The rules once more, in plain Python and from the file's words alone: the planner may not judge itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

SLACK = 1 + 1e-9


def broken_rules(fleet: dict[str, Any], proposal: dict[str, Any]) -> list[str]:
    """Walk through the moves one by one and tell every rule that one of them breaks, and what is wrong at the end."""
    return [*_walk(fleet, proposal), *_at_the_end(fleet, proposal)]


def _walk(fleet: dict[str, Any], proposal: dict[str, Any]) -> Iterator[str]:
    nodes = {node["name"]: node for node in fleet["nodes"]}
    cts = {ct["name"]: ct for ct in fleet["containers"]}
    at = {name: ct["node"] for name, ct in cts.items()}
    for name, target in proposal["moves"]:
        ct, node = cts[name], nodes[target]
        there = [cts[other] for other, place in at.items() if place == target]
        if target == at[name]:
            yield f"{name} is on {target} already"
        if node["drained"]:
            yield f"{name} goes to {target}, which is drained"
        if ct["pinned"]:
            yield f"{name} is pinned"
        if not set(ct["requires"]) <= set(node["tags"]):
            yield f"{name} goes to {target}, which lacks tags"
        if ct["group"] and any(other["group"] == ct["group"] for other in there):
            yield f"{name} meets its group on {target}"
        yield from _overfull(fleet, node, [*there, ct])
        at[name] = target
    moved = {name: place for name, place in at.items() if place != cts[name]["node"]}
    if moved != proposal["plan"]:
        yield f"the moves lead to {moved}, the plan says {proposal['plan']}"


def _overfull(fleet: dict[str, Any], node: dict[str, Any], cts: list[dict[str, Any]]) -> Iterator[str]:
    for resource in fleet["resources"]:
        if sum(ct[resource] for ct in cts) > fleet["limits"][resource] * node[resource] * SLACK:
            yield f"{node['name']} is overfull in {resource}"


def _at_the_end(fleet: dict[str, Any], proposal: dict[str, Any]) -> Iterator[str]:
    held = defaultdict(list)
    for ct in fleet["containers"]:
        held[proposal["plan"].get(ct["name"], ct["node"])].append(ct)
    excused = {one["ct"] for one in proposal["impossible"]}
    for node in fleet["nodes"]:
        if node["drained"]:
            yield from (f"{ct['name']} is left" for ct in held[node["name"]] if ct["name"] not in excused)
        elif not _left_as_it_was(fleet, proposal, node["name"]):
            yield from _overfull(fleet, node, held[node["name"]])


def _left_as_it_was(fleet: dict[str, Any], proposal: dict[str, Any], node: str) -> bool:
    """What was overfull before is not the plan's doing, as long as nothing goes there."""
    return node not in proposal["plan"].values()


def pressure(fleet: dict[str, Any], plan: dict[str, str]) -> dict[str, float]:
    """The highest use of each node as a share of what may be used."""
    use: dict[str, dict[str, float]] = {node["name"]: dict.fromkeys(fleet["resources"], 0.0) for node in fleet["nodes"]}
    for ct in fleet["containers"]:
        for resource in fleet["resources"]:
            use[plan.get(ct["name"], ct["node"])][resource] += ct[resource]
    limits = fleet["limits"]
    return {
        node["name"]: max(use[node["name"]][r] / (limits[r] * node[r]) for r in fleet["resources"])
        for node in fleet["nodes"]
    }
