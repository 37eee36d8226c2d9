"""The fleet as placement sees it: units, limits, who is held where, and how many questions it takes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.utils import timezone

from lab.replay import write_days
from migrations_app.capacity import picture
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.picture import Picture
from migrations_app.capacity.spans import hour_of
from migrations_app.models import Batch, BatchItem, Container, Node, Standing
from migrations_app.placement.planning import plan
from tests.factories import make_container, make_migration, make_node

pytestmark = pytest.mark.django_db
MIB = 1024 * 1024


def look(**options: Any) -> Picture:
    overrides = options.pop("settings", {})
    return picture.take(settings=settings.OVZ | overrides, now=timezone.now(), **options)


def node(**overrides: Any) -> Node:
    """A node that uses nothing itself."""
    return make_node(**{"memory_available_mib": 16_384, "disk_free_mib": 102_400} | overrides)


def demand(seen: Picture, container: Container) -> dict[str, float]:
    row = seen.rows[container.pk]
    return dict(zip(seen.fleet.resources, seen.fleet.demand[row].tolist(), strict=True))


def room(seen: Picture, of: Node) -> list[float]:
    return [round(amount, 3) for amount in seen.room[seen.node_rows[of.pk]].tolist()]


def left(seen: Picture, of: Node) -> list[float]:
    """What of a node's room is not taken by those who are on their way."""
    return [round(amount, 3) for amount in seen.fleet.room[seen.node_rows[of.pk]].tolist()]


def test_a_node_offers_its_size_times_its_limits() -> None:
    plain, own = node(), node(cpu_overcommit=3.0, cpu_limit_percent=50, memory_limit_percent=80, disk_limit_percent=60)
    seen = look()
    assert room(seen, plain) == [3.8, 14_745.6, 87_040.0]
    assert room(seen, own) == [6.0, 13_107.2, 61_440.0]


def test_what_a_node_uses_itself_beyond_its_reserve_is_not_there_for_containers() -> None:
    busy = node(memory_available_mib=10_000)
    make_container(node=busy, memory_held_mib=1_000, memory_limit_mib=1_000)
    # 6,384 are in use, 1,000 of them by the container: 16,384 - 5,384.
    assert room(look(), busy)[1] == 11_000.0


def test_the_last_sample_counts_before_the_last_scan() -> None:
    sampled = node()
    Standing.objects.create(node=sampled, total={"memory": 20_000}, now={"memory_mib": 5_000.0})
    assert room(look(), sampled)[1] == 15_000.0


def test_a_container_takes_what_it_is_entitled_to_and_what_it_uses_if_that_is_more() -> None:
    here = node()
    idle = make_container(node=here, cpus=2, memory_limit_mib=4_096, memory_held_mib=10, disk_limit_mib=9_000)
    beyond = make_container(node=here, cpus=4, cpu_limit_percent=150, disk_limit_mib=50, disk_used_mib=70)
    seen = look()
    assert demand(seen, idle) == {"cpu": 2.0, "mem": 4_096.0, "disk": 9_000.0}
    assert demand(seen, beyond) == {"cpu": 1.5, "mem": 512.0, "disk": 70.0}


def test_an_overcommit_stretches_what_is_promised_and_not_what_is_used() -> None:
    one = make_container(node=node(), memory_limit_mib=1_000, memory_held_mib=900, disk_limit_mib=1_000)
    seen = look(settings={"memory_overcommit": 2.0, "disk_overcommit": 4.0})
    assert demand(seen, one)["mem"] == 900.0
    assert demand(seen, one)["disk"] == 250.0


def test_without_a_limit_it_counts_by_what_it_uses_and_the_notes_say_so() -> None:
    here = node(cpu_overcommit=2.0)
    Standing.objects.create(node=here, week={"cpu_cores": 1.2})
    free = make_container(node=here, cpus=None, memory_limit_mib=None, memory_held_mib=77, disk_limit_mib=10**9)
    make_container(node=here, cpus=None)
    seen = look()
    # Nobody measured them: each has half of what the node used, and an overcommit stretches no work.
    assert demand(seen, free) == {"cpu": 1.2, "mem": 77.0, "disk": 60.0}
    assert "2 containers have no limit on processors; they count by what they use." in seen.notes
    assert "1 containers have no limit on disk; they count by what they use." in seen.notes


