"""Whole batches: plan one, start it, and let time pass until it has ended.

Two casts: migrations that only say how they went, which is quick, and real ones against the pretend fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.batches import states as batch_states
from migrations_app.models import Batch, BatchItem, Container, Migration
from migrations_app.usecases.advance_batch import advance_batch
from migrations_app.usecases.advance_migration import LeaseTaken, advance_migration
from migrations_app.usecases.plan_batch import BatchTerms, PlannedMove, plan_batch
from migrations_app.usecases.start_batch import start_batch
from tests.factories import make_container, make_node
from tests.fakes.clock import SettableClock
from tests.fakes.world import FakeWorld

MOST_LOOKS = 20_000
MOVE_SECONDS = 10.0
WINDOW_CLOSED = {"state": "parked", "parked_from": "running", "failure": "WindowClosed", "failure_detail": "closed"}
State = BatchItem.State


class Fleet:
    """Nodes with containers, and the one worker that looks after what is due."""

    def __init__(self, *, nodes: int = 3) -> None:
        self.clock = SettableClock()
        self.rows = {f"node-{number}": make_node(name=f"node-{number}") for number in range(1, nodes + 1)}
        self.actor = User.objects.create_user("dispatcher", is_staff=True)
        self.most_under_way = 0
        self.at_each_look: Callable[[], None] = lambda: None
        # How the migrations of a container end: columns of the row.
        self.ends: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, float] = {}  # how long it takes
        self.order: list[str] = []  # of whom began

    @property
    def now(self) -> datetime:
        return self.clock()

    def container(self, ctid: str, node: str = "node-1", **columns: Any) -> Container:
        return make_container(node=self.rows[node], ctid=ctid, hostname="", **columns)

    def containers(self, count: int, node: str = "node-1", **columns: Any) -> list[Container]:
        return [self.container(str(101 + number), node, **columns) for number in range(count)]

    def move(self, container: Container, target: str, **more: Any) -> PlannedMove:
        return PlannedMove(container=container, target=self.rows[target], **{"method": "stream"} | more)

    def moves(self, count: int, target: str = "node-2", **columns: Any) -> list[PlannedMove]:
        return [self.move(row, target) for row in self.containers(count, **columns)]

    def plan(self, moves: Iterable[PlannedMove], *, name: str = "Empty node-1", **terms: Any) -> Batch:
        wide = {"canaries": 0, "most_per_node": 9, "most_per_link": 9, "most_per_customer": 9}
        return plan_batch(
            name=name,
            moves=list(moves),
            terms=BatchTerms(**wide | terms),
            actor=self.actor,
            now=self.now,
            settings=settings.OVZ,
        )

    def start(self, batch: Batch) -> Batch:
        start_batch(batch=batch, actor=self.actor, now=self.now, settings=settings.OVZ)
        return batch

    def begin(self, moves: Iterable[PlannedMove], **terms: Any) -> Batch:
        return self.start(self.plan(moves, **terms))

    def tick(self, batch: Batch) -> Batch:
        advance_batch(batch_id=batch.pk, now=self.now, settings=settings.OVZ)
        batch.refresh_from_db()
        return batch

    def look(self) -> bool:
        """Do what is due, or let time pass until something is; return whether there is anything left to do."""
        due = list(Batch.objects.due(self.now))
        for batch in due:
            self.tick(batch)
        moves = list(Migration.objects.due(self.now).order_by("pk"))
        for migration in moves:
            self.advance(migration)
        self.most_under_way = max(self.most_under_way, Migration.objects.under_way(self.now).count())
        self.at_each_look()
        if due or moves:
            return True
        following = [at for at in (_next_batch(), _next_migration()) if at is not None]
        if following:
            self.clock.set(max(self.now, min(following)))
        return bool(following)

    def advance(self, migration: Migration) -> None:
        closes = migration.window_ends_at
        if migration.state == Migration.State.RUNNING:
            is_late = closes is not None and self.now >= closes
            self.end(migration, **WINDOW_CLOSED if is_late else self.ends.get(migration.ctid, {}))
            return
        self.order.append(migration.ctid)
        ends_at = self.now + timedelta(seconds=self.seconds.get(migration.ctid, MOVE_SECONDS))
        Migration.objects.filter(pk=migration.pk).update(
            state=Migration.State.RUNNING, started_at=self.now, next_tick_at=min(ends_at, closes or ends_at)
        )

    def end(self, migration: Migration, **columns: Any) -> None:
        """As the engine leaves a migration that ends or stops."""
        values: dict[str, Any] = {"state": Migration.State.DONE, "freeze_seconds": 1.0} | columns
        if values["state"] != Migration.State.PARKED:
            values |= {"finished_at": self.now}
        if values["state"] == Migration.State.DONE:
            Container.objects.filter(pk=migration.container_id).update(node=migration.target)
        Migration.objects.filter(pk=migration.pk).update(next_tick_at=None, **values)
        batch_states.make_due(self.now)

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(MOST_LOOKS):
            if not self.look() or until():
                return
        raise AssertionError(f"it does not end: {list(Batch.objects.values())}")

    def run_for(self, seconds: float) -> None:
        ends = self.now + timedelta(seconds=seconds)
        self.run(until=lambda: self.now >= ends)
        self.clock.set(ends)

    def run_to_rest(self, batch: Batch) -> Batch:
        """Run until the batch has ended, or begins nothing more and nothing is under way."""

        def rests() -> bool:
            batch.refresh_from_db()
            if batch.state in (Batch.State.RUNNING, Batch.State.CANCELLED):
                return batch.finished_at is not None
            return not Migration.objects.under_way(self.now).exists()

        self.run(until=rests)
        return batch


class RealFleet(Fleet):
    """The same with real migrations, between pretend nodes that remember what is done to them."""

    def __init__(self, world: FakeWorld, *, nodes: int = 2) -> None:
        super().__init__(nodes=0)
        self.world = world
        self.clock = world.clock
        world.clients_write = False
        for number in range(len(world.nodes) + 1, nodes + 1):
            world.add_node(f"node-{number}", f"192.0.2.{10 + number}")
        self.rows = {name: make_node(fake=node) for name, node in world.nodes.items()}

    def container(self, ctid: str, node: str = "node-1", **columns: Any) -> Container:
        address = f"192.0.2.{int(ctid)}"
        self.world.node(node).make_container(ctid, address=address)
        return make_container(node=self.rows[node], ctid=ctid, addresses=[address], **columns)

    def advance(self, migration: Migration) -> None:
        try:
            advance_migration(migration_id=migration.pk, outside=self.world.outside, settings=settings.OVZ)
        except LeaseTaken:
            return


def _next_batch() -> datetime | None:
    rows = Batch.objects.filter(state__in=(*Batch.ACTIVE_STATES, Batch.State.CANCELLED))
    return _first(rows)


def _next_migration() -> datetime | None:
    return _first(Migration.objects.filter(state__in=Migration.TICKING_STATES))


def _first(rows: Any) -> datetime | None:
    waiting = rows.filter(next_tick_at__isnull=False).order_by("next_tick_at")
    return waiting.values_list("next_tick_at", flat=True).first()


def migration_of(container: Container) -> Migration:
    return Migration.objects.filter(container=container).latest("pk")


def states(batch: Batch) -> list[str]:
    return list(batch.items.order_by("position").values_list("state", flat=True))


def whys(batch: Batch) -> list[str]:
    return list(batch.items.order_by("position").values_list("why", flat=True))


def places(containers: Iterable[Container]) -> list[str]:
    return [Container.objects.select_related("node").get(pk=row.pk).node.name for row in containers]
