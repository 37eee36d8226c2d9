"""Segments and pools on pages, and what the schedule page says about addresses."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import AuditLine, Container, Migration, Node, Pool, Segment
from tests.factories import make_container, make_node, make_segment

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


@pytest.fixture
def home(db: None) -> Node:
    return make_node(name="home", address="192.0.2.11")


@pytest.fixture
def near(db: None) -> Node:
    return make_node(name="near", address="192.0.2.12")


@pytest.fixture
def far(db: None) -> Node:
    return make_node(name="far", address="198.51.100.12")


@pytest.fixture
def container(home: Node) -> Container:
    return make_container(ctid="101", node=home, addresses=["192.0.2.101"])


@pytest.fixture
def racks(home: Node, near: Node, far: Node) -> tuple[Segment, Segment]:
    span = "198.51.100.12-198.51.100.14"
    return (
        make_segment(name="rack 1", networks=["192.0.2.0/24"], nodes=[home, near]),
        make_segment(name="rack 3", networks=["198.51.100.0/24"], nodes=[far], pools=[span]),
    )


def schedule(client: Client, container: Container, node: Node, **values: object) -> Any:
    plain = {"target": node.pk, "method": "auto", "start": "now", "rehearse": "on"}
    return client.post(reverse("schedule", args=[container.pk]), plain | values)


def test_a_segment_and_its_pool_are_added_by_hand(client: Client, far: Node) -> None:
    said = {"name": "rack 3", "networks": "198.51.100.0/24\n2001:db8:3::/64", "nodes": [far.pk]}
    response = client.post(reverse("segments"), said)
    segment = Segment.objects.get()
    assert response["Location"] == reverse("segment", args=[segment.pk])
    assert segment.networks == ["198.51.100.0/24", "2001:db8:3::/64"]
    pool = {"span": "2001:db8:3::/64", "node": "", "left_out": f"2001:db8:3::1 {HOSTILE}\r\n"}
    assert client.post(reverse("pool-add", args=[segment.pk]), pool).status_code == 302
    body = client.get(reverse("segment", args=[segment.pk])).content.decode()
    assert "1.8·10^19" in body
    assert "without 2001:db8:3::1, &lt;script&gt;" in body
    assert HOSTILE not in body
    assert set(AuditLine.objects.values_list("actor_name", flat=True)) == {"ada"}


def test_it_says_how_full_a_pool_is(client: Client, racks: tuple[Segment, Segment]) -> None:
    """The node itself has one of three."""
    shown = {row.name: pools for row, pools in client.get(reverse("segments")).context["segments"]}
    (pool,) = shown["rack 3"]
    assert (pool.fill.used, pool.fill.reserved, pool.fill.free, pool.fill.percent) == (1, 0, 2, 33)
    assert shown["rack 1"] == []


def test_the_list_costs_the_same_for_many(client: Client, far: Node, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        networks = [f"10.{number}.0.0/16"]
        make_segment(networks=networks, nodes=[far], pools=[f"10.{number}.1.{part}" for part in range(1, 6)])
    with django_assert_max_num_queries(17):
        assert client.get(reverse("segments")).status_code == 200


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": ""}),
        ("networks", {"networks": "192.0.2.1/24"}),
        ("networks", {"networks": "fe80::%eth0/64"}),
        ("networks", {"networks": ""}),
        ("nodes", {"nodes": ["987654"]}),
        ("nodes", {"nodes": ["1; id"]}),
    ],
)
def test_a_segment_is_refused_at_its_field(client: Client, field: str, values: dict[str, object]) -> None:
    response = client.post(reverse("segments"), {"name": "rack", "networks": "192.0.2.0/24"} | values)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Segment.objects.exists()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("span", {"span": "0.0.0.0/0"}),
        ("span", {"span": "198.51.100.13"}),
        ("span", {"span": ""}),
        ("span", {"span": "9" * 5000}),
        ("node", {"node": "987654"}),
        ("left_out", {"left_out": "gateway 198.51.100.21"}),
        ("left_out", {"left_out": "198.51.100.20\n" * 20_000}),
    ],
)
def test_a_pool_is_refused_at_its_field(
    client: Client, racks: tuple[Segment, Segment], field: str, values: dict[str, object]
) -> None:
    said = {"span": "198.51.100.20-198.51.100.29", "node": "", "left_out": ""} | values
    response = client.post(reverse("pool-add", args=[racks[1].pk]), said)
    assert response.status_code == 422
    assert list(response.context["pool_form"].errors) == [field]
    assert Pool.objects.count() == 1


def test_a_segment_is_changed_and_removed_with_its_pools(client: Client, racks: tuple[Segment, Segment]) -> None:
    rack = racks[1]
    url = reverse("segment", args=[rack.pk])
    assert 'value="rack 3"' in client.get(url).content.decode()
    client.post(url, {"name": "rack 4", "networks": "198.51.100.0/24"})
    rack.refresh_from_db()
    assert (rack.name, rack.nodes.count()) == ("rack 4", 0)
    client.post(reverse("pool-remove", args=[Pool.objects.get().pk]))
    client.post(reverse("segment-remove", args=[rack.pk]))
    assert [row.name for row in Segment.objects.all()] == ["rack 1"]
    assert not Pool.objects.exists()


def test_it_says_beside_each_target_what_becomes_of_the_address(
    client: Client, container: Container, racks: tuple[Segment, Segment]
) -> None:
    make_node(name="unknown")
    body = client.get(reverse("schedule", args=[container.pk])).content.decode()
    assert "memory free; its address stays</option>" in body
    assert "memory free; new address 198.51.100.13</option>" in body
    assert "memory free; new address, none free in a pool</option>" in body


def test_without_segments_it_says_nothing_of_addresses(client: Client, container: Container, far: Node) -> None:
    assert "its address" not in client.get(reverse("schedule", args=[container.pk])).context["form"].as_p()
    assert schedule(client, container, far).status_code == 302


def test_the_next_free_address_is_proposed_and_one_press_takes_it(
    client: Client, container: Container, far: Node, racks: tuple[Segment, Segment]
) -> None:
    response = schedule(client, container, far)
    assert response.status_code == 422
    assert 'value="198.51.100.13"' in response.content.decode()
    assert "cannot be kept" in str(response.context["form"].errors["new_addresses"])
    assert not Migration.objects.exists()
    schedule(client, container, far, new_addresses="198.51.100.13")
    assert Migration.objects.get().new_addresses == ["198.51.100.13"]


def test_another_free_one_may_be_taken_and_auto_takes_the_next(
    client: Client, container: Container, home: Node, far: Node, racks: tuple[Segment, Segment]
) -> None:
    schedule(client, container, far, new_addresses="198.51.100.14")
    schedule(client, make_container(node=home, addresses=["192.0.2.102"]), far, new_addresses="auto")
    assert [row.new_addresses for row in Migration.objects.order_by("pk")] == [["198.51.100.14"], ["198.51.100.13"]]
    last = schedule(client, make_container(node=home, addresses=["192.0.2.103"]), far, new_addresses="auto")
    assert "add a pool" in str(last.context["form"].errors["new_addresses"])


def test_what_was_typed_is_never_replaced(
    client: Client, container: Container, far: Node, racks: tuple[Segment, Segment]
) -> None:
    response = schedule(client, container, far, new_addresses="198.51.100.12")
    assert 'value="198.51.100.12"' in response.content.decode()
    assert "is the address of far" in str(response.context["form"].errors["new_addresses"])


def test_to_the_same_segment_it_keeps_its_address(
    client: Client, container: Container, near: Node, racks: tuple[Segment, Segment]
) -> None:
    assert schedule(client, container, near).status_code == 302
    assert Migration.objects.get().new_addresses == []
