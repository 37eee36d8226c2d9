"""A node and a container with ten days of history."""

from __future__ import annotations

import pytest
from django.conf import settings

from lab.replay import replay
from migrations_app.capacity.spans import hour_of
from migrations_app.models import Container, Node
from migrations_app.usecases.sample_nodes import sample_nodes
from tests.factories import make_container, make_node
from tests.fakes.world import FakeWorld

DAYS = 10


@pytest.fixture
def node(world: FakeWorld, db: None) -> Node:
    world.clients_write = False
    world.node("node-1").make_container("101")
    return make_node(fake=world.node("node-1"))


@pytest.fixture
def shop(node: Node) -> Container:
    return make_container(node=node, ctid="101")


@pytest.fixture
def history(world: FakeWorld, node: Node, shop: Container) -> Node:
    """Ten replayed days and two real samples."""
    for _ in range(2):
        sample_nodes(first_id=1, last_id=10**9, outside=world.outside, settings=settings.OVZ)
        world.clock.advance(300)
    replay([node], until=hour_of(world.clock()), days=DAYS)
    return node