def test_processors_without_a_limit_are_those_of_the_week() -> None:
    free = make_container(node=node(), cpus=None)
    write_days(Subject(Kind.CONTAINER, free.pk), {"cpu_cores": 0.5}, hour_of(timezone.now()), 9)
    assert 0.1 < demand(look(), free)["cpu"] < 2.0


def test_bytes_that_cross_the_wire_are_disk_and_memory() -> None:
    one = make_container(node=node(), disk_used_mib=100, memory_held_mib=28)
    seen = look()
    assert seen.fleet.move_bytes[seen.rows[one.pk]] == 128 * MIB


def test_tags_are_the_nodes_own_and_what_no_move_gets_past() -> None:
    new = node(kernel="3.10.0-1160.105.1.vz7.214.3", tags=["ssd"])
    old = node(kernel="2.6.18-400.el5.028stab122.1", architecture="i686")
    one = make_container(node=new, layout="ploop", requires=["ssd", 5])
    seen = look()
    tags = dict(zip(seen.fleet.node_names, seen.fleet.tags, strict=True))
    assert tags[new.name] == {"ssd", "arch:x86_64", "line:vz7", "layout:ploop"}
    assert tags[old.name] == {"arch:i686", "line:legacy"}
    needs = seen.fleet.kinds[seen.fleet.kind[seen.rows[one.pk]]]
    assert needs == {"ssd", "arch:x86_64", "line:vz7", "layout:ploop"}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"duty": "draining", "duty_note": "disks"}, "is draining (disks)"),
        ({"duty": "maintenance"}, "is in maintenance"),
        ({"fault": "NodeUnreachable"}, "is in trouble: NodeUnreachable"),
    ],
)
def test_a_closed_node_is_left_out_unless_it_is_asked_for(columns: dict[str, Any], why: str) -> None:
    closed = node(**columns)
    inside = make_container(node=closed)
    node()
    seen = look()
    assert closed.pk not in seen.node_rows
    assert inside.pk not in seen.rows
    assert any(why in note for note in seen.notes)
    assert look(emptied=[closed.pk]).fleet.drained.sum() == 1
    shown = look(with_closed=True)
    assert shown.fleet.drained[shown.node_rows[closed.pk]]
    assert inside.pk in shown.rows


def test_a_node_that_misses_its_samples_or_is_not_ready_is_no_target() -> None:
    silent = node()
    Standing.objects.create(node=silent, missed="NodeUnreachable")
    node(state=Node.State.KEY_PINNED)
    sizeless = node(name="who-knows", disk_total_mib=None)
    seen = look()
    assert not seen.node_rows.keys() & {silent.pk, sizeless.pk}
    assert "Left out, because its size is not known: who-knows." in seen.notes


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"pinned": True, "pin_reason": "licence"}, "It is pinned: licence."),
        ({"status": "suspended"}, "It is suspended; only a running or a stopped container is moved."),
        ({"status": "stopped"}, None),
    ],
)
def test_who_is_held_says_why(columns: dict[str, Any], why: str | None) -> None:
    one = make_container(node=node(), **columns)
    seen = look()
    assert seen.held.get(one.pk) == why
    assert seen.fleet.pinned[seen.rows[one.pk]] == (why is not None)


def test_who_is_on_the_way_stands_at_its_target_and_still_takes_room_at_its_source() -> None:
    here, there = node(), node()
    one = make_container(node=here, memory_limit_mib=4_745)
    move = make_migration(container=one, target=there)
    seen = look()
    assert seen.fleet.home[seen.rows[one.pk]] == seen.node_rows[there.pk]
    assert left(seen, here)[1] == 10_000.6
    assert seen.pressures(seen.fleet.home)[seen.node_rows[here.pk], 1] == pytest.approx(4_745 / 14_745.6)
    assert seen.held[one.pk] == f"Its migration m{move.pk} has not ended."


