"""Samples become slots of five minutes, hours and days, each time the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import isnan
from typing import Any

import pytest
from django.conf import settings

from migrations_app.capacity import chunks, rounds
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.packing import Grid
from migrations_app.capacity.spans import Grain, span_at
from migrations_app.models import Chunk, Container, Node, Round, Standing
from migrations_app.usecases.roll_up import roll_up, roll_up_node
from migrations_app.usecases.sample_nodes import sample_nodes
from tests.factories import make_container, make_node
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db
DAY = START.date()


@pytest.fixture
def node(world: FakeWorld) -> Node:
    world.clients_write = False
    world.node("node-1").make_container("101")
    return make_node(fake=world.node("node-1"))


@pytest.fixture
def shop(node: Node) -> Container:
    return make_container(node=node, ctid="101")


def sample_until(world: FakeWorld, until: datetime, *, every_seconds: float = 300) -> None:
    while world.clock() < until:
        sample_nodes(first_id=1, last_id=10**9, outside=world.outside, settings=settings.OVZ)
        world.clock.advance(every_seconds - 0.02)


def roll(node: Node, now: datetime) -> int:
    return roll_up_node(node_id=node.pk, now=now, longest_seconds=900)


def grid_of(subject: Subject, grain: Grain, day: date = DAY) -> Grid:
    return chunks.open_all([subject], span_at(grain, day))[subject]


def test_an_hour_that_is_over_becomes_twelve_slots(world: FakeWorld, node: Node, shop: Container) -> None:
    sample_until(world, START + timedelta(hours=1, minutes=2))
    assert roll(node, world.clock()) == 1
    column = grid_of(Subject(Kind.NODE, node.pk), Grain.FIVE_MINUTES).column("rx_bps", "mean")
    assert isnan(column[120])  # the first sample has nothing to be compared with
    assert column[121:132].tolist() == pytest.approx([1e6] * 11, rel=0.01)
    assert isnan(column[132])
    inside = grid_of(Subject(Kind.CONTAINER, shop.pk), Grain.FIVE_MINUTES)
    assert inside.column("cpu_cores", "max")[125] == pytest.approx(0.5, rel=0.01)
    assert inside.column("memory_limit_mib", "mean")[120] == 512


def test_rolling_up_again_changes_nothing(world: FakeWorld, node: Node, shop: Container) -> None:
    sample_until(world, START + timedelta(hours=15))
    roll(node, world.clock())
    once = list(Chunk.objects.order_by("pk").values())
    Standing.objects.update(rolled_up_until=START)
    roll(node, world.clock())
    assert [{**row, "body": bytes(row["body"])} for row in Chunk.objects.order_by("pk").values()] == [
        {**row, "body": bytes(row["body"])} for row in once
    ]


def test_a_day_that_is_over_becomes_hours_and_a_day(world: FakeWorld, node: Node, shop: Container) -> None:
    sample_until(world, START + timedelta(hours=14, minutes=5))
    roll(node, world.clock())
    subject = Subject(Kind.CONTAINER, shop.pk)
    hours = grid_of(subject, Grain.HOUR).column("tx_bps", "mean")
    assert hours[24 + 10 : 48].tolist() == pytest.approx([9000.0] * 14, rel=0.01)
    assert isnan(hours[24 + 9])
    days = grid_of(subject, Grain.DAY)
    assert days.column("tx_bps", "p95")[(DAY - date(DAY.year, 1, 1)).days] == pytest.approx(9000.0, rel=0.01)


def test_a_gap_stays_a_gap(world: FakeWorld, node: Node) -> None:
    sample_until(world, START + timedelta(minutes=20))
    world.clock.set(START + timedelta(minutes=40))
    sample_until(world, START + timedelta(hours=1, minutes=1))
    roll(node, world.clock())
    grid = grid_of(Subject(Kind.NODE, node.pk), Grain.FIVE_MINUTES)
    assert [grid.is_known(slot) for slot in range(120, 132)] == [True] * 4 + [False] * 4 + [True] * 4
    assert isnan(grid.column("rx_bps", "mean")[128])  # twenty-five minutes in one rate would hide what happened


def test_several_samples_in_a_slot_keep_the_lowest_and_the_highest(world: FakeWorld, node: Node) -> None:
    fake = world.node("node-1")
    for minute in range(62):
        fake.memory_free_kib = 12_582_912 - minute % 5 * 1_048_576
        sample_nodes(first_id=1, last_id=10**9, outside=world.outside, settings=settings.OVZ)
        world.clock.advance(59.98)
    roll(node, world.clock())
    grid = grid_of(Subject(Kind.NODE, node.pk), Grain.FIVE_MINUTES)
    assert [grid.column("memory_mib", name)[125] for name in ("min", "mean", "max", "p95")] == [4096, 6144, 8192, 8192]


def test_a_long_silence_is_passed_quickly(world: FakeWorld, node: Node, django_assert_max_num_queries: Any) -> None:
    sample_until(world, START + timedelta(minutes=10))
    with django_assert_max_num_queries(1200):
        roll(node, START + timedelta(days=40))
    assert Standing.objects.get(node=node).rolled_up_until == START + timedelta(days=40)


def test_it_says_when_the_node_will_be_full(world: FakeWorld, node: Node) -> None:
    fake = world.node("node-1")
    for _ in range(9):
        sample_until(world, world.clock() + timedelta(hours=24), every_seconds=3600)
        fake.disk_free_kib -= 5 * 1_048_576  # 5 GiB a day of the 80 that were free
    roll_up_node(node_id=node.pk, now=world.clock(), longest_seconds=4000)
    days, earliest, latest = Standing.objects.get(node=node).full_in_days["disk"]
    assert earliest <= days <= latest
    assert 5 <= days <= 9
    assert Standing.objects.get(node=node).week["memory_mib"] == pytest.approx(4096)


def test_the_round_is_due_again_at_its_next_beat(world: FakeWorld, node: Node) -> None:
    rounds.begin(START)
    sample_until(world, START + timedelta(hours=1, minutes=10))
    row = Round.objects.get(name=Round.Name.ROLL_UP)
    assert roll_up(round_id=row.pk, clock=world.clock, settings=settings.OVZ) == 1
    row.refresh_from_db()
    assert row.next_at == START + timedelta(hours=1, minutes=18, seconds=20)
    assert roll_up(round_id=row.pk, clock=world.clock, settings=settings.OVZ) == 0
