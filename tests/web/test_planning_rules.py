"""Rules of nodes and containers: what the pages say, and the forms that change them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Container, Node
from tests.factories import make_container, make_node

HOSTILE = '<script>alert(1)</script>"'


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def body(client: Client, name: str, number: int) -> str:
    return client.get(reverse(name, args=[number])).content.decode()


def test_a_nodes_rules_are_set_and_shown(client: Client) -> None:
    node = make_node()
    said = {"memory_limit_percent": "80", "cpu_overcommit": "2.5", "tags": "ssd, rack-2"}
    assert client.post(reverse("node-rules", args=[node.pk]), said).status_code == 302
    node.refresh_from_db()
    assert (node.memory_limit_percent, node.cpu_limit_percent, node.cpu_overcommit) == (80, None, 2.5)
    assert node.tags == ["rack-2", "ssd"]
    page = body(client, "node", node.pk)
    for words in ("80 %", "as everywhere", "2.5", "rack-2, ssd", 'value="rack-2 ssd"'):
        assert words in page


def test_every_objection_to_a_nodes_rules_stands_at_its_field(client: Client) -> None:
    node = make_node()
    said = {"memory_limit_percent": "80", "cpu_overcommit": "2", "tags": f"ssd {HOSTILE}"}
    answer = client.post(reverse("node-rules", args=[node.pk]), said)
    assert answer.status_code == 422
    assert list(answer.context["rules_form"].errors) == ["tags"]
    assert "<script>alert" not in answer.content.decode()
    answer = client.post(reverse("node-rules", args=[node.pk]), said | {"cpu_limit_percent": "0", "cpu_overcommit": ""})
    assert {"cpu_limit_percent", "cpu_overcommit"} <= set(answer.context["rules_form"].errors)
    node.refresh_from_db()
    assert node.memory_limit_percent is None


def test_a_containers_rules_are_set_and_shown(client: Client) -> None:
    make_node(tags=["ssd"])
    mate = make_container(apart_group="shop-db", hostname="db-2.example.net")
    container = make_container(hostname="db-1.example.net")
    said = {"pinned": "on", "pin_reason": "Licence", "requires": "ssd gpu", "apart_group": "shop-db"}
    assert client.post(reverse("container-rules", args=[container.pk]), said).status_code == 302
    page = body(client, "container", container.pk)
    for words in ("Pinned to", "Licence", "Requires gpu, ssd", "No node has the tag gpu", "db-2.example.net"):
        assert words in page
    assert reverse("container", args=[mate.pk]) in page
    assert "pinned" in client.get(reverse("containers")).content.decode()


def test_a_pin_without_its_reason_is_refused_and_what_was_typed_is_kept(client: Client) -> None:
    container = make_container()
    answer = client.post(
        reverse("container-rules", args=[container.pk]), {"pinned": "on", "requires": HOSTILE, "apart_group": "a b"}
    )
    assert answer.status_code == 422
    assert set(answer.context["rules_form"].errors) == {"pin_reason", "requires", "apart_group"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.content.decode()
    container.refresh_from_db()
    assert not container.pinned


def test_what_is_not_ruled_is_said_too(client: Client) -> None:
    assert "It may go to any node that has room." in body(client, "container", make_container().pk)


def test_stored_words_are_shown_as_text(client: Client) -> None:
    node = make_node(tags=[HOSTILE])
    container = make_container(
        node=node, pinned=True, pin_reason=HOSTILE, requires=[HOSTILE + "x"], apart_group=HOSTILE
    )
    make_container(apart_group=HOSTILE, hostname=HOSTILE)
    for name, number in (("node", node.pk), ("container", container.pk)):
        assert "<script>alert" not in body(client, name, number)


def test_a_large_group_costs_no_query_more(client: Client, django_assert_max_num_queries) -> None:
    container = make_container(apart_group="g")
    with django_assert_max_num_queries(20) as few:
        body(client, "container", container.pk)
    for _ in range(12):
        make_container(apart_group="g", node=make_node())
    with django_assert_max_num_queries(len(few)):
        body(client, "container", container.pk)
    assert Container.objects.filter(apart_group="g").count() == 13
    assert Node.objects.count() == 13
