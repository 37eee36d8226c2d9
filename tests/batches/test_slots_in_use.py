"""Caps: never more under way than may be, and never fewer while others wait."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.conf import settings

from migrations_app.models import Batch, Container, Migration, Notice
from migrations_app.usecases.schedule_migration import schedule_migration
from tests.batches.stage import Fleet, states, whys
from tests.factories import make_customer, make_migration, make_node

pytestmark = pytest.mark.django_db


def test_starting_plans_every_move_and_begins_none(fleet: Fleet) -> None:
    fleet.begin(fleet.moves(3, owner=make_customer()))
    assert Migration.objects.held().count() == 3
    assert not Migration.objects.due(fleet.now).exists()
    assert set(Notice.objects.values_list("kind", "audience")) == {("scheduled", "customer")}


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_never_more_than_may_be_are_under_way(fleet: Fleet, cap: int) -> None:
    batch = fleet.begin(fleet.moves(7), most_at_once=cap)
    fleet.run()
    assert fleet.most_under_way == cap
    assert states(batch) == ["done"] * 7
    assert fleet.order == [str(101 + number) for number in range(7)]


def test_a_free_slot_is_used_at_once(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(6), most_at_once=2)
    begun = fleet.now
    fleet.run()
    batch.refresh_from_db()
    assert (fleet.now - begun).total_seconds() == pytest.approx(30, abs=0.1)


def watch(fleet: Fleet, counted: Any) -> Counter[Any]:
    most: Counter[Any] = Counter()

    def count() -> None:
        rows = Migration.objects.under_way(fleet.now).select_related("container")
        for key, number in Counter(key for row in rows for key in counted(row)).items():
            most[key] = max(most[key], number)

    fleet.at_each_look = count
    return most


def test_a_node_has_its_own_cap_at_either_end(fleet: Fleet) -> None:
    moves = [*fleet.moves(4), fleet.move(fleet.container("201", "node-2"), "node-3")]
    moves += [fleet.move(fleet.container("202", "node-3"), "node-1")]
    most = watch(fleet, lambda row: (row.source_id, row.target_id))
    batch = fleet.begin(moves, most_at_once=9, most_per_node=2)
    fleet.run()
    assert set(most.values()) == {2}
    assert states(batch) == ["done"] * 6


def test_two_nodes_have_a_cap_between_them_in_both_directions(fleet: Fleet) -> None:
    moves = [*fleet.moves(2), fleet.move(fleet.container("201", "node-2"), "node-1")]
    moves += [fleet.move(fleet.container("301", "node-1"), "node-3")]
    most = watch(fleet, lambda row: [frozenset((row.source_id, row.target_id))])
    fleet.begin(moves, most_at_once=9, most_per_link=1)
    fleet.run()
    assert set(most.values()) == {1}
    assert fleet.most_under_way == 2


def test_a_customers_containers_go_one_by_one(fleet: Fleet) -> None:
    shop = make_customer()
    moves = [fleet.move(fleet.container(str(101 + number), owner=shop), "node-2") for number in range(3)]
    moves += [fleet.move(fleet.container("201", owner=make_customer(email="b@b.example")), "node-2")]
    moves += [fleet.move(fleet.container(str(301 + number)), "node-2") for number in range(2)]
    most = watch(fleet, lambda row: [row.container.owner_id])
    fleet.begin(moves, most_at_once=9, most_per_customer=1)
    fleet.run()
    assert most == {shop.pk: 1, moves[3].container.owner_id: 1, None: 2}


def test_two_of_a_group_are_kept_apart_in_time_too(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3, apart_group="db"), most_at_once=9)
    fleet.tick(batch)
    assert whys(batch)[1:] == ["Waits: another one of the group db is under way."] * 2
    fleet.run()
    assert fleet.most_under_way == 1


def test_one_that_waits_for_a_person_keeps_its_group_at_home(fleet: Fleet) -> None:
    twin = fleet.container("301", apart_group="db")
    make_migration(container=twin, target=fleet.rows["node-3"], state="parked", next_tick_at=None, failure="Blocked")
    batch = fleet.begin(fleet.moves(1, apart_group="db"))
    assert states(fleet.tick(batch)) == ["waiting"]


def test_what_people_ordered_counts_too(fleet: Fleet) -> None:
    make_migration(container=fleet.container("301"), target=fleet.rows["node-3"], not_before=fleet.now)
    batch = fleet.begin(fleet.moves(2), most_at_once=2)
    assert states(fleet.tick(batch)) == ["moving", "waiting"]


def test_what_is_planned_for_later_or_waits_for_a_person_takes_no_slot(fleet: Fleet) -> None:
    later = fleet.now.replace(year=2027)
    make_migration(container=fleet.container("301"), target=fleet.rows["node-3"], not_before=later, next_tick_at=later)
    make_migration(container=fleet.container("302"), target=fleet.rows["node-3"], state="parked", next_tick_at=None)
    make_migration(container=fleet.container("303"), target=fleet.rows["node-3"], next_tick_at=None)
    batch = fleet.begin(fleet.moves(2), most_at_once=2)
    assert states(fleet.tick(batch)) == ["moving", "moving"]


def test_two_batches_share_the_slots(fleet: Fleet) -> None:
    fleet.begin(fleet.moves(3), most_at_once=2)
    fleet.begin(
        [fleet.move(fleet.container(str(201 + number), "node-2"), "node-3") for number in range(3)], most_at_once=2
    )
    fleet.run()
    assert fleet.most_under_way == 2
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}


def test_evacuation_and_return_started_together_do_not_fight(fleet: Fleet) -> None:
    rows = fleet.containers(2)
    there = fleet.begin([fleet.move(row, "node-2") for row in rows])
    back = fleet.begin([fleet.move(row, "node-3") for row in rows])
    assert states(back) == ["skipped", "skipped"]
    assert all("has a migration that has not ended" in why for why in whys(back))
    fleet.run()
    assert states(there) == ["done", "done"]
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}


def test_one_that_is_busy_is_skipped_and_the_others_go(fleet: Fleet) -> None:
    moves = fleet.moves(3)
    busy = moves[1].container
    schedule_migration(
        container=busy,
        target=make_node(),
        method="stream",
        actor=None,
        now=fleet.now,
        settings=settings.OVZ,
    )
    batch = fleet.begin(moves)
    fleet.run()
    assert states(batch) == ["done", "skipped", "done"]


def test_room_is_made_before_it_is_taken(fleet: Fleet) -> None:
    moves = fleet.moves(1, "node-3")
    moves.append(fleet.move(fleet.container("201", "node-2"), "node-1", after=(0,)))
    batch = fleet.begin(moves, most_at_once=9)
    assert states(fleet.tick(batch)) == ["moving", "waiting"]
    assert whys(batch)[1] == "Waits for 101, which has to move before it."
    fleet.run()
    assert fleet.most_under_way == 1


def test_a_stop_on_the_way_is_two_migrations_one_after_the_other(fleet: Fleet) -> None:
    row = fleet.container("101")
    batch = fleet.begin([fleet.move(row, "node-2", parks=True), fleet.move(row, "node-3")], most_at_once=9)
    assert Migration.objects.count() == 1
    fleet.run()
    assert list(Migration.objects.values_list("source__name", "target__name")) == [
        ("node-1", "node-2"),
        ("node-2", "node-3"),
    ]
    assert Container.objects.get().node.name == "node-3"
    assert states(batch) == ["done", "done"]


def test_a_large_batch_is_written_down_in_parts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrations_app.usecases.schedule_items.MOST_AT_ONCE", 4)
    batch = fleet.begin(fleet.moves(10), most_at_once=1)
    assert Migration.objects.count() == 4
    fleet.run_for(1)
    assert Migration.objects.count() == 10
    assert states(batch).count("moving") == 1
