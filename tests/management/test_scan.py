"""The terminal's door to a scan."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.factories import make_node
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fleet(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrations_app.wiring.outside", lambda: world.outside)
    for fake in world.nodes.values():
        make_node(fake=fake)
    world.node("node-1").make_container("101")
    world.node("node-2").is_up = False


def scan(*names: str) -> list[str]:
    out = StringIO()
    call_command("scan", *names, stdout=out)
    return out.getvalue().splitlines()


def test_it_tells_of_every_node() -> None:
    first, second = scan()
    assert first == "node-1: ready, containers: 1"
    assert second.startswith("node-2: NodeUnreachable: ")


def test_it_looks_at_the_named_nodes_only() -> None:
    assert scan("node-1") == ["node-1: ready, containers: 1"]


def test_it_names_a_node_that_is_not_there() -> None:
    with pytest.raises(CommandError, match=r"No such node: node-9\. There are: node-1, node-2"):
        scan("node-1", "node-9")
