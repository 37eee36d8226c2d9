"""One round of samples: everybody who answers is kept, everybody else leaves a gap."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from migrations_app.capacity.packing import unpack_reading
from migrations_app.models import Container, Node, Reading, Standing
from migrations_app.usecases.sample_nodes import sample_nodes
from tests.factories import make_container, make_node
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


@pytest.fixture
def nodes(world: FakeWorld) -> list[Node]:
    world.clients_write = False
    world.node("node-1").make_container("101")
    return [make_node(fake=world.node(name)) for name in ("node-1", "node-2")]


@pytest.fixture
def shop(nodes: list[Node]) -> Container:
    return make_container(node=nodes[0], ctid="101")


def sample(world: FakeWorld, **overrides: Any) -> int:
    return sample_nodes(first_id=1, last_id=10**9, outside=world.outside, settings=settings.OVZ | overrides)


def test_it_asks_each_node_once(world: FakeWorld, nodes: list[Node]) -> None:
    assert sample(world) == 2
    assert sorted((call.node, call.words) for call in world.calls) == [
        ("node-1", ("ask", "usage")),
        ("node-2", ("ask", "usage")),
    ]


def test_it_keeps_the_counters_with_the_row_each_container_has(world: FakeWorld, shop: Container) -> None:
    sample(world)
    kept = unpack_reading(bytes(Reading.objects.get(node=shop.node).body))
    assert kept.container_rows == {"101": shop.pk}
    assert kept.use.containers[0].memory_kib == 48_000


def test_the_second_sample_knows_rates(world: FakeWorld, nodes: list[Node]) -> None:
    sample(world)
    assert "cpu_cores" not in Standing.objects.get(node=nodes[0]).now
    world.wait(300)
    sample(world)
    now = Standing.objects.get(node=nodes[0]).now
    assert now["cpu_cores"] == pytest.approx(1.0, abs=0.01)
    assert now["rx_bps"] == pytest.approx(1_000_000, rel=0.01)
    assert now["memory_mib"] == 4096


def test_it_tells_what_is_promised(world: FakeWorld, shop: Container) -> None:
    sample(world)
    standing = Standing.objects.get(node=shop.node)
    assert standing.promised == {"cpu": 2.0, "memory": 512.0, "disk": 2252.8, "inodes": 220_000.0}
    assert standing.total == {"cpu": 4, "memory": 16_384, "disk": 102_400, "inodes": 6_553_600}


def test_a_silent_node_leaves_a_gap_and_keeps_what_was_known(world: FakeWorld, nodes: list[Node]) -> None:
    sample(world)
    world.part("panel", "node-1")
    world.wait(300)
    assert sample(world) == 1
    standing = Standing.objects.get(node=nodes[0])
    assert standing.missed == "NodeUnreachable"
    assert standing.now["memory_mib"] == 4096
    assert Reading.objects.filter(node=nodes[0]).count() == 1
    world.heal()
    world.wait(300)
    sample(world)
    assert Standing.objects.get(node=nodes[0]).missed == ""


def test_an_older_gate_is_a_miss_with_a_name(world: FakeWorld, nodes: list[Node], monkeypatch: Any) -> None:
    monkeypatch.delitem(__import__("tests.fakes.facts", fromlist=["FACTS"]).FACTS, "usage")
    assert sample(world) == 0
    assert Standing.objects.get(node=nodes[0]).missed == "GateRefused"


def test_a_node_that_was_booted_shows_no_spike(world: FakeWorld, nodes: list[Node]) -> None:
    sample(world)
    world.wait(300)
    world.node("node-1").boot()
    world.wait(60)
    sample(world)
    assert "rx_bps" not in Standing.objects.get(node=nodes[0]).now


def test_it_leaves_nodes_alone_that_are_not_ready(world: FakeWorld, nodes: list[Node]) -> None:
    Node.objects.update(state=Node.State.KEY_PINNED)
    assert sample(world) == 0
    assert world.calls == []


def test_it_needs_few_queries_however_many_nodes(
    world: FakeWorld, nodes: list[Node], django_assert_max_num_queries: Any
) -> None:
    for number in range(3, 23):
        make_node(fake=world.add_node(f"node-{number}", f"192.0.2.{100 + number}"))
    with django_assert_max_num_queries(9):
        assert sample(world) == 22
