"""The second look, before the last passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from migrations_app.execution.outcome import Blocked, Done, Failed, Ready, Waiting
from migrations_app.models import Migration
from migrations_app.strategies.steps.recheck import LONGEST_WAIT, Recheck
from migrations_app.usecases.answer_parked import answer_parked
from tests.factories import make_container
from tests.fakes.world import FakeWorld
from tests.moves import begin, begin_to_new_address, run_to_end, story, tick
from tests.strategies.prechecks.scene import context


@pytest.fixture
def copied(world: FakeWorld) -> FakeWorld:
    """The container runs on the source; its copy lies on the target under this migration's mark."""
    world.node("node-1").make_container("101", address="192.0.2.101")
    world.node("node-2").container("101").incoming_for = "7"
    return world


def test_it_goes_on_where_nothing_changed(copied: FakeWorld) -> None:
    ctx = context(copied, "stream")
    assert Recheck().check(ctx) == Ready()
    assert Recheck().run(ctx) == Done()


def test_it_blocks_where_the_target_has_run_full(copied: FakeWorld) -> None:
    copied.node("node-2").disk_free_kib = 1_000_000
    outcome = Recheck().check(context(copied, "stream"))
    assert isinstance(outcome, Blocked)
    assert [objection.check_id for objection in outcome.reasons] == ["disk-full-target"]


def test_it_waits_for_a_backup_to_end(copied: FakeWorld) -> None:
    copied.node("node-1").strangers["101"] = ("vzdump",)
    ctx = context(copied, "stream")
    assert Recheck().check(ctx) == Ready()
    outcome = Recheck().run(replace(ctx, started_at=copied.clock()))
    assert isinstance(outcome, Waiting)
    assert outcome.progress is not None
    assert "vzdump" in outcome.progress.stage


def test_it_stops_before_the_freeze_where_a_stranger_answers_for_the_address(copied: FakeWorld) -> None:
    """The source answering for what it still holds is none."""
    stranger = copied.add_node("node-9", "192.0.2.99")
    stranger.make_container("900", address="192.0.2.101")
    copied.split_brain_is_expected = True
    outcome = Recheck().check(context(copied, "stream"))
    assert isinstance(outcome, Failed)
    assert (outcome.name, outcome.park) == ("AddressInUse", True)
    assert stranger.mac in outcome.reason
    assert copied.node("node-1").mac not in outcome.reason
    copied.violations.clear()


def test_it_does_not_wait_for_ever(copied: FakeWorld) -> None:
    copied.node("node-1").strangers["101"] = ("vzdump",)
    began = copied.clock() - LONGEST_WAIT - timedelta(seconds=1)
    outcome = Recheck().run(replace(context(copied, "stream"), started_at=began))
    assert isinstance(outcome, Failed)
    assert (outcome.name, outcome.park) == ("ContainerBusy", True)


@pytest.mark.django_db
def test_a_move_outlasts_somebody_elses_backup(world: FakeWorld) -> None:
    migration = begin(world, "stream")
    while not migration.steps.filter(name="disarm", state="done").exists():
        assert tick(world, migration)
        if migration.steps.filter(name="first_copy", state="done").exists():
            world.node("node-1").strangers["101"] = ("vzdump",)
    for _ in range(3):
        assert tick(world, migration)
    assert migration.steps.get(name="recheck").state == "running"
    world.node("node-1").strangers.clear()
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_person_is_enough")
def test_a_promised_address_that_somebody_took_meanwhile_stops_the_move_and_waits(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream")
    while not migration.steps.filter(name="first_copy").exclude(state="pending").exists():
        assert tick(world, migration)
    taken = make_container(node=migration.target, addresses=migration.new_addresses)
    migration = run_to_end(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "AddressInUse"), story(migration)
    assert f"in use by container {taken.ctid}" in migration.failure_detail
    assert migration.frozen_at is None
    taken.delete()
    answer_parked(migration=migration, answer="retry", actor=None, now=world.clock())
    assert tick(world, migration)
    while tick(world, migration):
        if migration.steps.filter(name="recheck", state="done").exists():
            return
    raise AssertionError(story(migration))
