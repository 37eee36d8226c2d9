"""A batch as one worker has it before it during its turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from migrations_app.models import Batch, BatchItem, Migration, Node

State = BatchItem.State
GONE_WRONG = (State.SKIPPED, State.FAILED)

# A batch may have thousands of items, and is looked at every few seconds: only what is looked at is read.
OF_ITEM: Final = (
    "batch",
    "position",
    "after",
    "source",
    "target",
    "method",
    "is_canary",
    "state",
    "why",
    "migration",
    "bytes_forecast",
    "seconds_forecast",
    "planned_from",
    "planned_until",
)
OF_CONTAINER: Final = tuple(
    f"container__{name}"
    for name in (
        "ctid",
        "hostname",
        "node",
        "owner",
        "apart_group",
        "pinned",
        "pin_reason",
        "gone_at",
        "disk_used_mib",
        "memory_held_mib",
    )
)
OF_MIGRATION: Final = (
    "container",
    "ctid",
    "source",
    "target",
    "state",
    "parked_from",
    "next_tick_at",
    "lease_token",
    "failure",
    "failure_detail",
    "finished_at",
    "freeze_seconds",
)


@dataclass(kw_only=True)
class Scene:
    batch: Batch
    now: datetime
    items: list[BatchItem] = field(init=False)
    # Earlier moves of the same container, and those that make room, by position.
    _before: dict[int, list[BatchItem]] = field(init=False)
    whys: dict[int, str] = field(default_factory=dict)  # what is to be noted of each item, by its key
    changed: bool = False  # something began or ended: the timetable is out of date

    def __post_init__(self) -> None:
        rows = self.batch.items.select_related("container").only(*OF_ITEM, *OF_CONTAINER)
        self.items = list(rows.order_by("position"))
        self._before = _predecessors(self.items)
        _give_nodes(self.items)
        _give_migrations([*self.waiting(), *self.moving()])

    def waiting(self) -> list[BatchItem]:
        return [item for item in self.items if item.state == State.WAITING]

    def moving(self) -> list[BatchItem]:
        return [item for item in self.items if item.state == State.MOVING]

    def is_over(self) -> bool:
        return all(item.state in BatchItem.ENDED_STATES for item in self.items)

    def first_hops(self) -> Iterator[BatchItem]:
        """Yield what waits, of each container the move that is next."""
        seen: set[int] = set()
        for item in self.items:
            if item.state in (State.WAITING, State.MOVING) and item.container_id not in seen:
                seen.add(item.container_id)
                if item.state == State.WAITING:
                    yield item

    def before(self, item: BatchItem) -> list[BatchItem]:
        return self._before[item.position]

    def waits_for(self, item: BatchItem) -> BatchItem | None:
        """Return the first that has to be done before and is not."""
        return next((one for one in self.before(item) if one.state != State.DONE), None)

    def lost_before(self, item: BatchItem) -> BatchItem | None:
        """Return one that should have been done before and never will be."""
        return next((one for one in self.before(item) if one.state in GONE_WRONG), None)


def _give_nodes(items: list[BatchItem]) -> None:
    """Many items share few nodes: each is read once."""
    wanted = {pk for item in items for pk in (item.source_id, item.target_id, item.container.node_id)}
    nodes = Node.objects.in_bulk(wanted)
    for item in items:
        item.source, item.target = nodes[item.source_id], nodes[item.target_id]
        item.container.node = nodes[item.container.node_id]


def _give_migrations(items: list[BatchItem]) -> None:
    rows = Migration.objects.only(*OF_MIGRATION).in_bulk({item.migration_id for item in items} - {None})
    for item in items:
        if item.migration_id is not None:
            item.migration = rows[item.migration_id]
            item.migration.container = item.container


def _predecessors(items: list[BatchItem]) -> dict[int, list[BatchItem]]:
    by_position = {item.position: item for item in items}
    last_hop: dict[int, BatchItem] = {}
    found: dict[int, list[BatchItem]] = defaultdict(list)
    for item in items:
        if earlier := last_hop.get(item.container_id):
            found[item.position].append(earlier)
        found[item.position] += [by_position[number] for number in item.after if number in by_position]
        last_hop[item.container_id] = item
    return found
