"""Giving up the old copy of a container that has moved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Container, Migration
from migrations_app.ports.shell import NodeUnreachable, ReplyLost
from migrations_app.usecases.retire_source import NotRetirable, retire_source
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from tests.factories import make_migration, make_node
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end, story

pytestmark = pytest.mark.django_db
State = Migration.State
DAY = timedelta(days=1)


def _done(**changes: Any) -> Migration:
    usual: dict[str, Any] = {"state": State.DONE, "retire_after": START, "finished_at": START - DAY}
    return make_migration(**usual | changes)


def test_it_opens_the_migration_once_more_with_one_more_step(ada: User) -> None:
    migration = _done()
    retire_source(migration=migration, actor=ada, now=START)
    migration.refresh_from_db()
    assert (migration.state, migration.next_tick_at) == (State.RETIRING, START)
    assert [step.name for step in migration.steps.all()] == ["retire"]
    line = AuditLine.objects.get()
    assert (line.actor, line.verb) == (ada, "retire")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": State.ROLLED_BACK, "retire_after": None}, "rolled back: it left no copy"),
        ({"state": State.RUNNING}, "running: it left no copy"),
        ({"state": State.RETIRING}, "removing the old copy: it left no copy"),
        ({"retire_after": None}, "it left no copy"),
        ({"retired_at": START - DAY}, "was given up at 2026-03-01 10:00 UTC"),
        ({"retire_after": START + DAY}, "is kept until 2026-03-03 10:00 UTC, in case it is needed"),
    ],
)
def test_it_refuses_with_a_reason(ada: User, changes: dict[str, Any], reason: str) -> None:
    migration = _done(**changes)
    with pytest.raises(NotRetirable, match=reason):
        retire_source(migration=migration, actor=ada, now=START)
    migration.refresh_from_db()
    assert migration.state == changes.get("state", State.DONE)
    assert not migration.steps.exists()
    assert not AuditLine.objects.exists()


@pytest.mark.parametrize("state", [State.SCHEDULED, State.RUNNING, State.PARKED, State.RETIRING])
def test_it_waits_for_another_migration_of_the_container(ada: User, state: str) -> None:
    """Each would take the other's token away on the nodes."""
    migration = _done()
    make_migration(container=migration.container, state=state)
    with pytest.raises(NotRetirable, match="has a migration that has not ended"):
        retire_source(migration=migration, actor=ada, now=START)


def test_no_migration_is_scheduled_while_an_old_copy_is_removed() -> None:
    migration = _done(state=State.RETIRING)
    with pytest.raises(ScheduleRefused, match="has not ended"):
        schedule_migration(
            container=migration.container,
            target=make_node(),
            method="stream",
            actor=None,
            now=START,
            settings=settings.OVZ,
        )


@pytest.fixture
def moved(world: FakeWorld) -> Migration:
    return run_to_end(world, begin(world, "stream"))


def test_the_copy_is_deleted_and_the_container_untouched(world: FakeWorld, moved: Migration, ada: User) -> None:
    (identity,) = world.acknowledged
    assert moved.retire_after is not None
    world.clock.set(moved.retire_after)
    retire_source(migration=moved, actor=ada, now=world.clock())
    run_to_end(world, moved)
    assert moved.state == State.DONE, story(moved)
    assert moved.retired_at is not None
    assert world.node("node-1").container("101").area is None
    assert world.copies(identity) == ["node-2/101"]
    assert world.lost_writes(identity) == []
    assert not world.node("node-1").work
    assert not world.node("node-2").work


@pytest.mark.parametrize("error", [ReplyLost, NodeUnreachable])
@pytest.mark.parametrize("calls", range(1, 5))
def test_a_removal_that_is_cut_ends_all_the_same(
    world: FakeWorld, moved: Migration, ada: User, calls: int, error: type[Exception]
) -> None:
    assert moved.retire_after is not None
    world.clock.set(moved.retire_after)
    retire_source(migration=moved, actor=ada, now=world.clock())
    world.cut_after(calls, error)
    run_to_end(world, moved)
    assert moved.retired_at is not None, story(moved)
    assert world.node("node-1").container("101").area is None
    assert [call.cut for call in world.calls if call.cut] == [error.__name__]


def test_the_page_counts_to_the_date_of_the_node(world: FakeWorld) -> None:
    """A node that keeps copies longer than the panel asks for is not asked before."""
    migration = run_to_end(world, begin(world, "stream"), retention_days=0)
    assert migration.retire_after is not None
    assert migration.retire_after.timestamp() == world.node("node-1").fences["101"].retain_until
    assert migration.retire_after > world.clock() + timedelta(hours=23)


def test_nothing_is_deleted_while_the_living_copy_is_missing(world: FakeWorld, moved: Migration, ada: User) -> None:
    assert moved.retire_after is not None
    world.clock.set(moved.retire_after)
    world.clients_write = False
    lost = world.node("node-2").containers.pop("101")
    retire_source(migration=moved, actor=ada, now=world.clock())
    run_to_end(world, moved)
    assert (moved.state, moved.failure) == (State.PARKED, "Blocked")
    assert "the copy on node-1 may be the only one" in moved.failure_detail
    assert world.node("node-1").container("101").area is not None
    assert lost.area is not None


def test_the_inventory_says_where_the_living_copy_is(world: FakeWorld, moved: Migration, ada: User) -> None:
    """It went on to a third node since, where the migration that is retired has never been."""
    third = world.add_node("node-3", "192.0.2.13")
    onward = schedule_migration(
        container=Container.objects.get(),
        target=make_node(fake=third),
        method="stream",
        actor=ada,
        now=world.clock(),
        settings=settings.OVZ,
    )
    run_to_end(world, onward)
    assert onward.retire_after is not None
    world.clock.set(onward.retire_after)
    for migration in (moved, onward):
        retire_source(migration=migration, actor=ada, now=world.clock())
        run_to_end(world, migration)
        assert migration.retired_at is not None, story(migration)
    (identity,) = world.acknowledged
    assert world.copies(identity) == ["node-3/101"]
    assert [world.node(name).container("101").area for name in ("node-1", "node-2")] == [None, None]
