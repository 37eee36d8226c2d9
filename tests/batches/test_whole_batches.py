"""Batches of real migrations from their start to their end, against the pretend fleet."""

from __future__ import annotations

from datetime import timedelta

import pytest

from migrations_app.models import Batch, Migration, Notice
from tests.batches.stage import RealFleet, places, states
from tests.factories import make_customer
from tests.fakes.world import FakeWorld
from tests.moves import story

pytestmark = pytest.mark.django_db


def test_a_node_is_emptied_and_no_slot_stands_idle(world: FakeWorld) -> None:
    fleet = RealFleet(world)
    rows = fleet.containers(4)
    batch = fleet.begin([fleet.move(row, "node-2") for row in rows], most_at_once=2, rehearse=False)
    wanted = [0]  # how many must have begun by the next look

    def a_free_slot_is_used_by_the_next_look() -> None:
        begun = batch.items.exclude(state="waiting").count()
        assert begun >= wanted[-1]
        wanted.append(min(4, begun + 2 - Migration.objects.under_way(fleet.now).count()))

    fleet.at_each_look = a_free_slot_is_used_by_the_next_look
    fleet.run()
    batch.refresh_from_db()
    assert (batch.state, batch.failure, batch.next_tick_at) == (Batch.State.DONE, "", None)
    assert states(batch) == ["done"] * 4
    assert places(rows) == ["node-2"] * 4
    assert fleet.most_under_way == 2


def test_one_that_a_window_closed_on_goes_on_and_nobody_is_called(world: FakeWorld) -> None:
    fleet = RealFleet(world)
    owner = make_customer()
    batch = fleet.begin([fleet.move(fleet.container("101", owner=owner), "node-2")], rehearse=False)
    fleet.tick(batch)
    Migration.objects.update(window_ends_at=fleet.now + timedelta(seconds=1))
    fleet.run()
    assert states(batch) == ["done"]
    assert "WindowClosed" in story(Migration.objects.get())
    assert list(Notice.objects.order_by("pk").values_list("kind", flat=True)) == ["scheduled", "started", "finished"]


def test_the_line_stops_when_a_copy_does_not_start(world: FakeWorld) -> None:
    fleet = RealFleet(world)
    rows = fleet.containers(3)
    world.node("node-2").fail("start", 7, "it does not start")
    batch = fleet.begin([fleet.move(row, "node-2") for row in rows], canaries=1, rehearse=False)
    fleet.run_to_rest(batch)
    assert (batch.state, batch.failure) == (Batch.State.STOPPED, "TargetDoesNotStart")
    assert states(batch) == ["failed", "waiting", "waiting"]
    assert places(rows) == ["node-1"] * 3
