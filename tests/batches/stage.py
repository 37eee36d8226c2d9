"""Whole batches against the pretend fleet: plan one, start it, and let time pass until it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Batch, BatchItem, Container, Migration, Node
from migrations_app.usecases.advance_batch import advance_batch
from migrations_app.usecases.advance_migration import LeaseTaken, advance_migration
from migrations_app.usecases.plan_batch import BatchTerms, PlannedMove, plan_batch
from migrations_app.usecases.start_batch import start_batch
from tests.factories import make_container, make_node
from tests.fakes.world import FakeWorld

MOST_LOOKS = 20_000
State = BatchItem.State


class Fleet:
    """Pretend nodes with rows, and the one worker that ticks what is due."""

    def __init__(self, world: FakeWorld, *, nodes: int = 3) -> None:
        self.world = world
        world.clients_write = False
        for number in range(len(world.nodes) + 1, nodes + 1):
            world.add_node(f"node-{number}", f"192.0.2.{10 + number}")
        self.rows = {name: make_node(fake=node) for name, node in world.nodes.items()}
        self.actor = User.objects.create_user("dispatcher", is_staff=True)
        self.most_under_way = 0
        self.at_each_look: Callable[[], None] = lambda: None

    @property
    def now(self) -> datetime:
        return self.world.clock()

    def node(self, name: str) -> Node:
        self.rows[name].refresh_from_db()
        return self.rows[name]

    def container(self, ctid: str, node: str = "node-1", **columns: Any) -> Container:
        address = f"192.0.2.{int(ctid)}"
        self.world.node(node).make_container(ctid, address=address)
        return make_container(node=self.rows[node], ctid=ctid, addresses=[address], **columns)

    def containers(self, count: int, node: str = "node-1", **columns: Any) -> list[Container]:
        return [self.container(str(101 + number), node, **columns) for number in range(count)]

    def move(self, container: Container, target: str, **more: Any) -> PlannedMove:
        return PlannedMove(container=container, target=self.rows[target], **{"method": "stream"} | more)

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
        ticked = [self._advance(migration) for migration in Migration.objects.due(self.now)]
        self.most_under_way = max(self.most_under_way, Migration.objects.under_way(self.now).count())
        self.at_each_look()
        if due or ticked:
            return True
        following = [at for at in (_next(Batch.objects), _next(Migration.objects)) if at is not None]
        if following:
            self.world.clock.set(max(self.now, min(following)))
        return bool(following)

    def _advance(self, migration: Migration) -> None:
        try:
            advance_migration(migration_id=migration.pk, outside=self.world.outside, settings=settings.OVZ)
        except LeaseTaken:
            return

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        for _ in range(MOST_LOOKS):
            if not self.look() or until():
                return
        raise AssertionError(f"it does not end: {list(Batch.objects.values())}")

    def run_for(self, seconds: float) -> None:
        ends = self.now + timedelta(seconds=seconds)
        self.run(until=lambda: self.now >= ends)

    def run_to_rest(self, batch: Batch) -> Batch:
        """Run until the batch has ended or waits for a person with nothing under way."""

        def rests() -> bool:
            batch.refresh_from_db()
            if batch.state in (Batch.State.RUNNING, Batch.State.CANCELLED):
                return batch.finished_at is not None
            return not Migration.objects.under_way(self.now).exists()

        self.run(until=rests)
        batch.refresh_from_db()
        return batch


def _next(rows: Any) -> datetime | None:
    states = Migration.TICKING_STATES if rows.model is Migration else (*Batch.ACTIVE_STATES, Batch.State.CANCELLED)
    times = rows.filter(state__in=states, next_tick_at__isnull=False).order_by("next_tick_at")
    return times.values_list("next_tick_at", flat=True).first()


def states(batch: Batch) -> list[str]:
    return list(batch.items.order_by("position").values_list("state", flat=True))


def whys(batch: Batch) -> list[str]:
    return list(batch.items.order_by("position").values_list("why", flat=True))


def places(containers: Iterable[Container]) -> list[str]:
    return [Container.objects.select_related("node").get(pk=row.pk).node.name for row in containers]
