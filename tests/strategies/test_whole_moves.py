"""Every method, from order to end, against the pretend fleet."""

from __future__ import annotations

import pytest

from migrations_app.models import Migration
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end, story

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["live", "dump", "stream", "auto"])
def test_it_moves_the_container_and_loses_nothing(world: FakeWorld, method: str) -> None:
    migration = run_to_end(world, begin(world, method))
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.DONE, story(migration)
    assert world.copies(identity) == ["node-2/101"]
    assert world.lost_writes(identity) == []
    assert world.failed_requests == []
    assert world.announced_by("node-2") == {"192.0.2.101"}


@pytest.mark.parametrize("method", ["dump", "stream"])
def test_it_proves_that_both_copies_are_the_same(world: FakeWorld, method: str) -> None:
    migration = run_to_end(world, begin(world, method))
    assert migration.certificate is not None
    assert migration.certificate["differences"] == 0
    assert migration.certificate["files_compared"] > 0


@pytest.mark.parametrize("method", ["dump", "stream"])
def test_it_forecasts_the_freeze(world: FakeWorld, method: str) -> None:
    migration = run_to_end(world, begin(world, method))
    assert migration.freeze_seconds is not None
    assert migration.freeze_forecast_seconds is not None
    assert migration.freeze_seconds <= migration.freeze_budget_seconds


def test_it_keeps_the_old_copy_unable_to_start(world: FakeWorld) -> None:
    run_to_end(world, begin(world, "stream"))
    old = world.node("node-1").containers["101"]
    assert old.config is None
    assert old.area is not None
    assert world.node("node-1").fences["101"].state == "kept"


def test_it_falls_back_to_a_dump_when_live_is_out_of_the_question(world: FakeWorld) -> None:
    world.node("node-1").fail("vzmigrate", 8, "Error: Failed to suspend container", times=9)
    migration = run_to_end(world, begin(world, "live", fall_back_to_dump=True))
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.DONE, story(migration)
    assert migration.method == Migration.Method.DUMP
    assert world.copies(identity) == ["node-2/101"]
    assert world.lost_writes(identity) == []


def test_it_never_guesses_when_both_copies_run(world: FakeWorld) -> None:
    """vzmigrate lost its connection after the target had resumed, and resumed the source too."""
    world.split_brain_is_expected = True
    migration = begin(world, "live", fall_back_to_dump=False)
    world.node("node-1").fail("vzmigrate", 7, "Error: Failed to resume container", takes_effect=True, source_too=True)
    migration = run_to_end(world, migration)
    assert migration.state == Migration.State.PARKED, story(migration)
    assert migration.failure == "RunsOnBoth"
    assert world.effects_of("stop") == []


def test_it_goes_on_when_only_the_answer_was_wrong(world: FakeWorld) -> None:
    """vzmigrate says 7, but the container runs on the target and nowhere else."""
    migration = begin(world, "live", fall_back_to_dump=False)
    world.node("node-1").fail("vzmigrate", 7, "Error: Failed to resume container", takes_effect=True)
    migration = run_to_end(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)


def test_it_catches_a_byte_that_flipped_on_the_way(world: FakeWorld) -> None:
    """Neither size nor time tells; the checksum pass does, before anything is switched."""
    migration = begin(world, "stream")
    world.node("node-2").damage_after("sync", "data/blob")
    migration = run_to_end(world, migration)
    arrived = world.node("node-2").containers["101"].area
    left = world.node("node-1").containers["101"].area
    assert migration.state == Migration.State.DONE, story(migration)
    assert arrived is not None
    assert left is not None
    assert arrived.files["data/blob"] == left.files["data/blob"]
