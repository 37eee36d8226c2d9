"""Old addresses stay passed on while their migration waits for a person, or while the container comes home."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Forward, Migration
from migrations_app.schedules import TABLE
from migrations_app.usecases.bring_back import bring_back
from migrations_app.usecases.keep_passing_on import keep_passing_on
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, begin_to_new_address, story, tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
(DUE,) = [due for due in TABLE if due.door == "keep_passing_on"]


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(nodes=1)


def passed_on(world: FakeWorld) -> Migration:
    """Move it, as far as to where its old address is passed on and looked after."""
    migration = begin_to_new_address(world, "stream")
    for _ in range(400):
        if migration.steps.filter(name="stay_until_quiet", state="running").exists():
            break
        assert tick(world, migration), story(migration)
    tick(world, migration)
    migration.refresh_from_db()
    return migration


def park(migration: Migration) -> None:
    Migration.objects.filter(pk=migration.pk).update(state="parked", parked_from="running", next_tick_at=None)


def is_due(world: FakeWorld) -> bool:
    return DUE.rows(world.clock()).filter(next_look_at__lte=world.clock()).exists()


def keep(world: FakeWorld) -> Forward:
    """Look after what has had nobody for long enough."""
    world.clock.set(world.clock() + timedelta(seconds=25))
    assert is_due(world)
    row = Forward.objects.get()
    keep_passing_on(forward_id=row.pk, outside=world.outside, settings=settings.OVZ)
    row.refresh_from_db()
    return row


def test_what_a_step_looks_after_is_nobody_elses(world: FakeWorld) -> None:
    migration = passed_on(world)
    for _ in range(5):
        assert not is_due(world)
        tick(world, migration)


@pytest.mark.parametrize("flushed", ["node-1", "node-far"])
def test_rules_lost_while_a_person_is_waited_for_are_made_again(world: FakeWorld, flushed: str) -> None:
    park(passed_on(world))
    world.clients_write = False  # what comes in this moment is lost, as nothing can be passed on without rules
    world.node(flushed).flush()
    assert keep(world).mended == 1
    assert all(world.node(name).forwards[ADDRESS].in_force for name in ("node-1", "node-far"))
    assert not is_due(world)


@pytest.mark.parametrize("flushed", ["node-1", "node-far"])
def test_rules_lost_while_the_container_comes_home_are_made_again(world: FakeWorld, ada: User, flushed: str) -> None:
    first = passed_on(world)
    bring_back(migration=first, actor=ada, now=world.clock(), settings=settings.OVZ)
    world.clients_write = False
    world.node(flushed).flush()
    assert keep(world).mended == 1
    assert all(world.node(name).forwards[ADDRESS].in_force for name in ("node-1", "node-far"))


def test_what_is_being_ended_is_not_put_up_again(world: FakeWorld) -> None:
    migration = passed_on(world)
    migration.steps.filter(name="end_forward").update(started_at=world.clock(), attempt=1, state="running")
    park(migration)
    world.node("node-1").flush()
    assert keep(world).mended == 0
    assert not world.node("node-1").forwards[ADDRESS].in_force


def test_what_a_person_has_released_is_left_to_itself(world: FakeWorld) -> None:
    migration = passed_on(world)
    park(migration)
    Migration.objects.update(forward_released_at=world.clock())
    world.node("node-1").flush()
    assert keep(world).mended == 0


def test_a_node_that_is_away_is_asked_again(world: FakeWorld) -> None:
    park(passed_on(world))
    world.clients_write = False
    world.node("node-1").flush()
    world.part("panel", "node-1")
    assert keep(world).mended == 0
    world.heal()
    assert keep(world).mended == 1


def test_one_that_somebody_acts_on_is_looked_after_later(world: FakeWorld) -> None:
    migration = passed_on(world)
    Migration.objects.filter(pk=migration.pk).update(lease_until=world.clock() + timedelta(days=3650))
    world.node("node-1").flush()
    assert keep(world).mended == 0
    assert not is_due(world)


def test_the_lease_of_a_container_that_stands_still_is_not_touched(world: FakeWorld) -> None:
    migration = passed_on(world)
    Migration.objects.filter(pk=migration.pk).update(frozen_at=world.clock(), unfrozen_at=None)
    token = Migration.objects.get().lease_token
    keep(world)
    assert Migration.objects.get().lease_token == token
