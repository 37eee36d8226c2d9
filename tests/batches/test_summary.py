"""What is told of a batch as a whole."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from migrations_app.batches import summary
from migrations_app.models import Batch, BatchItem
from tests.batches.stage import Fleet
from tests.factories import make_batch, make_container, make_item, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db
State = BatchItem.State
HOUR, MIB = timedelta(hours=1), 1024 * 1024


def test_it_counts_moves_and_bytes() -> None:
    batch = make_batch(state=Batch.State.RUNNING)
    for state in (State.DONE, State.WAITING, State.SKIPPED, State.FAILED):
        make_item(batch, state=state, bytes_forecast=100 * MIB)
    for progress, passed in (({"bytes_done": 30 * MIB}, None), ({"bytes_done": 500 * MIB}, None), ({}, START)):
        migration = make_migration(state="running", progress=progress, point_of_no_return_at=passed)
        make_item(batch, state=State.MOVING, bytes_forecast=100 * MIB, migration=migration)
    told = summary.of_batch(batch, START)
    assert told.counts == {"waiting": 1, "moving": 3, "done": 1, "skipped": 1, "failed": 1}
    assert (told.total, told.ended) == (7, 3)
    # Done, a third of one, all of the one that says too much, and the one that runs on its target.
    assert told.bytes_done == 330 * MIB
    assert told.bytes_left == 170 * MIB


def test_a_batch_without_moves_is_told_too() -> None:
    told = summary.of_batch(make_batch(), START)
    assert (told.total, told.bytes_done, told.bytes_left, told.begins_at, told.ends_at) == (0, 0, 0, None, None)


def test_its_end_is_that_of_the_last_move_to_come_and_not_before_now() -> None:
    batch = make_batch(deadline=START + HOUR)
    make_item(batch, planned_from=START + HOUR, planned_until=START + 3 * HOUR)
    make_item(batch, state=State.DONE, planned_from=START, planned_until=START + 9 * HOUR)
    told = summary.of_batch(batch, START)
    assert (told.begins_at, told.ends_at, told.late_by) == (START + HOUR, START + 3 * HOUR, 2 * HOUR)
    assert summary.of_batch(batch, START + 5 * HOUR).ends_at == START + 5 * HOUR


def test_nobody_knows_the_end_while_one_has_no_time() -> None:
    batch = make_batch(deadline=START + HOUR)
    make_item(batch, planned_until=START + HOUR)
    make_item(batch)
    told = summary.of_batch(batch, START)
    assert (told.ends_at, told.late_by) == (None, None)
    assert summary.of_batch(batch, START + 2 * HOUR).late_by == HOUR


@pytest.mark.parametrize(("state", "asks"), [(State.WAITING, True), (State.SKIPPED, False)])
def test_it_says_that_a_waiting_move_asks_for_a_new_plan(state: str, asks: bool) -> None:
    batch = make_batch()
    make_item(batch)
    make_item(batch, state=state, why="Asks for a new plan: node-2 is draining.")
    assert summary.of_batch(batch, START).asks_for_a_plan is asks


def test_it_costs_the_same_however_many_moves_there_are(django_assert_num_queries) -> None:
    batch, node, target = make_batch(), make_node(), make_node()
    for _ in range(30):
        make_item(batch, container=make_container(node=node), target=target)
    with django_assert_num_queries(2):
        summary.of_batch(batch, START)


def test_a_draft_says_when_it_would_be_done(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(3, disk_used_mib=100), most_at_once=1)
    seen = summary.of_batch(batch, fleet.now)
    assert seen.counts == {"waiting": 3, "moving": 0, "done": 0, "skipped": 0, "failed": 0}
    assert (seen.total, seen.ended) == (3, 0)
    assert (seen.bytes_done, seen.bytes_left) == (0, 300 * MIB)
    assert seen.begins_at == fleet.now
    assert seen.ends_at == batch.items.all()[2].planned_until
    assert seen.late_by is None


def test_it_says_by_how_much_the_deadline_is_missed(fleet: Fleet) -> None:
    batch = fleet.plan(
        fleet.moves(1), opens_at=time(11), closes_at=time(13), deadline=fleet.now + timedelta(hours=1, seconds=30)
    )
    seen = summary.of_batch(batch, fleet.now)
    assert seen.ends_at is not None
    assert seen.late_by == seen.ends_at - batch.deadline
    assert timedelta(0) < seen.late_by < timedelta(minutes=1)


def test_once_it_has_ended_it_says_when(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), deadline=fleet.now + timedelta(days=1))
    fleet.run()
    batch.refresh_from_db()
    seen = summary.of_batch(batch, fleet.now + timedelta(days=9))
    assert (seen.ends_at, seen.late_by, seen.bytes_left) == (batch.finished_at, None, 0)
