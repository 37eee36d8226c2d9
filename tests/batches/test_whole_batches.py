"""Batches from their start to their end against the pretend fleet."""

from __future__ import annotations

from typing import Any

from migrations_app.models import Batch, Migration, Notice
from tests.batches.stage import Fleet, places, states
from tests.factories import make_customer

DONE = Batch.State.DONE


def test_a_node_is_emptied(fleet: Fleet) -> None:
    rows = fleet.containers(5)
    batch = fleet.begin([fleet.move(row, "node-2") for row in rows])
    fleet.run()
    batch.refresh_from_db()
    assert (batch.state, batch.failure, batch.next_tick_at) == (DONE, "", None)
    assert batch.finished_at is not None
    assert states(batch) == ["done"] * 5
    assert places(rows) == ["node-2"] * 5


def test_starting_plans_every_move_and_begins_none(fleet: Fleet) -> None:
    owner = make_customer()
    fleet.begin([fleet.move(row, "node-2") for row in fleet.containers(3, owner=owner)])
    assert Migration.objects.held().count() == 3
    assert not Migration.objects.due(fleet.now).exists()
    assert set(Notice.objects.values_list("kind", "audience")) == {("scheduled", "customer")}


def test_two_slots_are_used_at_once_and_never_a_third(fleet: Fleet) -> None:
    batch = fleet.begin([fleet.move(row, "node-2") for row in fleet.containers(6)], most_at_once=2)
    idle: list[Any] = []

    def nobody_waits_for_a_free_slot() -> None:
        batch.refresh_from_db()
        free = Migration.objects.under_way(fleet.now).count() < 2
        waits = batch.items.filter(state="waiting").exists()
        idle.append(fleet.now) if free and waits and Migration.objects.active().exists() else idle.clear()
        assert not idle or (idle[-1] - idle[0]).total_seconds() < 0.5

    fleet.at_each_look = nobody_waits_for_a_free_slot
    fleet.run()
    assert fleet.most_under_way == 2
    assert states(batch) == ["done"] * 6
