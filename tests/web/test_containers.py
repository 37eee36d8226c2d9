"""The list of containers, one container, and the list to take away."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import AuditLine, Container, Customer
from tests.factories import make_container, make_migration, make_node


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def found(client: Client, **query: object) -> list[str]:
    return [row.hostname for row in client.get(reverse("containers"), query).context["page"]]


def table(client: Client, **query: object) -> list[list[str]]:
    response = client.get(reverse("containers-csv"), query)
    return list(csv.reader(StringIO(response.getvalue().decode())))


def test_it_finds_by_name_number_address_and_owner(client: Client, shop: Customer) -> None:
    make_container(ctid="4711", hostname="shop", addresses=["192.0.2.77", "2001:db8::77"], owner=shop)
    make_container(ctid="815", hostname="other", addresses=["192.0.2.78"])
    for words in ("sho", "SHOP", "471", "0.2.77", "db8::77", "carla's"):
        assert found(client, q=words) == ["shop"], words
    assert found(client, q="192.0.2.7") == ["other", "shop"] or found(client, q="192.0.2.7") == ["shop", "other"]


def test_it_filters_by_node_and_status(client: Client) -> None:
    here = make_node()
    make_container(node=here, hostname="a", status=Container.Status.RUNNING)
    make_container(node=here, hostname="b", status=Container.Status.STOPPED)
    make_container(hostname="c", status=Container.Status.STOPPED)
    make_container(hostname="d", gone_at=timezone.now())
    assert found(client, node=here.pk) == ["a", "b"]
    assert found(client, node=here.pk, status="stopped") == ["b"]
    assert found(client, status="gone") == ["d"]


@pytest.mark.parametrize(
    ("sort", "order"), [("hostname", "abc"), ("-hostname", "cba"), ("memory", "bca"), ("-memory", "cba")]
)
def test_it_sorts_and_leaves_the_unknown_last(client: Client, sort: str, order: str) -> None:
    make_container(hostname="a", memory_held_mib=None)
    make_container(hostname="b", memory_held_mib=5)
    make_container(hostname="c", memory_held_mib=50)
    assert "".join(found(client, sort=sort)) == order


@pytest.mark.parametrize(
    "query",
    [
        {"node": "x"},
        {"node": "9" * 40},
        {"status": "'"},
        {"sort": "owner__user__password"},
        {"q": "\x00"},
        {"q": "x" * 9000},
        {"page": "-1"},
        {"page": "x"},
        {"page": "9" * 40},
    ],
)
def test_it_lists_them_all_when_the_question_is_nonsense(client: Client, query: dict[str, str]) -> None:
    make_container(hostname="a")
    assert found(client, **query) == ["a"]
    assert len(table(client, **query)) == 2


def test_it_shows_a_page_at_a_time_in_constant_queries(client: Client, django_assert_num_queries) -> None:
    node = make_node()
    for number in range(60):
        make_container(node=node, hostname=f"ct{number}")
    with django_assert_num_queries(6):  # session, user, what waits for approval, count, page, nodes of the filter
        assert len(found(client)) == 50
    assert len(found(client, page=2)) == 10


@pytest.mark.parametrize("hostile", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "  =1"])
def test_nothing_in_the_file_is_a_formula(client: Client, hostile: str) -> None:
    make_container(hostname=hostile)
    cell = table(client)[1][1]
    assert cell.startswith("'")
    assert hostile.strip() in cell


def test_the_file_holds_what_the_page_found(client: Client) -> None:
    make_container(hostname="a", ctid="101", addresses=["192.0.2.1", "2001:db8::1"])
    make_container(hostname="b")
    rows = table(client, q="101")
    assert rows[0][:3] == ["ctid", "hostname", "node"]
    assert [row[0] for row in rows[1:]] == ["101"]
    assert rows[1][4] == "192.0.2.1 2001:db8::1"


def test_it_shows_a_container_with_its_history(client: Client) -> None:
    container = make_container(hostname="shop", moved_by_hand_at=timezone.now(), moved_from=make_node(name="old-node"))
    migration = make_migration(container=container, state="done")
    body = client.get(reverse("container", args=[container.pk])).content.decode()
    assert "Somebody moved it by hand from old-node" in body
    assert reverse("migration", args=[migration.pk]) in body
    assert reverse("schedule", args=[container.pk]) in body


def test_it_leads_to_the_migration_under_way_instead_of_to_a_second_one(client: Client) -> None:
    migration = make_migration(state="running")
    body = client.get(reverse("container", args=[migration.container_id])).content.decode()
    assert "Its migration" in body
    assert reverse("schedule", args=[migration.container_id]) not in body


def test_a_container_that_vanished_is_still_shown_but_cannot_be_moved(client: Client) -> None:
    container = make_container(gone_at=timezone.now())
    body = client.get(reverse("container", args=[container.pk])).content.decode()
    assert "What the panel knew of it is kept" in body
    assert reverse("schedule", args=[container.pk]) not in body


def test_it_gives_a_container_an_owner_and_takes_it_back(client: Client, shop: Customer) -> None:
    container = make_container()
    for wanted, owner in ((shop.pk, shop), ("", None)):
        client.post(reverse("container-owner", args=[container.pk]), {"owner": wanted})
        container.refresh_from_db()
        assert container.owner == owner
    assert AuditLine.objects.filter(verb="set_owner").count() == 2


def test_it_gives_nothing_to_a_customer_who_is_not_there(client: Client, shop: Customer) -> None:
    container = make_container(owner=shop)
    client.post(reverse("container-owner", args=[container.pk]), {"owner": "987654"})
    container.refresh_from_db()
    assert container.owner == shop


def test_what_a_container_calls_itself_is_shown_as_text(client: Client) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    container = make_container(hostname=hostile, description=hostile, name=hostile, os_template=hostile, layout="<b>")
    for url in (
        reverse("containers"),
        reverse("container", args=[container.pk]),
        reverse("schedule", args=[container.pk]),
    ):
        assert "<img src=x" not in client.get(url).content.decode()
