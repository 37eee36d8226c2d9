"""Putting nodes into and out of service, and what the pages say of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import Node, Standing
from tests.factories import make_container, make_migration, make_node

Duty = Node.Duty
HOSTILE = '<script>alert(1)</script>"'


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def body(client: Client, name: str, *args: object) -> str:
    return client.get(reverse(name, args=args)).content.decode()


def change(client: Client, node: Node, **values: object) -> object:
    return client.post(reverse("node-duty", args=[node.pk]), {"duty": "draining", "note": ""} | values)


def silent(**columns: object) -> Node:
    return make_node(fault="NodeUnreachable", fault_detail="No route to host.", **columns)


def test_it_is_said_on_the_nodes_page_with_since_when_and_why(client: Client) -> None:
    node = make_node()
    make_container(node=node)
    assert "Containers may come to it." in body(client, "node", node.pk)
    assert change(client, node, note="New disks on Friday")["Location"] == reverse("node", args=[node.pk])
    page = body(client, "node", node.pk)
    for words in ("Draining", "New disks on Friday", "1 container is here"):
        assert words in page


def test_a_nodes_page_leads_to_proposals_that_empty_it_and_bring_its_containers_home(client: Client) -> None:
    node = make_node()
    ask = f"{reverse('proposal-new')}?goal="
    assert f"{ask}evacuate" not in body(client, "node", node.pk)
    make_container(node=node)
    page = body(client, "node", node.pk)
    assert f"{ask}evacuate&amp;node={node.pk}" in page
    assert f"{ask}home&amp;node={node.pk}" in page
    change(client, node)
    page = body(client, "node", node.pk)
    assert f"{ask}evacuate&amp;node={node.pk}" in page
    assert f"{ask}home" not in page


def test_a_refusal_stands_at_its_field_and_keeps_what_was_typed(client: Client) -> None:
    node = make_migration(state="running").source
    response = change(client, node, duty="maintenance", note=HOSTILE)
    page = response.content.decode()
    assert response.status_code == 422
    assert "1 migration is under way from or to" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    node.refresh_from_db()
    assert node.duty == Duty.IN_SERVICE


def test_what_somebody_noted_is_shown_as_text(client: Client) -> None:
    node = make_node(duty=Duty.DRAINING, duty_note=HOSTILE, duty_since=timezone.now())
    for page in (body(client, "node", node.pk), body(client, "home")):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page


@pytest.mark.parametrize("name", ["nodes", "capacity", "home"])
def test_lists_say_who_is_out_of_service(client: Client, name: str) -> None:
    make_node(name="hn-at-work")
    assert "Draining" not in body(client, name)
    make_node(name="hn-drained", duty=Duty.DRAINING)
    assert "Draining" in body(client, name)


def test_one_in_maintenance_that_is_silent_raises_no_alarm(client: Client) -> None:
    silent(name="hn-alarm")
    make_container(node=silent(name="hn-kernel", duty=Duty.MAINTENANCE))
    page = client.get(reverse("home"))
    assert [node.name for node in page.context["part"].context["troubled_nodes"]] == ["hn-alarm"]
    assert page.content.decode().count("NodeUnreachable") == 1


def test_one_in_maintenance_is_not_counted_among_the_silent_nor_as_room(client: Client) -> None:
    size = {"cpu": "1", "memory": "1", "disk": "10"}
    for duty in (Duty.IN_SERVICE, Duty.MAINTENANCE):
        Standing.objects.create(
            node=make_node(duty=duty),
            sampled_at=timezone.now() if duty == Duty.IN_SERVICE else None,
            missed="" if duty == Duty.IN_SERVICE else "NodeUnreachable",
            now={"cpu_cores": 1.0, "memory_mib": 4096.0, "disk_mib": 20_480.0},
            promised={"cpu": 2, "memory": 8192, "disk": 40_960},
            total={"cpu": 4, "memory": 16_384, "disk": 102_400},
        )
    answer = client.get(reverse("capacity"), size)
    fits = answer.context["fits"].by_use
    assert answer.context["silent"] == 0
    assert "NodeUnreachable" not in answer.content.decode()
    Node.objects.update(duty=Duty.IN_SERVICE)
    assert client.get(reverse("capacity"), size).context["silent"] == 1
    Standing.objects.update(sampled_at=timezone.now())
    assert client.get(reverse("capacity"), size).context["fits"].by_use > fits


def test_nothing_is_scheduled_to_one_out_of_service(client: Client) -> None:
    container, there, away = make_container(), make_node(), make_node(duty=Duty.DRAINING)
    form = client.get(reverse("schedule", args=[container.pk])).context["form"]
    assert list(form.fields["target"].queryset) == [there]
    answer = client.post(reverse("schedule", args=[container.pk]), {"target": away.pk, "method": "auto"})
    assert answer.status_code == 422
