"""The proposal as others read it: moves in order, what is proven of them, and a reason for each in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from migrations_app.placement.fleet import NOWHERE, Fleet, Floats, Ints
from migrations_app.placement.order import Step
from migrations_app.placement.standing import Standing

GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A container that cannot be where it should. ``proven``: no plan could put it there, whatever else moved."""

    ct: int
    why: str
    proven: bool


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came back with.

    ``gap`` is the share by which it may still be away from the best possible; None: the goal is not reached.
    ``peak_gap`` is the part of it that is due to the pressure on the nodes that receive.
    ``level`` is the pressure that no node which stays may pass.
    ``chosen`` says of single containers why they move, where that is not for the state of their node.
    """

    goal: str
    where: Ints
    steps: list[Step]
    lower_bound: Mapping[str, float]
    gap: float | None
    optimal: bool
    peak_gap: float = 0.0
    level: float = 1.0
    blocked: list[Blocked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chosen: Mapping[int, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        if any(blocked.proven for blocked in self.blocked):
            return "impossible"
        return "optimal" if self.optimal and not self.blocked else "feasible"


def write(fleet: Fleet, found: Found, seconds: float) -> dict[str, Any]:
    """Return the proposal as ``proposal/1`` has it."""
    end = Standing.of(fleet, found.where)
    moved = np.flatnonzero((found.where != fleet.home) & (found.where != NOWHERE))
    pressure = end.pressure()
    return {
        "format": "proposal/1",
        "goal": found.goal,
        "moves": [[fleet.names[step.ct], fleet.node_names[step.node]] for step in found.steps],
        "plan": {fleet.names[ct]: fleet.node_names[found.where[ct]] for ct in moved.tolist()},
        "peak": _rounded(pressure[fleet.active].max(initial=0.0)),
        "peak_recv": _rounded(pressure[found.where[moved]].max(initial=0.0)),
        "bytes": sum(int(fleet.move_bytes[step.ct]) for step in found.steps),
        "lower_bound": {name: _rounded(value) for name, value in found.lower_bound.items()},
        "gap": None if found.gap is None else _rounded(found.gap),
        "status": found.status,
        "reasons": dict(_reasons(fleet, found, pressure, end)),
        "impossible": [{"ct": fleet.names[one.ct], "why": one.why} for one in found.blocked],
        "notes": found.notes,
        "seconds": round(seconds, 3),
    }


def _rounded(value: float) -> float:
    return round(float(value), 9)


def _reasons(fleet: Fleet, found: Found, pressure: Floats, end: Standing) -> Iterator[tuple[str, str]]:
    waits = {step.ct: len(step.after) for step in found.steps if step.after}
    parked = {step.ct: fleet.node_names[step.node] for step in found.steps if step.parks}
    before = Standing.of(fleet, fleet.home).pressure()
    for ct in {step.ct: None for step in found.steps}:
        why = found.chosen.get(ct) or _why(fleet, ct, before)
        sentence = f"{why}; {_where_to(fleet, ct, int(found.where[ct]), end, pressure)}"
        if ct in parked:
            sentence += f", with a stop on {parked[ct]} until there is room"
        if ct in waits:
            sentence += f", after {_times(waits[ct], 'earlier move')} made room there"
        yield fleet.names[ct], f"{sentence}."


def _times(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' if count != 1 else ''}"


def _why(fleet: Fleet, ct: int, before: Floats) -> str:
    home = int(fleet.home[ct])
    if home == NOWHERE:
        return "It is new"
    if fleet.drained[home]:
        return f"{fleet.node_names[home]} is to be empty"
    return f"{fleet.node_names[home]} was filled to {before[home]:.1%} of what may be used, and this one makes way"


def _where_to(fleet: Fleet, ct: int, node: int, end: Standing, pressure: Floats) -> str:
    fullest = fleet.resources[int((end.use[node] / fleet.room[node]).argmax())]
    return (
        f"with it {fleet.node_names[node]} ends at {pressure[node]:.1%} of what may be used (fullest: {fullest}), "
        f"and {fleet.move_bytes[ct] / GIB:.1f} GiB cross the wire"
    )
