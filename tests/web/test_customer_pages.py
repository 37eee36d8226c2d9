"""What a customer's browser is sent: their own servers, and never a node name or an error text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from lab.replay import replay
from migrations_app.capacity.spans import hour_of
from migrations_app.customers.exposure import PHRASES
from migrations_app.models import Container, Customer, Finding, LogLine, Migration, Node, StepRun
from tests.factories import make_container, make_migration, make_node

State = Migration.State
LEAKS = ("hn-secret", "TargetDidNotStart", "exit 7", "vzmigrate", "a finding", "a log line", "why-this-method")


@pytest.fixture(autouse=True)
def signed_in(client: Client, carla: User) -> None:
    client.force_login(carla)


@pytest.fixture
def server(shop: Customer) -> Container:
    return make_container(
        node=make_node(name="hn-secret-1"), owner=shop, hostname="shop.example.net", addresses=["192.0.2.7"]
    )


def _elsewhere() -> Node:
    return Node.objects.filter(name="hn-secret-2").first() or make_node(name="hn-secret-2")


def make_move(server: Container, state: str, **more: object) -> Migration:
    migration = make_migration(
        container=server,
        target=_elsewhere(),
        state=state,
        failure="TargetDidNotStart",
        failure_detail="vzmigrate: exit 7 on hn-secret-2",
        method_reason="why-this-method",
        progress={"stage": "vzmigrate to hn-secret-2", "bytes_done": 1, "bytes_total": 4},
        **more,
    )
    StepRun.objects.create(
        migration=migration,
        position=0,
        name="first_copy",
        title="Copy to hn-secret-2",
        state="running",
        reason="exit 7",
    )
    LogLine.objects.create(migration=migration, at=migration.created_at, text="a log line")
    Finding.objects.create(
        migration=migration, at=migration.created_at, check_id="x", severity="warning", text="a finding on hn-secret-2"
    )
    return migration


def bodies(client: Client, migration: Migration) -> dict[str, str]:
    urls = {
        "home": reverse("home"),
        "server": reverse("my-server", args=[migration.container_id]),
        "move": reverse("my-move", args=[migration.pk]),
        "live": reverse("my-move-live", args=[migration.pk]),
    }
    return {name: client.get(url).content.decode() for name, url in urls.items()}


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("frozen", [False, True])
def test_no_page_names_a_node_or_an_error(client: Client, server: Container, state: str, frozen: bool) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC) if frozen else None
    for name, body in bodies(client, make_move(server, state, frozen_at=at)).items():
        assert [leak for leak in LEAKS if leak in body] == [], name


@pytest.mark.parametrize("name", ["home", "my-server", "my-move", "my-move-live"])
def test_no_record_reaches_a_template(client: Client, server: Container, name: str) -> None:
    """What the templates cannot reach they cannot show."""
    migration = make_move(server, State.RUNNING)
    number = {"home": [], "my-server": [server.pk]}.get(name, [migration.pk])
    response = client.get(reverse(name, args=number))
    handed = [value for layer in response.context for value in layer.dicts for value in value.values()]
    records = [value for value in handed if isinstance(value, models.Model | models.QuerySet)]
    assert [record for record in records if not isinstance(record, User)] == []


def test_it_lists_only_ones_own(client: Client, server: Container) -> None:
    make_container(hostname="theirs.example.net", owner=Customer.objects.create(name="x", email="x@example.net"))
    make_container(hostname="nobodys.example.net")
    body = client.get(reverse("home")).content.decode()
    assert "shop.example.net" in body
    assert "theirs" not in body
    assert "nobodys" not in body


def test_upcoming_work_is_in_their_own_time_zone_with_the_expected_interruption(
    client: Client, server: Container
) -> None:
    at = datetime(2026, 12, 5, 2, 30, tzinfo=UTC)
    move = make_move(server, State.SCHEDULED, not_before=at, freeze_budget_seconds=4.0)
    for name in ("home", "move"):
        body = bodies(client, move)[name]
        assert "Sat 5 Dec 2026, 03:30 CET" in body
        assert "at most 4.0 s" in body


def test_the_stage_is_told_in_plain_words_while_it_runs(client: Client, server: Container) -> None:
    body = bodies(client, make_move(server, State.RUNNING))["move"]
    assert PHRASES["copying"] in body
    assert 'value="25"' in body


def test_the_result_comes_with_the_measured_downtime(client: Client, server: Container) -> None:
    move = make_move(server, State.DONE, freeze_seconds=0.84, certificate={"files_compared": 20_000, "differences": 0})
    body = bodies(client, move)["move"]
    for words in ("has moved and runs in its new place", "840 ms", "20,000", "all equal to the original"):
        assert words in body


def test_polling_ends_with_the_move(client: Client, server: Container) -> None:
    running = make_move(server, State.RUNNING)
    url = reverse("my-move-live", args=[running.pk])
    assert client.get(url).status_code == 200
    Migration.objects.filter(pk=running.pk).update(state=State.DONE)
    assert client.get(url).status_code == 286


def test_a_server_that_changed_hands_takes_its_past_along(client: Client, server: Container) -> None:
    move = make_move(server, State.DONE)
    Container.objects.filter(pk=server.pk).update(owner=None)
    assert client.get(reverse("my-move", args=[move.pk])).status_code == 404


def test_a_name_made_of_markup_is_shown_as_text(client: Client, shop: Customer) -> None:
    hostile = "<script>alert(1)</script>"
    migration = make_move(make_container(owner=shop, hostname=hostile, addresses=[hostile]), State.RUNNING)
    for body in bodies(client, migration).values():
        assert "<script>alert" not in body


def test_servers_with_planned_work_come_first(client: Client, server: Container, shop: Customer) -> None:
    make_container(owner=shop, hostname="another.example.net")
    make_move(server, State.SCHEDULED)
    body = client.get(reverse("home")).content.decode()
    assert body.index("shop.example.net") < body.index("another.example.net")


def test_the_number_of_queries_does_not_grow_with_the_past(
    client: Client, server: Container, django_assert_num_queries
) -> None:
    for _ in range(20):
        make_move(server, State.DONE)
    for url, queries in ((reverse("home"), 6), (reverse("my-server", args=[server.pk]), 9)):
        with django_assert_num_queries(queries):
            client.get(url)


@pytest.mark.parametrize("door", ["my-server", "my-server-use", "my-server-use-json", "my-server-use-csv"])
def test_its_use_names_no_node_and_compares_with_nothing(client: Client, server: Container, door: str) -> None:
    replay([server.node], until=hour_of(timezone.now()), days=8)
    neighbour = make_container(node=server.node, hostname="neighbour.example.net")
    answer = client.get(reverse(door, args=[server.pk]), {"compare": neighbour.hostname, "range": "month"})
    shown = b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == 200
    assert b"hn-secret" not in shown
    if door.endswith("json"):
        told = answer.json()
        assert told["compared"] == ""
        assert all(chart["reserve"] is None and chart["forecast"] is None for chart in told["charts"])
    else:
        assert b"Compare" not in shown
