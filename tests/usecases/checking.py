"""A pair of pretend nodes with something to check, and the rounds and ticks that do it."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from migrations_app.models import Container, Node, PairCheck, Round
from migrations_app.usecases.begin_checks import begin_checks
from migrations_app.usecases.check_pair import check_pair
from tests.factories import make_container, make_node
from tests.fakes.world import FakeWorld

MOST_TICKS = 200
ADDRESS = "192.0.2.101"


def set_up(world: FakeWorld) -> tuple[Node, Node, Container]:
    source, target = (make_node(fake=world.node(name)) for name in ("node-1", "node-2"))
    world.node("node-1").make_container("101", address=ADDRESS)
    return source, target, make_container(node=source, ctid="101", addresses=[ADDRESS])


def put_in_line(world: FakeWorld, source: Node, target: Node, **overrides: Any) -> PairCheck:
    values = {"source": source, "target": target, "requested_at": world.clock()}
    return PairCheck.objects.create(**values | overrides)


def begin(world: FakeWorld, **settings_overrides: Any) -> list[int]:
    row, _ = Round.objects.get_or_create(name=Round.Name.PAIRS)
    return begin_checks(round_id=row.pk, now=world.clock(), settings=settings.OVZ | settings_overrides)


def tick(world: FakeWorld, check: PairCheck) -> bool:
    """Do one tick; return whether another one is wanted."""
    due = check_pair(check_id=check.pk, outside=world.outside, settings=settings.OVZ)
    check.refresh_from_db()
    if due is not None:
        world.clock.set(max(world.clock(), due))
    return check.is_open


def run_to_end(world: FakeWorld, check: PairCheck) -> PairCheck:
    """Tick as a conductor does: what a killed tick left is due when its claim runs out."""
    for _ in range(MOST_TICKS):
        if not tick(world, check):
            return check
        assert check.next_look_at is not None
        world.clock.set(max(world.clock(), check.next_look_at))
    raise AssertionError(f"{check} does not end: {check.state} {check.closing_trouble}")


def checked(world: FakeWorld, source: Node, target: Node) -> PairCheck:
    check = put_in_line(world, source, target, asked_by=None)
    world.clock.set(world.clock().replace(hour=2, minute=10))
    assert begin(world) == [check.pk]
    return run_to_end(world, check)


def assert_nothing_is_left(world: FakeWorld) -> None:
    for node in world.nodes.values():
        assert (node.authorized, node.work, node.jobs.by_key) == ({}, {}, {}), node.name
