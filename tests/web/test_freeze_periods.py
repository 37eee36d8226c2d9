"""The times in which nothing may begin: named, shown with what they touch, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import AuditLine, Batch, Customer, FreezePeriod
from tests.factories import make_batch, make_container, make_item, make_migration, make_node

HOSTILE = '<script>alert(1)</script>"'
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def add(client: Client, **values: object) -> Any:
    said = {
        "name": "Black Friday",
        "scope": "everywhere",
        "starts_at": "2099-11-27T00:00",
        "ends_at": "2099-11-30T06:00",
    }
    return client.post(reverse("freeze-periods"), said | values)


def page(client: Client) -> Any:
    return client.get(reverse("freeze-periods"))


def period(**values: Any) -> FreezePeriod:
    now = timezone.now()
    usual = {"name": "Freeze", "starts_at": now - DAY, "ends_at": now + DAY, "created_at": now}
    return FreezePeriod.objects.create(**usual | values)


def touched(client: Client) -> Any:
    [(_, found)] = page(client).context["periods"]
    return found


def test_one_is_named_in_the_readers_zone(client: Client, ada: User) -> None:
    client.post(reverse("time-zone"), {"time_zone": "America/New_York"})
    assert add(client).status_code == 302
    row = FreezePeriod.objects.get()
    assert (row.starts_at, row.created_by) == (datetime(2099, 11, 27, 5, tzinfo=UTC), ada)
    assert (row.node, row.customer) == (None, None)
    body = page(client).content.decode()
    for words in ("Black Friday", "Everywhere", "27 Nov 2099, 00:00 EST", "Touches nothing that is planned"):
        assert words in body


@pytest.mark.parametrize("scope", ["node", "customer"])
def test_it_is_of_one_node_or_of_one_customer(client: Client, shop: Customer, scope: str) -> None:
    node = make_node()
    assert add(client, scope=scope, node=node.pk, customer=shop.pk).status_code == 302
    row = FreezePeriod.objects.get()
    assert (row.node, row.customer) == ((node, None) if scope == "node" else (None, shop))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "n" * 121}),
        ("scope", {"scope": "moon"}),
        ("node", {"scope": "node"}),
        ("customer", {"scope": "customer", "customer": "9" * 40}),
        ("starts_at", {"starts_at": "soon"}),
        ("starts_at", {"starts_at": "2099-02-30T00:00"}),
        ("ends_at", {"ends_at": "2099-11-26T00:00"}),
        ("ends_at", {"ends_at": "2199-11-26T00:00"}),
        ("ends_at", {"starts_at": "2001-01-01T00:00", "ends_at": "2001-01-02T00:00"}),
    ],
)
def test_it_names_the_field_it_objects_to(client: Client, field: str, values: dict[str, str]) -> None:
    answer = add(client, **values)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not FreezePeriod.objects.exists()


@pytest.mark.parametrize("moment", ["2027-03-28T02:30", "2027-10-31T02:30"])
def test_an_hour_that_the_clocks_skip_or_show_twice_is_refused(client: Client, moment: str) -> None:
    client.post(reverse("time-zone"), {"time_zone": "Europe/Berlin"})
    assert "starts_at" in add(client, starts_at=moment).context["form"].errors


def test_it_is_taken_back_once(client: Client) -> None:
    row = period()
    for status in (302, 404):
        assert client.post(reverse("freeze-period-remove", args=[row.pk])).status_code == status
    assert AuditLine.objects.filter(verb="remove_freeze_period").count() == 1


def test_it_tells_which_planned_moves_begin_inside_all_the_same(client: Client, shop: Customer) -> None:
    now = timezone.now()
    inside = make_migration(container=make_container(owner=shop), not_before=now + DAY / 2, next_tick_at=now + DAY / 2)
    make_migration(not_before=now + 2 * DAY, next_tick_at=now + 2 * DAY)
    make_migration(not_before=now + DAY / 2, next_tick_at=None)  # held by its batch
    make_migration(state="done", not_before=now)
    period()
    assert touched(client).migrations == [inside]
    assert "begins all the same" in page(client).content.decode()


@pytest.mark.parametrize(("scope", "concerned"), [("everywhere", 3), ("node", 2), ("customer", 1), ("other", 0)])
def test_it_tells_which_batches_keep_clear_of_it(client: Client, shop: Customer, scope: str, concerned: int) -> None:
    batch, source, now = make_batch(state=Batch.State.RUNNING), make_node(), timezone.now()
    for container in (make_container(node=source), make_container(node=source, owner=shop), make_container()):
        make_item(batch, container=container, planned_until=now + 3 * DAY)
    make_item(batch, container=make_container(node=source), state="done", planned_until=now + 3 * DAY)
    scopes = {
        "everywhere": {},
        "node": {"node": source},
        "customer": {"customer": shop},
        "other": {"node": make_node()},
    }
    period(**scopes[scope])
    assert touched(client).batches == ([(batch, concerned)] if concerned else [])


def test_a_batch_that_is_over_by_then_is_not_touched(client: Client) -> None:
    batch, now = make_batch(state=Batch.State.RUNNING), timezone.now()
    make_item(batch, planned_until=now + DAY)
    period(starts_at=now + 2 * DAY, ends_at=now + 3 * DAY)
    assert touched(client).batches == []


def test_what_is_over_is_listed_apart(client: Client) -> None:
    now = timezone.now()
    period(name="Yesterday", starts_at=now - 2 * DAY, ends_at=now - DAY)
    period(name="Long ago", starts_at=now - 200 * DAY, ends_at=now - 199 * DAY)
    body = page(client).content.decode()
    assert "Yesterday" in body
    assert "Long ago" not in body
    assert "Remove Yesterday" not in body


def test_what_people_write_is_shown_as_text(client: Client) -> None:
    add(client, name=HOSTILE)
    make_item(make_batch(name=HOSTILE), container=make_container(hostname=HOSTILE), planned_until=timezone.now() + DAY)
    period(node=make_node(name="node-x"))
    for answer in (page(client), add(client, name=HOSTILE, ends_at="")):
        assert isinstance(answer, HttpResponse)
        assert "<script>alert" not in answer.content.decode()


def test_its_queries_do_not_grow(client: Client, django_assert_max_num_queries) -> None:
    now = timezone.now()
    period()
    with django_assert_max_num_queries(12) as few:
        page(client)
    for _ in range(8):
        period(node=make_node())
        make_migration(not_before=now, next_tick_at=now)
        make_item(make_batch(), planned_until=now + DAY)
    with django_assert_max_num_queries(len(few) + 1):  # the moves of batches, once there are any
        page(client)
