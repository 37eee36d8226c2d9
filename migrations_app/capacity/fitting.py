"""How many more containers of one size fit, with every node and with any one of them lost.

Places for equal containers are counted exactly: on each node as often as the size goes into what is free. What stood on
a lost node is of many sizes and is really packed on the others, which takes places there; so the answer with a loss is
"at least". Which containers must not meet, and tags, are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from migrations_app.capacity.overview import NodeRow
from migrations_app.models import Node
from migrations_app.vz.facts import ContainerUse, NodeUse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAMES: Final = ("cpu", "memory", "disk")
KIB_PER_MIB = 1024
# What was on a lost node is put on so many of the roomiest others; on all, where it does not go there.
MOST_OTHERS = 128
# So many losses, the worst by a careful estimate, are really packed; the rest count as estimated.
MOST_LOSSES = 8
# Of fewer nodes no two packings have none in common that would hold anything.
FEWEST_FOR_LARGEST = 4
BARELY = 1e-9
VERSION: Final = b"\x01"
BYTES_PER_CONTAINER: Final = 4 * 2 * len(NAMES)
MOST = 2**40


@dataclass(frozen=True, kw_only=True)
class Fits:
    """How many more of one size fit: into all nodes, and at least so many whichever node is lost."""

    by_use: int
    by_use_with_loss: int
    by_promise: int
    by_promise_with_loss: int


def pack_sizes(use: NodeUse, cores: Mapping[str, float]) -> bytes:
    """Return what each container uses and what it is promised, as six numbers in a row.

    One without a limit is promised the node; what is not known of a running one counts as what it is promised.
    """
    rows = [[*_used(one, promised, cores), *promised] for one in use.containers if (promised := _promised(one, use))]
    return VERSION + np.array(rows, dtype="<f4").tobytes()


def _promised(one: ContainerUse, use: NodeUse) -> tuple[float, float, float]:
    percent = one.cpu_limit_percent or (one.cpus or use.processors) * 100
    return (
        min(percent / 100, use.processors),
        min(one.memory_limit_kib or use.memory_total_kib, use.memory_total_kib) / KIB_PER_MIB,
        min(one.disk_limit_kib or use.disk_total_kib, use.disk_total_kib) / KIB_PER_MIB,
    )


def _used(
    one: ContainerUse, promised: tuple[float, float, float], cores: Mapping[str, float]
) -> tuple[float, float, float]:
    disk = promised[2] if one.disk_kib is None else one.disk_kib / KIB_PER_MIB
    if one.status != "running":
        return 0.0, 0.0, disk
    memory = promised[1] if one.memory_kib is None else one.memory_kib / KIB_PER_MIB
    return cores.get(one.ctid, promised[0]), memory, disk


def unpack_sizes(body: bytes) -> Floats | None:
    """Return containers by (used, promised) by resource; None where that is not known."""
    if not body.startswith(VERSION) or len(body) % BYTES_PER_CONTAINER != len(VERSION):
        return None
    return np.frombuffer(body, dtype="<f4", offset=len(VERSION)).reshape(-1, 2, len(NAMES)).astype(np.float64)


def _sizes(row: NodeRow) -> Floats:
    """Return the containers of a node; where they are not known, all of it as one."""
    known = unpack_sizes(row.sizes)
    if known is not None:
        return known
    return np.array([[[amounts[name] for name in NAMES] for amounts in (row.used, row.promised)]])


def fits(rows: Sequence[NodeRow], size: Mapping[str, float], limits: Mapping[str, float]) -> Fits:
    """Return how many more of this size go to the nodes in service that answered lately; each keeps its reserve."""
    known = [row for row in rows if _counts(row)]
    sizes = [_sizes(row) for row in known]
    wanted = np.array([size[name] for name in NAMES])
    room = np.array([[row.total[name] * limits[name] for name in NAMES] for row in known]).reshape(-1, len(NAMES))
    counts = []
    for number, amounts in enumerate(([row.used for row in known], [row.promised for row in known])):
        held = np.array([[amount[name] for name in NAMES] for amount in amounts]).reshape(-1, len(NAMES))
        counts += _Count(room - held, [one[:, number] for one in sizes], wanted).both()
    return Fits(by_use=counts[0], by_use_with_loss=counts[1], by_promise=counts[2], by_promise_with_loss=counts[3])


def _counts(row: NodeRow) -> bool:
    if row.is_stale or row.duty != Node.Duty.IN_SERVICE:
        return False
    return all(name in row.total and name in row.used and name in row.promised for name in NAMES)


def _largest_first(held: Sequence[Floats], size: Floats) -> Floats:
    """Return nodes by containers by resources, the largest of each node first; missing ones take nothing."""
    table = np.zeros((len(held), max((len(one) for one in held), default=0), len(size)))
    for row, one in zip(table, held, strict=True):
        row[: len(one)] = one
    order = np.argsort(-(table / size).max(axis=2, initial=0.0), axis=1, kind="stable")
    return np.take_along_axis(table, order[:, :, None], axis=1)


class _Count:
    def __init__(self, free: Floats, held: Sequence[Floats], size: Floats) -> None:
        """``held`` is what each container takes, by node; of the size everything is more than nothing."""
        self._free = np.maximum(free, 0.0)
        self._held = _largest_first(held, size)
        self._size = size
        self._places = self._places_in(self._free)
        self._known: dict[int, int] = {}
        needs = np.ceil(self._held / size - BARELY).max(axis=2, initial=0).astype(np.int64)
        self._needs: list[int] = needs.sum(axis=1).tolist()
        self._largest_need: list[int] = needs.max(axis=1, initial=1).tolist()

    def both(self) -> list[int]:
        whole = int(self._places.sum())
        return [whole, whole - min(whole, self._worst_loss(whole))]

    def _places_in(self, free: Floats) -> Ints:
        places: Ints = np.floor(free / self._size + BARELY).min(axis=-1, initial=MOST).astype(np.int64)
        return places

    def _worst_loss(self, whole: int) -> int:
        """Return how many places that loss takes which takes most: those on the node, and those for what it held."""
        most, places = self._cost_of_largest(), self._places.tolist()
        estimates = [
            min(whole, places[node] + most if most < MOST else self._estimate(node)) for node in range(len(places))
        ]
        worst = 0
        for tried, node in enumerate(sorted(range(len(estimates)), key=lambda node: -estimates[node])):
            if estimates[node] <= worst:
                break
            worst = max(worst, self._taken_by(node, whole) if tried < MOST_LOSSES else estimates[node])
        return worst

    def _cost_of_largest(self) -> int:
        """Return how many places no node's containers exceed; more than there are, where that cannot be told so.

        The largest of every node, the second largest, and so on are packed as if one node had held them all: twice, on
        nodes that have none in common, because whichever is lost, one of the packings does not need it.
        """
        if len(self._held) < FEWEST_FOR_LARGEST:
            return MOST
        largest = self._held.max(axis=0)
        order = np.argsort(-self._places, kind="stable")[: 2 * MOST_OTHERS]
        costs = [self._cost(largest, order[part::2]) for part in (0, 1)]
        return max(MOST if cost is None else cost for cost in costs)

    def _estimate(self, node: int) -> int:
        """Return how many places at most; more than there are, where whole places may not do.

        Each container stands in whole places. If those of the others suffice even with one less than the largest needs
        left over on every node, whoever comes last still finds enough on one of them.
        """
        needs, left_over, own = self._needs[node], self._largest_need[node] - 1, int(self._places[node])
        suffices = self._beyond(left_over) - max(0, own - left_over) >= needs
        return own + needs if suffices else MOST

    def _beyond(self, left_over: int) -> int:
        """Return how many places there are with so many left over on every node."""
        if left_over not in self._known:
            self._known[left_over] = int(np.maximum(self._places - left_over, 0).sum())
        return self._known[left_over]

    def _taken_by(self, node: int, whole: int) -> int:
        """Return how many places the loss really takes; all, where what the node held finds no room."""
        others = np.argsort(-self._places, kind="stable")
        others = others[others != node]
        cost = self._cost(self._held[node], others[:MOST_OTHERS])
        if cost is None:
            cost = self._cost(self._held[node], others)
        return whole if cost is None else int(self._places[node]) + cost

    def _cost(self, held: Floats, others: Ints) -> int | None:
        """Put containers on the others, in order, each where it costs the fewest places; return all it costs."""
        free, places = self._free[others].copy(), self._places[others].copy()
        for amounts in held[held.any(axis=1)]:
            able = np.flatnonzero((free + BARELY >= amounts).all(axis=1))
            if not len(able):
                return None
            after = np.maximum(free[able] - amounts, 0.0)
            left = self._places_in(after)
            cost = places[able] - left
            # Of the same cost where least is left: the roomy ones stay for the next.
            cheapest = np.flatnonzero(cost == cost.min())
            chosen = int(cheapest[(after[cheapest] / self._size).sum(axis=1).argmin()])
            places[able[chosen]], free[able[chosen]] = left[chosen], after[chosen]
        return int(self._places[others].sum() - places.sum())
