"""What no placement can beat, proven by sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from migrations_app.placement.fleet import Bools, Fleet, Floats, Ints
from migrations_app.placement.standing import Standing

# Beyond this a bound says "more than anything", which is to say: impossible.
BEYOND = 1e9
AT_ONCE = 256


def lowest_level(standing: Standing, cts: Ints) -> float:
    """Return a pressure that some node which receives must reach, if only ``cts`` move and all of them are placed.

    Nodes under more pressure than the level take nothing; the others fill up to it, as if containers were water.
    """
    return max(_water_level(standing, cts), *_levels_alone(standing, cts), 0.0)


def _water_level(standing: Standing, cts: Ints) -> float:
    fleet = standing.fleet
    pressure = standing.pressure()
    best = 0.0
    for nodes, members in _classes(fleet, cts):
        if not len(nodes):
            return BEYOND
        need = fleet.demand[members].sum(axis=0)
        order = nodes[np.argsort(pressure[nodes], kind="stable")]
        for column in range(len(fleet.resources)):
            room, use = fleet.room[order, column], standing.use[order, column]
            best = max(best, _fill(pressure[order], room, use, float(need[column])))
    return best


def _fill(pressure: Floats, room: Floats, use: Floats, need: float) -> float:
    """Return the lowest level at which nodes, sorted by the pressure up to which they are shut, hold ``need``."""
    if need <= 0:
        return 0.0
    # With the first k open the level would have to be this; it is right where it is not above what opens the next.
    level = (need + use.cumsum()) / room.cumsum()
    level = np.maximum(level, pressure)
    opens_next = np.append(pressure[1:], np.inf)
    return float(level[np.argmax(level <= opens_next)])


def _classes(fleet: Fleet, cts: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield, for every set of tags asked for, the nodes that have it and the containers that need at least it."""
    fits = fleet.kind_fits() & ~fleet.drained
    for kind in np.unique(fleet.kind[cts]):
        wider = [k for k, words in enumerate(fleet.kinds) if fleet.kinds[kind] <= words]
        yield np.flatnonzero(fits[kind]), cts[np.isin(fleet.kind[cts], wider)]
    yield fleet.active, cts


def _levels_alone(standing: Standing, cts: Ints) -> Iterator[float]:
    """Yield the level that each container needs if it had the fleet for itself."""
    pressure = standing.pressure()
    for begin in range(0, len(cts), AT_ONCE):
        some = cts[begin : begin + AT_ONCE]
        open_to: Bools = np.array([standing.welcome(ct) for ct in some.tolist()])
        after = _pressure_with(standing, some)
        lowest = np.where(open_to, np.maximum(after, pressure), BEYOND).min(axis=1, initial=BEYOND)
        yield float(lowest.max())


def _pressure_with(standing: Standing, cts: Ints) -> Floats:
    """Return the pressure of each node with each container added, containers by nodes."""
    fleet = standing.fleet
    columns = range(len(fleet.resources))
    shares = [
        (standing.use[None, :, column] + fleet.demand[cts, None, column]) / fleet.room[None, :, column]
        for column in columns
    ]
    highest: Floats = np.maximum.reduce(shares)
    return highest


def lowest_peak_of_all(fleet: Fleet, left_out: Ints | None = None) -> float:
    """Return a pressure that some active node must reach wherever the containers are put, but for those left out."""
    everything = np.arange(len(fleet.names))
    if left_out is not None:
        everything = np.setdiff1d(everything, left_out)
    best = 0.0
    for nodes, members in _classes(fleet, everything):
        need = fleet.demand[members].sum(axis=0)
        if not len(nodes):
            return BEYOND if len(members) else best
        best = max(best, float((need / fleet.room[nodes].sum(axis=0)).max()))
    return max(best, _peak_of_pinned(fleet))


def _peak_of_pinned(fleet: Fleet) -> float:
    pinned = fleet.pinned & (fleet.home >= 0)
    pinned[pinned] = ~fleet.drained[fleet.home[pinned]]
    use = np.zeros_like(fleet.room)
    np.add.at(use, fleet.home[pinned], fleet.demand[pinned])
    return float((use / fleet.room).max(initial=0.0))
