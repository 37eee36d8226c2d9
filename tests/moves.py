"""Whole moves against the pretend fleet: schedule one, and tick it until nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings

from migrations_app.models import Migration
from migrations_app.usecases.advance_migration import LeaseTaken, advance_migration
from migrations_app.usecases.schedule_migration import schedule_migration
from tests.factories import make_container, make_node
from tests.fakes.world import FakeWorld

MOST_TICKS = 2_000
ADDRESS, NEW_ADDRESS = "192.0.2.101", "198.51.100.101"


def begin(world: FakeWorld, method: str, **overrides: Any) -> Migration:
    """Put a running container on the first node and order its move to the second."""
    source, target = world.node("node-1"), world.node("node-2")
    fake = source.make_container("101", address=ADDRESS)
    row = make_container(node=make_node(fake=source), ctid="101", hostname="ct101.example.net", addresses=[ADDRESS])
    assert fake.area is not None
    return schedule_migration(
        container=row,
        target=make_node(fake=target),
        method=method,
        actor=None,
        now=world.clock(),
        settings=settings.OVZ,
        **overrides,
    )


def begin_to_new_address(world: FakeWorld, method: str, *, same_wire: bool = False, **overrides: Any) -> Migration:
    """Order a move to a node in another network, or on the same wire if asked, where the container gets an address."""
    far = world.node("node-2") if same_wire else world.add_node("node-far", "198.51.100.12")
    new = "192.0.2.201" if same_wire else NEW_ADDRESS
    source = world.node("node-1")
    source.make_container("101", address=ADDRESS)
    row = make_container(node=make_node(fake=source), ctid="101", hostname="ct101.example.net", addresses=[ADDRESS])
    return schedule_migration(
        container=row,
        target=make_node(fake=far),
        method=method,
        now=world.clock(),
        settings=settings.OVZ,
        **{"actor": None, "new_addresses": [new]} | overrides,
    )


def tick(world: FakeWorld, migration: Migration, **settings_overrides: Any) -> bool:
    """Do one tick; return whether another one is wanted."""
    try:
        result = advance_migration(
            migration_id=migration.pk, outside=world.outside, settings=settings.OVZ | settings_overrides
        )
    except LeaseTaken:
        return False
    if result.next_tick_at is None:
        return False
    world.clock.set(max(world.clock(), result.next_tick_at))
    return True


def run_to_end(
    world: FakeWorld, migration: Migration, *, meanwhile: Callable[[], None] = lambda: None, **settings_overrides: Any
) -> Migration:
    """``meanwhile``: what a person does between ticks."""
    for _ in range(MOST_TICKS):
        meanwhile()
        if not tick(world, migration, **settings_overrides):
            migration.refresh_from_db()
            return migration
    raise AssertionError(f"{migration} does not end: {[str(run) for run in migration.steps.all()][-3:]}")


def story(migration: Migration) -> str:
    """Return the log as one text, for failures of tests."""
    return "\n".join(f"{line.step}: {line.text}" for line in migration.log.all())
