"""There and back, and there again: the nodes keep old copies, and those are in nobody's way."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Container, Finding, Migration, Node
from migrations_app.usecases.retire_source import retire_source
from migrations_app.usecases.schedule_migration import schedule_migration
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end, story

pytestmark = pytest.mark.django_db


def _order(world: FakeWorld, method: str, target: str) -> Migration:
    return schedule_migration(
        container=Container.objects.get(gone_at=None),
        target=Node.objects.get(name=target),
        method=method,
        actor=None,
        now=world.clock(),
        settings=settings.OVZ,
    )


def _move(world: FakeWorld, method: str, target: str) -> Migration:
    migration = run_to_end(world, _order(world, method, target))
    assert migration.state == Migration.State.DONE, story(migration)
    return migration


@pytest.mark.parametrize(
    "methods",
    [("stream", "live", "dump", "stream"), ("live", "dump", "live", "live"), ("dump", "stream", "stream", "dump")],
    ids="-".join,
)
def test_nothing_is_lost_and_every_old_copy_goes_by_its_own_migration(
    world: FakeWorld, methods: tuple[str, ...], ada: User
) -> None:
    moves = [run_to_end(world, begin(world, methods[0]))]
    back_and_forth = ("node-1", "node-2", "node-1")
    moves += [_move(world, method, target) for method, target in zip(methods[1:], back_and_forth, strict=True)]
    (identity,) = world.acknowledged
    assert world.copies(identity) == ["node-1/101"]
    assert world.lost_writes(identity) == []
    assert world.failed_requests == []
    world.clock.set(max(move.retire_after for move in moves if move.retire_after))
    for move in moves:
        retire_source(migration=move, actor=ada, now=world.clock())
        assert run_to_end(world, move).retired_at is not None, story(move)
    assert world.copies(identity) == ["node-1/101"]
    assert [old.area for node in world.nodes.values() for old in node.asides.values()] == [None] * 3
    assert world.node("node-2").container("101").area is None


def test_the_pre_check_says_what_will_happen_to_the_old_copy(world: FakeWorld) -> None:
    first = run_to_end(world, begin(world, "stream"))
    back = _move(world, "stream", "node-1")
    found = Finding.objects.get(migration=back, check_id="old-copy-target")
    assert found.severity == Finding.Severity.NOTE
    assert f"old copy of migration {first.pk} is kept on node-1 until" in found.text


def test_going_back_from_a_return_leaves_the_old_copy_aside(world: FakeWorld) -> None:
    first = run_to_end(world, begin(world, "stream"))
    world.node("node-1").fail("define", 85, "line 1: no", times=9)
    migration = run_to_end(world, _order(world, "stream", "node-1"))
    assert migration.state == Migration.State.ROLLED_BACK
    old = world.node("node-1").asides["101", str(first.pk)]
    assert (old.area is not None, old.fence.state) == (True, "kept")
    (identity,) = world.acknowledged
    assert world.copies(identity) == ["node-2/101"]
    assert world.node("node-1").container("101").area is None
