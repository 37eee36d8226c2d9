"""The fleet as placement sees it, taken from the rows at one moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from migrations_app.capacity import in_flight, node_room
from migrations_app.capacity.apart import groups_of
from migrations_app.capacity.demand import ContainerRow, Demands, Overcommit, read_containers, read_wishes
from migrations_app.capacity.in_flight import Journey
from migrations_app.capacity.node_room import RESOURCES, NodeRoom
from migrations_app.models import Container
from migrations_app.placement.fleet import NO_GROUP, NOWHERE, Fleet, Floats, Ints
from migrations_app.placement.standing import Standing

_PLOOP = frozenset({"layout:ploop"})
_STANDS_STILL = (Container.Status.SUSPENDED, Container.Status.PAUSED, Container.Status.MOUNTED)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """``fleet`` with the row keys of its nodes and containers beside it.

    ``room`` is what may be used of each node, ``passing`` what of it is taken by those who leave it or pass through.
    The fleet's is what is left, and larger where a node holds more than that already.
    ``held`` says of containers why they stay, by key.
    """

    fleet: Fleet
    rooms: tuple[NodeRoom, ...]
    keys: tuple[int, ...]
    room: Floats
    passing: Floats
    held: Mapping[int, str]
    notes: list[str]

    @cached_property
    def node_rows(self) -> dict[int, int]:
        return {node.pk: row for row, node in enumerate(self.rooms)}

    @cached_property
    def rows(self) -> dict[int, int]:
        return {key: row for row, key in enumerate(self.keys)}

    def pressures(self, where: Ints) -> Floats:
        """Return each node's use as a share of what may be used, by resource."""
        shares: Floats = (Standing.of(self.fleet, where).use + self.passing) / self.room
        return shares


def take(
    *,
    settings: Mapping[str, Any],
    now: datetime,
    emptied: Collection[int] = (),
    with_closed: bool = False,
    levels: bool = False,
    placed: int | None = None,
) -> Picture:
    """Take the picture, in as many queries for any number of nodes and containers.

    :param emptied: keys of nodes that are to be empty, whatever state they are in.
    :param with_closed: show nodes that nothing may be sent to as drained; else they and their containers are left out.
    :param levels: leave nodes overfull that are; else each has room for what it holds, and none beyond.
    :param placed: the key of a container that is to be placed wherever it is.
    """
    nodes, unknown = node_room.read(settings)
    closed = {node.pk: node.closed for node in nodes if node.closed and node.pk not in emptied}
    shown = [node for node in nodes if with_closed or node.pk not in closed]
    everywhere = {node.pk: node for node in nodes}
    rows = [row for row in read_containers() if row.node_id in everywhere]
    over = Overcommit(memory=settings["memory_overcommit"], disk=settings["disk_overcommit"])
    draft = _Draft(shown, rows, Demands(rows, everywhere, over=over, now=now), in_flight.read(), placed)
    draft.drained = np.array([node.pk in emptied or node.pk in closed for node in shown], dtype=bool)
    return draft.picture(levels=levels, notes=_unknown(unknown) + ([] if with_closed else _left_out(closed)))


def _unknown(names: Sequence[str]) -> list[str]:
    return [f"Left out, because its size is not known: {name}." for name in names]


def _left_out(closed: Mapping[int, str]) -> list[str]:
    return [f"Left out: {why}." for why in closed.values()]


