"""The hard rules, each saying in words and numbers what it objects to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from migrations_app.placement.fleet import NO_GROUP, NOWHERE, ROUNDING, Fleet, Ints
from migrations_app.placement.standing import Standing


@dataclass(frozen=True, kw_only=True)
class Objection:
    rule: str
    sentence: str


def objections(standing: Standing, ct: int, node: int, level: float = 1.0) -> list[Objection]:
    """Return everything that speaks against the container on the node as it stands; empty: it may go there."""
    found = (
        _drained(standing.fleet, node),
        _pinned(standing.fleet, ct, node),
        _tags(standing.fleet, ct, node),
        _apart(standing, ct, node),
        *(_room(standing, ct, node, column, level) for column in range(len(standing.fleet.resources))),
    )
    return [objection for objection in found if objection]


def _drained(fleet: Fleet, node: int) -> Objection | None:
    if not fleet.drained[node]:
        return None
    return Objection(rule="drained", sentence=f"{fleet.node_names[node]} is being emptied")


def _pinned(fleet: Fleet, ct: int, node: int) -> Objection | None:
    if not fleet.pinned[ct] or fleet.home[ct] in (node, NOWHERE):
        return None
    return Objection(rule="pinned", sentence=f"{fleet.names[ct]} is pinned to {fleet.node_names[fleet.home[ct]]}")


def _tags(fleet: Fleet, ct: int, node: int) -> Objection | None:
    missing = sorted(fleet.kinds[fleet.kind[ct]] - fleet.tags[node])
    if not missing:
        return None
    return Objection(rule="tags", sentence=f"{fleet.node_names[node]} has no tag {', '.join(missing)}")


def _apart(standing: Standing, ct: int, node: int) -> Objection | None:
    fleet = standing.fleet
    if fleet.group[ct] == NO_GROUP:
        return None
    twins = members_on(standing, int(fleet.group[ct]), node)
    others = [fleet.names[twin] for twin in twins if twin != ct]
    if not others:
        return None
    group = fleet.groups[fleet.group[ct]]
    return Objection(rule="apart", sentence=f"{fleet.node_names[node]} has {others[0]} of its group {group}")


def members_on(standing: Standing, group: int, node: int) -> Ints:
    return np.flatnonzero((standing.fleet.group == group) & (standing.where == node))


def _room(standing: Standing, ct: int, node: int, column: int, level: float) -> Objection | None:
    fleet = standing.fleet
    room = float(fleet.room[node, column]) * level
    used = float(standing.use[node, column])
    wanted = float(fleet.demand[ct, column]) * (standing.where[ct] != node)
    if used + wanted <= room + float(fleet.room[node, column]) * ROUNDING:
        return None
    told = f"{wanted:.10g} {fleet.resources[column]}, {max(0.0, room - used):.10g} of {room:.10g} are free"
    return Objection(rule="room", sentence=f"{fleet.node_names[node]}: needs {told}")
