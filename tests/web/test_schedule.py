"""Scheduling a migration from its page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import Container, Migration, Node
from tests.factories import make_container, make_migration, make_node


@pytest.fixture
def container(client: Client, ada: User) -> Container:
    client.force_login(ada)
    return make_container()


@pytest.fixture
def target(db: None) -> Node:
    return make_node(name="target-node", disk_free_mib=81_920, memory_available_mib=12_288)


def schedule(client: Client, container: Container, node: Node, **values: object) -> object:
    plain = {"target": node.pk, "method": "auto", "start": "now", "rehearse": "on"}
    return client.post(reverse("schedule", args=[container.pk]), plain | values)


def read_in(client: Client, zone: str) -> None:
    client.post(reverse("time-zone"), {"time_zone": zone})


def objections(response: object) -> dict[str, list[str]]:
    assert response.status_code == 422
    assert not Migration.objects.exists()
    return dict(response.context["form"].errors)


def test_it_schedules_and_leads_to_the_migration(client: Client, container: Container, target: Node, ada: User) -> None:
    response = schedule(client, container, target)
    migration = Migration.objects.get()
    assert response["Location"] == reverse("migration", args=[migration.pk])
    assert (migration.container, migration.target, migration.created_by) == (container, target, ada)
    assert (migration.rehearse, migration.full_backup, migration.fall_back_to_dump) == (True, False, False)
    assert migration.not_before <= timezone.now()


def test_it_takes_every_wish(client: Client, container: Container, target: Node) -> None:
    schedule(
        client,
        container,
        target,
        method="stream",
        bandwidth_limit_mib="40",
        freeze_budget_seconds="2.5",
        fall_back_to_dump="on",
        full_backup="on",
        rehearse="",
    )
    migration = Migration.objects.get()
    assert (migration.method, migration.bandwidth_limit_kib, migration.freeze_budget_seconds) == ("stream", 40_960, 2.5)
    assert (migration.rehearse, migration.full_backup, migration.fall_back_to_dump) == (False, True, True)


def test_it_shows_what_room_each_target_has(client: Client, container: Container, target: Node) -> None:
    body = client.get(reverse("schedule", args=[container.pk])).content.decode()
    assert "target-node: 80.0 GiB disk and 12.0 GiB memory free" in body


def test_it_says_which_target_is_in_trouble(client: Client, container: Container) -> None:
    make_node(name="sick", fault="NodeUnreachable")
    body = client.get(reverse("schedule", args=[container.pk])).content.decode()
    assert "memory free; in trouble: NodeUnreachable" in body


def test_it_offers_neither_its_own_node_nor_one_that_is_not_ready(
    client: Client, container: Container, target: Node
) -> None:
    unready = make_node(state=Node.State.KEY_PINNED)
    form = client.get(reverse("schedule", args=[container.pk])).context["form"]
    assert list(form.fields["target"].queryset) == [target]
    for other in (container.node, unready):
        assert list(objections(schedule(client, container, other))) == ["target"]


def test_a_time_is_meant_in_the_readers_zone(client: Client, container: Container, target: Node) -> None:
    read_in(client, "Asia/Tokyo")
    day = (timezone.now() + timedelta(days=3)).date()
    schedule(client, container, target, start="later", not_before=f"{day}T02:30")
    assert Migration.objects.get().not_before == datetime(day.year, day.month, day.day, 2, 30, tzinfo=UTC) - timedelta(
        hours=9
    )
    assert "Times are in Asia/Tokyo" in client.get(reverse("schedule", args=[container.pk])).content.decode()


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2027-03-28T02:30", "skipped when summer time begins"),
        ("2027-10-31T02:30", "there twice when it ends"),
        ("2001-01-01T00:00", "past"),
        ("2999-01-01T00:00", "too far ahead"),
        ("0001-01-01T00:00", "before any zone"),
        ("9999-12-31T23:59", "after any zone"),
        ("2026-02-29T12:00", "no such day"),
        ("tomorrow", "no time"),
        ("", "missing"),
        ("9" * 5000, "long"),
    ],
)
def test_it_refuses_a_time_that_is_none(
    client: Client, container: Container, target: Node, moment: str, why: str
) -> None:
    read_in(client, "Europe/Berlin")
    assert list(objections(schedule(client, container, target, start="later", not_before=moment))) == ["not_before"], (
        why
    )


def test_it_refuses_a_window_that_is_too_short(client: Client, container: Container, target: Node) -> None:
    ends = timezone.now() + timedelta(minutes=2)
    answer = schedule(client, container, target, window_ends_at=f"{ends:%Y-%m-%dT%H:%M}")
    assert list(objections(answer)) == ["window_ends_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("target", ""),
        ("target", "987654"),
        ("target", "1; id"),
        ("method", "teleport"),
        ("method", ""),
        ("start", "whenever"),
        ("bandwidth_limit_mib", "0"),
        ("bandwidth_limit_mib", "-5"),
        ("bandwidth_limit_mib", "1e9"),
        ("bandwidth_limit_mib", "9" * 400),
        ("freeze_budget_seconds", "0"),
        ("freeze_budget_seconds", "nan"),
        ("freeze_budget_seconds", "inf"),
        ("freeze_budget_seconds", "99999"),
    ],
)
def test_it_names_the_field_it_objects_to(
    client: Client, container: Container, target: Node, field: str, value: str
) -> None:
    answer = schedule(client, container, target, **{field: value})
    assert list(objections(answer)) == [field]
    assert 'class="errorlist"' in answer.content.decode()


def test_it_says_all_it_objects_to_at_once(client: Client, container: Container, target: Node) -> None:
    answer = schedule(client, container, target, method="teleport", bandwidth_limit_mib="-1", freeze_budget_seconds="0")
    assert set(objections(answer)) == {"method", "bandwidth_limit_mib", "freeze_budget_seconds"}
    assert "<details" in answer.content.decode()


def test_it_refuses_live_for_a_container_that_does_not_run(client: Client, ada: User, target: Node) -> None:
    client.force_login(ada)
    stopped = make_container(status=Container.Status.STOPPED)
    assert list(objections(schedule(client, stopped, target, method="live"))) == ["method"]


def test_it_schedules_one_at_a_time(client: Client, container: Container, target: Node) -> None:
    first = make_migration(container=container)
    answer = schedule(client, container, target)
    assert answer.status_code == 422
    assert "has a migration that has not ended" in str(answer.context["form"].non_field_errors())
    assert reverse("migration", args=[first.pk]) in answer.content.decode()
    assert Migration.objects.count() == 1


def test_a_hundred_clicks_make_one_migration(client: Client, container: Container, target: Node) -> None:
    for _ in range(100):
        schedule(client, container, target)
    assert Migration.objects.count() == 1


def test_it_takes_new_addresses_and_a_new_name(client: Client, container: Container, target: Node) -> None:
    schedule(client, container, target, new_addresses=" 198.51.100.7 ", new_hostname="moved.example.net")
    migration = Migration.objects.get()
    assert (migration.new_addresses, migration.new_hostname) == (["198.51.100.7"], "moved.example.net")
    assert migration.old_addresses == container.addresses


def test_it_names_what_is_wrong_with_a_new_address(client: Client, container: Container, target: Node) -> None:
    response = schedule(client, container, target, new_addresses="198.51.100.7, 198.51.100.8")
    assert "give as many new ones" in objections(response)["new_addresses"][0]
