"""Nodes of OpenVZ 7: what its vzmigrate cannot be told, and what its exit codes mean."""

from __future__ import annotations

import pytest

from migrations_app.models import Finding, Migration
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end, story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
State = Migration.State


@pytest.fixture
def world(world: FakeWorld) -> FakeWorld:
    for node in world.nodes.values():
        node.kernel = "3.10.0-1160.53.1.vz7.185.3"
        node.vzmigrate_options = ("online", "dry-run", "keep-dst", "nodeps")
    return world


def understood(world: FakeWorld) -> FakeWorld:
    """Have them know the gate's words, as far as that goes."""
    for node in world.nodes.values():
        node.vzmigrate_options = ("live", "check-only")
    return world


def test_live_falls_back_where_it_may(world: FakeWorld) -> None:
    migration = run_to_end(world, begin(world, "live", fall_back_to_dump=True))
    assert (migration.state, migration.method) == (State.DONE, Migration.Method.DUMP), story(migration)
    assert "no --live with --check-only" in story(migration)
    assert world.effects_of("vzmigrate") == []


def test_live_is_refused_by_name_where_nothing_else_may_be(world: FakeWorld) -> None:
    migration = run_to_end(world, begin(world, "live", fall_back_to_dump=False))
    assert migration.point_of_no_return_at is None
    assert Finding.objects.get(migration=migration, check_id="vzmigrate-other-words").severity == "blocker"


def test_another_method_is_chosen(world: FakeWorld) -> None:
    migration = run_to_end(world, begin(world, "auto"))
    assert migration.state == State.DONE, story(migration)
    assert "no --live with --check-only" in migration.method_reason


def test_the_exit_code_of_a_check_is_read_by_its_own_table(world: FakeWorld) -> None:
    understood(world).node("node-1").fail("vzmigrate_check", 56, "", times=9)
    migration = run_to_end(world, begin(world, "live", fall_back_to_dump=True))
    assert (migration.state, migration.method) == (State.DONE, Migration.Method.DUMP), story(migration)


def test_so_it_is_where_the_method_is_chosen(world: FakeWorld) -> None:
    understood(world).node("node-1").fail("vzmigrate_check", 56, "", times=9)
    migration = run_to_end(world, begin(world, "auto"))
    assert "processor lacks what the container uses" in migration.method_reason
