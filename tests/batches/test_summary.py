"""What a page shows of a batch."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest

from migrations_app.batches.summary import of_batch
from migrations_app.models import Migration, Node
from tests.batches.stage import Fleet

pytestmark = pytest.mark.django_db

MIB = 1_048_576


def test_a_draft_says_when_it_would_be_done(fleet: Fleet) -> None:
    batch = fleet.plan(fleet.moves(3, disk_used_mib=100), most_at_once=1)
    seen = of_batch(batch, fleet.now)
    assert seen.counts == {"waiting": 3, "moving": 0, "done": 0, "skipped": 0, "failed": 0}
    assert (seen.total, seen.ended) == (3, 0)
    assert (seen.bytes_done, seen.bytes_left) == (0, 300 * MIB)
    assert seen.begins_at == fleet.now
    assert seen.ends_at == batch.items.all()[2].planned_until
    assert seen.late_by is None


def test_it_counts_what_is_done_and_what_is_copied(fleet: Fleet) -> None:
    fleet.ends["102"] = {"state": "rolled_back", "failure": "Blocked", "failure_detail": "no"}
    batch = fleet.begin(fleet.moves(4, disk_used_mib=100), most_at_once=1)
    fleet.run(until=lambda: "103" in fleet.order)
    Migration.objects.filter(state="running").update(progress={"bytes_done": 40 * MIB})
    seen = of_batch(batch, fleet.now)
    assert seen.counts == {"waiting": 1, "moving": 1, "done": 1, "skipped": 0, "failed": 1}
    assert (seen.bytes_done, seen.bytes_left) == (140 * MIB, 160 * MIB)


def test_it_says_by_how_much_the_deadline_is_missed(fleet: Fleet) -> None:
    batch = fleet.plan(
        fleet.moves(1), opens_at=time(11), closes_at=time(13), deadline=fleet.now + timedelta(hours=1, seconds=30)
    )
    seen = of_batch(batch, fleet.now)
    assert seen.ends_at is not None
    assert seen.late_by == seen.ends_at - batch.deadline
    assert timedelta(0) < seen.late_by < timedelta(minutes=1)


def test_it_tells_what_each_waits_for_and_who_asks_for_a_plan(fleet: Fleet) -> None:
    batch = fleet.begin([*fleet.moves(2), fleet.move(fleet.container("201"), "node-3")], most_at_once=1)
    Node.objects.filter(name="node-3").update(duty="draining")
    fleet.tick(batch)
    seen = of_batch(batch, fleet.now)
    assert [(wait.item.position, wait.asks_for_a_plan) for wait in seen.waits] == [(1, False), (2, True)]
    assert seen.waits[0].why == "Waits for a slot: 1 may be under way at once."
    assert seen.asks_for_a_plan


def test_once_it_has_ended_it_says_when(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), deadline=fleet.now + timedelta(days=1))
    fleet.run()
    batch.refresh_from_db()
    seen = of_batch(batch, fleet.now + timedelta(days=9))
    assert (seen.ends_at, seen.late_by, seen.bytes_left) == (batch.finished_at, None, 0)


def test_it_needs_one_query_however_many_items(fleet: Fleet, django_assert_num_queries: Any) -> None:
    batch = fleet.begin(fleet.moves(9))
    with django_assert_num_queries(1):
        of_batch(batch, fleet.now)
