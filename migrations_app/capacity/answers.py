"""What the planner answered, with row keys for names, and what its moves are forecast to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from migrations_app.capacity import moves
from migrations_app.capacity.picture import Picture
from migrations_app.models import Container, Migration, Node
from migrations_app.placement.fleet import Ints
from migrations_app.placement.order import Step, replayed

Method = Migration.Method
Body = dict[str, Any]
MOST_IN_ONE_QUERY = 500


def body_of(picture: Picture, answer: Mapping[str, Any], *, now: datetime, settings: Mapping[str, Any]) -> Body:
    """Return the proposal with keys of rows for names, its moves told one by one, and their sums."""
    cts = {name: row for row, name in enumerate(picture.fleet.names)}
    nodes = {name: row for row, name in enumerate(picture.fleet.node_names)}
    steps = replayed(picture.fleet, [(cts[ct], nodes[node]) for ct, node in answer["moves"]])
    told = told_steps(picture, steps, now=now, settings=settings)
    return {
        **answer,
        "moves": [[step["ct"], step["node"]] for step in told],
        "plan": {str(picture.keys[cts[ct]]): picture.rooms[nodes[node]].pk for ct, node in answer["plan"].items()},
        "reasons": {str(picture.keys[cts[ct]]): why for ct, why in answer["reasons"].items()},
        "impossible": [_blocked(picture, picture.keys[cts[one["ct"]]], one["why"]) for one in answer["impossible"]],
        "notes": [*answer["notes"], *picture.notes],
        "steps": told,
        "sums": sums(told),
    }


def _blocked(picture: Picture, key: int, why: str) -> dict[str, Any]:
    """Say of what is held why it is, rather than that the planner took it for pinned."""
    return {"ct": key, "why": picture.held.get(key, why)}


def pressures(picture: Picture, where: Ints) -> dict[str, dict[str, list[float]]]:
    """Return the share of what may be used before and after, by node key and resource."""
    before, after = picture.pressures(picture.fleet.home), picture.pressures(where)
    return {
        str(node.pk): {
            name: [round(float(before[row, column]), 4), round(float(after[row, column]), 4)]
            for column, name in enumerate(picture.fleet.resources)
        }
        for row, node in enumerate(picture.rooms)
    }


def told_steps(
    picture: Picture, steps: Sequence[Step], *, now: datetime, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return each move with its keys, what it waits for, and its forecast."""
    containers = containers_by_key([picture.keys[step.ct] for step in steps])
    nodes = Node.objects.in_bulk(
        [picture.rooms[row].pk for step in steps for row in (step.source, step.node) if row >= 0]
    )
    trips = []
    for step in steps:
        container = containers[picture.keys[step.ct]]
        source = nodes[picture.rooms[step.source].pk] if step.source >= 0 else container.node
        trips.append(_trip(container, source, nodes[picture.rooms[step.node].pk], settings))
    forecasts = moves.foretell_all(trips, now)
    return [
        {
            "ct": trip.container_id,
            "source": trip.source_id,
            "node": trip.target_id,
            "parks": step.parks,
            "after": list(step.after),
            "method": trip.method,
            "bytes": int(picture.fleet.move_bytes[step.ct]),
            "seconds": forecast.seconds,
            "freeze_seconds": forecast.freeze_seconds,
            "owner": trip.container.owner_id,
        }
        for step, trip, forecast in zip(steps, trips, forecasts, strict=True)
    ]


def containers_by_key(keys: Sequence[int]) -> dict[int, Container]:
    found: dict[int, Container] = {}
    for start in range(0, len(keys), MOST_IN_ONE_QUERY):
        found |= Container.objects.select_related("node").in_bulk(keys[start : start + MOST_IN_ONE_QUERY])
    return found


def _trip(container: Container, source: Node, target: Node, settings: Mapping[str, Any]) -> Migration:
    """Return the migration as it is likely to become, which is never saved."""
    method = likely_method(container, source, target, settings)
    return Migration(container=container, source=source, target=target, method=method)


def likely_method(container: Container, source: Node, target: Node, settings: Mapping[str, Any]) -> Method:
    """Guess what `auto` will choose; what only a look at both nodes tells may still decide otherwise."""
    small = (container.memory_held_mib or 0) <= settings["live_max_memory_mib"] and (
        container.disk_used_mib or 0
    ) <= settings["live_max_data_gib"] * 1024
    can = source.can_checkpoint and target.can_checkpoint
    if can and small and container.status == Container.Status.RUNNING:
        return Method.LIVE
    return Method.DUMP if container.layout.startswith("ploop") else Method.STREAM


def sums(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all moves come to; a container without an owner is somebody of its own."""
    owners = {step["owner"] or f"container {step['ct']}" for step in steps}
    return {
        "moves": len(steps),
        "containers": len({step["ct"] for step in steps}),
        "bytes": sum(step["bytes"] for step in steps),
        "seconds": sum(step["seconds"] for step in steps),
        "freeze_seconds": sum(step["freeze_seconds"] for step in steps),
        "customers": len(owners),
    }
