"""What a container takes of its node: what it is entitled to as well as what it uses, whichever is more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from migrations_app.capacity import chunks
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.node_room import RESOURCES, Amounts, NodeRoom
from migrations_app.capacity.rollup import known, percentile
from migrations_app.capacity.spans import Grain, spans_between
from migrations_app.models import Container

WEEK = timedelta(days=7)
# Opening a month of one container takes a millisecond; of more than these nobody waits for it.
MOST_MEASURED = 1_000


class ContainerRow(NamedTuple):
    """One container, as read from its row."""

    pk: int
    ctid: str
    hostname: str
    node_id: int
    status: str
    layout: str
    memory_held_mib: int | None
    memory_limit_mib: int | None
    disk_used_mib: int | None
    disk_limit_mib: int | None
    cpus: int | None
    cpu_limit_percent: int | None
    pinned: bool
    pin_reason: str
    apart_group: str

    @property
    def move_bytes(self) -> int:
        return ((self.disk_used_mib or 0) + (self.memory_held_mib or 0)) * 1024 * 1024


def read_containers() -> list[ContainerRow]:
    """Return every container that is there; one query."""
    rows = Container.objects.filter(gone_at=None).order_by("pk").values_list(*ContainerRow._fields)
    return [ContainerRow._make(row) for row in rows.iterator(chunk_size=10_000)]


def read_wishes() -> dict[int, frozenset[str]]:
    """Return the tags that containers require, by key of those that do: few do, and reading so costs little."""
    rows = Container.objects.filter(gone_at=None).exclude(requires=[]).values_list("pk", "requires")
    return {pk: frozenset(word for word in requires if isinstance(word, str)) for pk, requires in rows}


@dataclass(frozen=True, kw_only=True)
class Overcommit:
    """How much of memory and disk may be promised for each MiB that is there."""

    memory: float
    disk: float


class Demands:
    """Says what containers take. Those without a limit on processors are measured, all in a few queries."""

    def __init__(
        self, rows: Sequence[ContainerRow], nodes: Mapping[int, NodeRoom], *, over: Overcommit, now: datetime
    ) -> None:
        self.nodes = nodes
        self._over = over
        # As many limitless containers share what their node uses, where they were not measured themselves.
        self._limitless: dict[int, int] = defaultdict(int)
        self.unlimited = {row.pk: what for row in rows if (what := _without_limit(row, nodes.get(row.node_id)))}
        uncounted = [row for row in rows if "cpu" in self.unlimited.get(row.pk, ())]
        for row in uncounted:
            self._limitless[row.node_id] += 1
        self._cores = _cores_of_week([row.pk for row in uncounted[:MOST_MEASURED]], now)

    def of(self, row: ContainerRow) -> Amounts:
        node = self.nodes[row.node_id]
        mem = _sane(row.memory_limit_mib, node.has[1]) / self._over.memory
        disk = _sane(row.disk_limit_mib, node.has[2]) / self._over.disk
        return self._cpu(row, node), max(mem, row.memory_held_mib or 0), max(disk, row.disk_used_mib or 0)

    def _cpu(self, row: ContainerRow, node: NodeRoom) -> float:
        entitled = _cores(row)
        if entitled is not None:
            return min(entitled, node.has[0])
        # A limit is promised as often as the overcommit says; work that is really done is not stretched by it.
        share = node.cores_week / self._limitless[row.node_id]
        return min(self._cores.get(row.pk, share) * node.overcommit, node.has[0])


def _cores(row: ContainerRow) -> float | None:
    """Return how many processors it may keep busy; None: as many as the node has."""
    if not row.cpu_limit_percent:
        return row.cpus or None
    percent = row.cpu_limit_percent / 100
    return min(row.cpus, percent) if row.cpus else percent


def _without_limit(row: ContainerRow, node: NodeRoom | None) -> tuple[str, ...]:
    if node is None:
        return ()
    _, has_mem, has_disk = node.has
    limited = (
        row.cpus or row.cpu_limit_percent,
        _sane(row.memory_limit_mib, has_mem),
        _sane(row.disk_limit_mib, has_disk),
    )
    return () if all(limited) else tuple(name for name, limit in zip(RESOURCES, limited, strict=True) if not limit)


def _sane(limit: int | None, has: float) -> float:
    """Return the limit; 0 for none, and for one above what the node has, which limits nothing."""
    return float(limit) if limit and limit <= has else 0.0


def _cores_of_week(keys: Iterable[int], now: datetime) -> dict[int, float]:
    """Return the 95th percentile of the processors in use over the hours of the last seven days, where known."""
    subjects = [Subject(Kind.CONTAINER, pk) for pk in keys]
    hours: dict[int, list[float]] = defaultdict(list)
    for span in spans_between(Grain.HOUR, now - WEEK, now) if subjects else ():
        first, last = max(0, span.slot_of(now - WEEK)), min(span.slots, span.slot_of(now) + 1)
        for subject, grid in chunks.open_all(subjects, span).items():
            hours[subject.pk] += known(grid.column("cpu_cores", "p95")[first:last])
    return {pk: percentile(numbers, 95) for pk, numbers in hours.items() if numbers}