class _Draft:
    def __init__(
        self,
        nodes: Sequence[NodeRoom],
        rows: Sequence[ContainerRow],
        demands: Demands,
        journeys: Mapping[int, Journey],
        placed: int | None,
    ) -> None:
        self._nodes = tuple(nodes)
        self._node_rows = {node.pk: number for number, node in enumerate(nodes)}
        self._demands = demands
        self._journeys = journeys
        self._all = rows
        self._wishes = read_wishes()
        self._needs = {pk: node.needs for pk, node in demands.nodes.items()}
        self.drained = np.zeros(len(nodes), dtype=bool)
        ends = [(row, self._end_of(row)) for row in rows]
        self._rows = [row for row, node in ends if node in self._node_rows or row.pk == placed]
        home = [self._node_rows.get(node, NOWHERE) for row, node in ends if node in self._node_rows or row.pk == placed]
        self._home: Ints = np.array(home, dtype=np.int64)
        self._demand = np.array([demands.of(row) for row in self._rows], dtype=np.float64).reshape(-1, len(RESOURCES))

    def _end_of(self, row: ContainerRow) -> int:
        journey = self._journeys.get(row.pk)
        return journey.target if journey else row.node_id

    def picture(self, *, levels: bool, notes: list[str]) -> Picture:
        held = self._held()
        room, passing = self._room(), self._passing()
        fleet = self._fleet(held, np.maximum(room - passing, room / 100))
        use = Standing.of(fleet, fleet.home).use
        if not levels:
            fleet = replace(fleet, room=np.maximum(fleet.room, use))
        return Picture(
            fleet=fleet,
            rooms=self._nodes,
            keys=tuple(row.pk for row in self._rows),
            room=room,
            passing=passing,
            held=held,
            notes=[*notes, *_overfull(fleet, use + passing > room * (1 + 1e-9)), *self._unlimited()],
        )

    def _held(self) -> dict[int, str]:
        """Return why containers stay where they are."""
        found: dict[int, str] = {}
        numbers = Counter(row.ctid for row in self._rows)
        for row in self._rows:
            if row.pk in self._journeys:
                found[row.pk] = self._journeys[row.pk].why
            elif row.pinned:
                found[row.pk] = f"It is pinned: {row.pin_reason or 'no reason was given'}."
            elif row.status in _STANDS_STILL:
                found[row.pk] = f"It is {row.status}; only a running or a stopped container is moved."
            elif row.apart_group and numbers[row.ctid] > 1:
                found[row.pk] = f"Another container has its number {row.ctid}, and it is to be kept apart from others."
        return found

    def _room(self) -> Floats:
        """Return what may be used of each node."""
        held: dict[int, dict[str, float]] = defaultdict(lambda: {"mem": 0.0, "disk": 0.0})
        for row in self._all:
            held[row.node_id]["mem"] += row.memory_held_mib or 0
            held[row.node_id]["disk"] += row.disk_used_mib or 0
        room: Floats = np.array([node.room(held[node.pk]) for node in self._nodes]).reshape(-1, len(RESOURCES))
        return room

    def _passing(self) -> Floats:
        """Return what those take of each node who are to leave it, or to stop there on their way."""
        passing: Floats = np.zeros((len(self._nodes), len(RESOURCES)))
        for row in self._all:
            if journey := self._journeys.get(row.pk):
                for pk in journey.nodes - {journey.target} & self._node_rows.keys():
                    passing[self._node_rows[pk]] += self._demands.of(row)
        return passing

    def _fleet(self, held: Mapping[int, str], room: Floats) -> Fleet:
        kinds: dict[frozenset[str], int] = {}
        kind = [kinds.setdefault(self._requires(row), len(kinds)) for row in self._rows]
        names = groups_of(self._rows, self._home.tolist())
        groups: dict[str, int] = {}
        group = [groups.setdefault(name, len(groups)) if name else NO_GROUP for name in names]
        return Fleet(
            mode="evacuate",
            level=None,
            resources=RESOURCES,
            node_names=tuple(node.name for node in self._nodes),
            room=room,
            tags=tuple(node.tags for node in self._nodes),
            drained=self.drained,
            names=_names(self._rows, {pk: node.name for pk, node in self._demands.nodes.items()}),
            home=self._home,
            demand=self._demand,
            move_bytes=np.array([row.move_bytes for row in self._rows], dtype=np.int64),
            kinds=tuple(kinds),
            kind=np.array(kind, dtype=np.int64),
            groups=tuple(groups),
            group=np.array(group, dtype=np.int64),
            pinned=np.array([row.pk in held for row in self._rows], dtype=bool),
        )

    def _requires(self, row: ContainerRow) -> frozenset[str]:
        needs = self._needs[row.node_id] | self._wishes.get(row.pk, frozenset())
        return needs | _PLOOP if row.layout.startswith("ploop") else needs

    def _unlimited(self) -> list[str]:
        shown = {row.pk for row in self._rows}
        counts = Counter(name for pk, what in self._demands.unlimited.items() if pk in shown for name in what)
        words = {"cpu": "processors", "mem": "memory", "disk": "disk"}
        return [
            f"{counts[name]} containers have no limit on {words[name]}; they count by what they use."
            for name in RESOURCES
            if counts[name]
        ]


def _overfull(fleet: Fleet, over: np.ndarray) -> list[str]:
    """Say of which nodes more is promised than may be used."""
    found = []
    for column, name in enumerate(fleet.resources):
        nodes = [fleet.node_names[row] for row in np.flatnonzero(over[:, column] & ~fleet.drained)]
        if nodes:
            more = f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
            found.append(f"More {name} is promised than may be used on {', '.join(nodes[:5])}{more}.")
    return found


def _names(rows: Sequence[ContainerRow], node_names: Mapping[int, str]) -> tuple[str, ...]:
    """Return a name for each that no other has: the host name if it is its alone, else its number and node."""
    counts = Counter(row.hostname for row in rows)

    def name(row: ContainerRow) -> str:
        alone = counts[row.hostname] == 1 and row.hostname.isprintable() and "@" not in row.hostname
        return row.hostname if row.hostname and alone else f"{row.ctid}@{node_names[row.node_id]}"

    return tuple(map(name, rows))