def test_what_an_open_batch_will_move_is_held_with_its_last_stop() -> None:
    here, stop, there = node(), node(), node()
    one = make_container(node=here, cpus=1)
    batch = Batch.objects.create(name="Friday", created_at=timezone.now(), freeze_budget_seconds=5, state="running")
    for position, (source, target) in enumerate(((here, stop), (stop, there))):
        BatchItem.objects.create(batch=batch, position=position, container=one, source=source, target=target)
    seen = look()
    assert seen.held[one.pk] == "It is in the batch Friday."
    assert seen.fleet.home[seen.rows[one.pk]] == seen.node_rows[there.pk]
    assert [left(seen, at)[0] for at in (here, stop, there)] == [2.8, 2.8, 3.8]
    batch.items.update(state="skipped")
    assert one.pk not in look().held


def test_groups_keep_apart_and_so_do_equal_numbers() -> None:
    here, there = node(), node()
    web = [make_container(node=at, apart_group="web") for at in (here, there)]
    twins = [make_container(node=at, ctid="777") for at in (here, there)]
    both = make_container(node=node(), ctid="777", apart_group="web")
    seen = look()
    group = {pk: seen.fleet.group[row] for pk, row in seen.rows.items()}
    assert group[web[0].pk] == group[web[1].pk] != group[twins[0].pk] == group[twins[1].pk]
    assert "has its number 777" in seen.held[both.pk]


def test_two_of_a_group_on_one_node_already_do_not_spoil_the_picture() -> None:
    here = node()
    for _ in range(2):
        make_container(node=here, apart_group="web", cpus=1)
    node()
    seen = look(emptied=[here.pk])
    assert sorted(seen.fleet.groups) == ["web", "web (2)"]
    assert answer(seen)["status"] == "optimal"


def test_names_are_host_names_where_those_are_one_containers_alone() -> None:
    here = node(name="hn")
    for ctid, hostname in (("1", "a.example"), ("2", "twice.example"), ("3", "twice.example"), ("4", "5@hn")):
        make_container(node=here, ctid=ctid, hostname=hostname)
    assert look().fleet.names == ("a.example", "2@hn", "3@hn", "4@hn")


def answer(seen: Picture, goal: str = "evacuate") -> dict[str, Any]:
    clock = time.monotonic
    return plan(fleet=seen.fleet, goal=goal, seconds=2.0, clock=clock, began=clock(), chance=np.random.default_rng(1))


def test_a_node_that_promises_too_much_already_takes_nothing_and_hinders_nobody() -> None:
    empty, overfull, free = node(), node(name="overfull"), node()
    one = make_container(node=empty, cpus=1, hostname="one.example")
    for _ in range(3):
        make_container(node=overfull, cpus=2, memory_limit_mib=100)
    seen = look(emptied=[empty.pk])
    found = answer(seen)
    assert found["plan"] == {"one.example": free.name}
    assert found["status"] == "optimal"
    assert "More cpu is promised than may be used on overfull." in seen.notes
    assert seen.pressures(seen.fleet.home)[seen.node_rows[overfull.pk], 0] > 1.5
    assert one.pk in seen.rows


def test_levelling_relieves_a_node_that_promises_too_much() -> None:
    overfull, free = node(), node()
    for _ in range(3):
        make_container(node=overfull, cpus=2, memory_limit_mib=100)
    found = answer(look(levels=True), "rebalance:1.0")
    # Two processors of 3.8: one container each, and the third fits nowhere.
    assert found["status"] == "impossible"
    make_container(node=free, cpus=None)
    overfull.containers.update(cpu_limit_percent=100)
    assert answer(look(levels=True), "rebalance:0.6")["status"] == "optimal"


def test_an_empty_fleet_is_a_picture_too() -> None:
    assert look().keys == ()


def test_it_takes_as_many_queries_for_any_fleet(django_assert_num_queries: Any) -> None:
    for count in (1, 30):
        here = node()
        for _ in range(count):
            make_container(node=here, cpus=None)
        Standing.objects.create(node=here, sampled_at=timezone.now() - timedelta(minutes=1))
        # Nodes, containers and their wishes, batches, migrations; and each month that the week falls into.
        with django_assert_num_queries(5 + len(_months())):
            look()


def _months() -> set[tuple[int, int]]:
    now = timezone.now()
    return {(at.year, at.month) for at in (now, now - timedelta(days=7))}
