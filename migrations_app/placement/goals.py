"""What is wished for, as words of the terminal and as a change of the fleet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from migrations_app.placement.fleet import NOWHERE, Fleet
from migrations_app.placement.reading import LONGEST_NAME, FleetUnreadable, read_level

KINDS = ("evacuate", "rebalance", "place", "fill")


class GoalRefused(ValueError):
    """The goal is misspelt, or names what the fleet does not have."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """``level`` is for rebalance; None: the planner finds one. ``ct`` is for place."""

    kind: str
    level: float | None = None
    ct: int | None = None


def read_goal(text: str | None, fleet: Fleet) -> tuple[Goal, Fleet]:
    """Return the goal, and the fleet with the nodes drained that it wants empty. Without words the file's mode rules.

    :raises GoalRefused: with a sentence that says what would be understood.
    :raises FleetUnreadable: a container stands nowhere that is not the one to be placed.
    """
    kind, _, rest = (text or fleet.mode).partition(":")
    if kind not in KINDS or (rest and kind == "fill"):
        raise GoalRefused(f"--goal {_short(text)}: say evacuate:NODE[,NODE], rebalance:LEVEL, place:CT or fill")
    goal = Goal(kind=kind)
    if kind == "evacuate" and rest:
        fleet = fleet.with_drained([_node(fleet, name) for name in rest.split(",")])
    elif kind == "rebalance":
        goal = replace(goal, level=_level(rest, fleet))
    elif kind == "place":
        goal = replace(goal, ct=_container(fleet, rest))
    _refuse_homeless(fleet, goal.ct)
    return goal, fleet


def _short(text: str | None) -> str:
    return repr((text or "")[:LONGEST_NAME])


def _node(fleet: Fleet, name: str) -> int:
    if name not in fleet.node_names:
        raise GoalRefused(f"--goal: the fleet has no node {_short(name)}")
    return fleet.node_names.index(name)


def _container(fleet: Fleet, name: str) -> int:
    if name not in fleet.names:
        raise GoalRefused(f"--goal: the fleet has no container {_short(name)}")
    return fleet.names.index(name)


def _level(text: str, fleet: Fleet) -> float | None:
    if not text:
        return fleet.level
    try:
        return read_level(float(text), "level")
    except ValueError as cause:
        raise GoalRefused(f"--goal rebalance: the level must be above 0 and at most 1, not {_short(text)}") from cause


def _refuse_homeless(fleet: Fleet, placed: int | None) -> None:
    homeless = [ct for ct in np.flatnonzero(fleet.home == NOWHERE).tolist() if ct != placed]
    if homeless:
        raise FleetUnreadable(
            f"containers[{homeless[0]}].node: must be the name of a node; "
            "null is for the one container that place:CT names"
        )
