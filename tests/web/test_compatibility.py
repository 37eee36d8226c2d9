"""The pages of live moves: what they show, what they let a person do, and what a stranger's words do to them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from migrations_app.compatibility.causes import Cause, as_rows
from migrations_app.models import Node, PairCheck
from tests.compatibility.test_matrix import make_result
from tests.factories import make_container, make_migration, make_node

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def staff(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def nodes(db: None) -> tuple[Node, Node]:
    return make_node(name="alpha"), make_node(name="beta", kernel="2.6.32-042stab120.1")


def text(client: Client, name: str, *args: int, query: str = "") -> str:
    response = client.get(reverse(name, args=args) + query)
    assert response.status_code == 200
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return body.decode()


def test_the_table_says_it_in_words_with_headers_for_rows_and_columns(staff: Client, nodes: tuple[Node, Node]) -> None:
    make_result(*nodes, "impossible")
    make_result(nodes[1], nodes[0], "possible")
    page = text(staff, "compatibility")
    assert page.count('<th scope="col">alpha</th>') == page.count('<th scope="row">beta</th>') == 1
    assert '<td class="pair pair-bad">' in page
    assert "alpha to beta:</span>\n                no</a>" in page
    assert "beta to alpha:</span>\n                yes</a>" in page


def test_by_classes_a_cell_says_how_many_pairs_it_stands_for(staff: Client, nodes: tuple[Node, Node]) -> None:
    make_result(*nodes, "impossible")
    page = text(staff, "compatibility", query="?by=classes")
    assert '<th scope="row">A</th>' in page
    assert "1 checked" in page
    assert "Class B" in page


def test_a_fleet_too_wide_for_a_table_is_shown_by_classes(staff: Client, db: None) -> None:
    for number in range(30):
        make_node(name=f"node-x{number}")
    page = text(staff, "compatibility")
    assert '<th scope="row">A</th>' in page
    assert "By nodes" not in page


def test_the_pages_ask_the_database_no_more_for_more_nodes(
    staff: Client, nodes: tuple[Node, Node], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        make_result(make_node(name=f"m{number}"), nodes[0], "possible")
    with django_assert_max_num_queries(12):
        text(staff, "compatibility")


def test_a_pair_says_why_whom_it_is_about_and_the_way_out(staff: Client, nodes: tuple[Node, Node]) -> None:
    found = [
        Cause(id="vzmigrate-17", text="It ended with 17.", way_out="Boot a newer kernel.", command="uname -r"),
        Cause(id="memory-short", text="Little memory.", about="container"),
        Cause(id="NodeUnreachable", text="No answer.", about="doubt"),
    ]
    make_result(*nodes, "impossible", causes=as_rows(found))
    page = text(staff, "compatibility-pair", nodes[0].pk, nodes[1].pk)
    for words in ("Not possible", "Stops live moves", "Boot a newer kernel.", "uname -r", "Stops this container"):
        assert words in page
    assert reverse("runbook-page", args=["node-unreachable"]) in page


def test_it_says_when_a_result_is_outdated(staff: Client, nodes: tuple[Node, Node]) -> None:
    make_result(*nodes, "possible")
    assert "counts no more" not in text(staff, "compatibility-pair", nodes[0].pk, nodes[1].pk)
    Node.objects.filter(pk=nodes[0].pk).update(kernel="2.6.32-042stab150.1")
    assert "counts no more" in text(staff, "compatibility-pair", nodes[0].pk, nodes[1].pk)


def test_a_strangers_words_are_shown_and_do_nothing(staff: Client, nodes: tuple[Node, Node]) -> None:
    Node.objects.filter(pk=nodes[0].pk).update(kernel=HOSTILE[:60])
    source = Node.objects.get(pk=nodes[0].pk)
    cause = Cause(id="vzmigrate-18", text=HOSTILE, way_out=HOSTILE, command=HOSTILE)
    container = make_container(node=source, hostname=HOSTILE)
    make_result(source, nodes[1], "impossible", summary=HOSTILE, causes=as_rows([cause]), container=container)
    for page in (
        text(staff, "compatibility"),
        text(staff, "compatibility-pair", source.pk, nodes[1].pk),
        text(staff, "schedule", container.pk),
    ):
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_the_file_begins_no_formula(staff: Client, nodes: tuple[Node, Node]) -> None:
    make_result(*nodes, "impossible", summary='=HYPERLINK("http://x")')
    lines = text(staff, "compatibility-csv").splitlines()
    assert lines[0] == "from,to,live,by,pairs_checked,checked_at,because"
    assert lines[1].startswith("alpha,beta,impossible,own check,1,20")
    assert "'=HYPERLINK" in lines[1]
    assert lines[2] == "beta,alpha,never,,0,,"


def test_a_person_puts_a_pair_first_in_line(staff: Client, nodes: tuple[Node, Node], ada: User) -> None:
    response = staff.post(reverse("compatibility-check", args=[nodes[0].pk, nodes[1].pk]), follow=True)
    check = PairCheck.objects.get()
    assert (check.source, check.target, check.asked_by, check.state) == (*nodes, ada, "waiting")
    assert "Waiting for its turn" in response.content.decode()


def test_a_refusal_is_told(staff: Client, nodes: tuple[Node, Node]) -> None:
    Node.objects.filter(pk=nodes[1].pk).update(duty=Node.Duty.MAINTENANCE)
    response = staff.post(reverse("compatibility-check", args=[nodes[0].pk, nodes[1].pk]), follow=True)
    assert "takes no part in checks now (maintenance)" in response.content.decode()
    assert not PairCheck.objects.exists()


def test_all_can_be_put_in_line_at_once(staff: Client, nodes: tuple[Node, Node]) -> None:
    make_container(node=nodes[0])
    response = staff.post(reverse("compatibility-check-all"), follow=True)
    assert "1 pairs wait for their check now." in response.content.decode()


def test_the_page_says_what_a_check_waits_for(staff: Client, nodes: tuple[Node, Node]) -> None:
    staff.post(reverse("compatibility-check", args=[nodes[0].pk, nodes[1].pk]))
    make_migration(target=nodes[1], state="running")
    assert "A migration is at work" in text(staff, "compatibility-pair", nodes[0].pk, nodes[1].pk)


def test_a_poll_keeps_the_view_of_its_page(staff: Client, nodes: tuple[Node, Node]) -> None:
    staff.post(reverse("compatibility-check", args=[nodes[0].pk, nodes[1].pk]))
    poll = {"HX-Request": "true", "HX-Current-URL": "http://testserver/compatibility/?by=classes"}
    assert '<th scope="row">A</th>' in staff.get(reverse("compatibility-live"), headers=poll).content.decode()


def test_the_schedule_form_says_what_the_last_check_said(staff: Client, nodes: tuple[Node, Node]) -> None:
    container = make_container(node=nodes[0])
    make_result(*nodes, "impossible", summary="The kernel is too old.")
    page = text(staff, "schedule", container.pk)
    assert "last check: not possible live because The kernel is too old" in page
