"""Editing an alternative by hand, and accepting it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import Alternative, Batch, Node, Proposal
from tests.factories import make_container, make_node
from tests.web.test_placement import HOSTILE, ask, text, work_out

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def fleet() -> list[Node]:
    nodes = [make_node(name=f"hn-{number}") for number in range(3)]
    for number in range(3):
        make_container(
            node=nodes[0],
            ctid=f"{number + 101}",
            hostname=f"ct{number}.example.net",
            cpus=1,
            memory_limit_mib=5_000,
        )
    return nodes


@pytest.fixture
def alternative(staff: Client, fleet: list[Node]) -> Alternative:
    proposal = ask(staff, goal="evacuate", nodes=[fleet[0].pk])
    work_out(proposal)
    return proposal.alternatives.get(kind="cheapest")


def edit(client: Client, alternative: Alternative, do: str, **fields: str) -> Any:
    return client.post(reverse("alternative-edit", args=[alternative.pk]), fields | {"do": do})


def keys(fleet: list[Node]) -> list[int]:
    return [container.pk for container in fleet[0].containers.order_by("ctid")]


def test_it_shows_each_move_with_its_target(staff: Client, alternative: Alternative, fleet: list[Node]) -> None:
    page = text(staff.get(reverse("alternative-edit", args=[alternative.pk])))
    assert page.count('name="to_') == 3
    assert page.count("selected") == 3


def test_a_broken_rule_stands_beside_its_move(staff: Client, alternative: Alternative, fleet: list[Node]) -> None:
    everything_there = {f"to_{key}": "hn-1" for key in keys(fleet)}
    page = text(edit(staff, alternative, "check", **everything_there))
    assert "hn-1: needs 5000 mem" in page
    assert page.count('class="errorlist"') == 3
    answer = edit(staff, alternative, "save", **everything_there)
    assert answer.status_code == 422
    assert not Alternative.objects.filter(kind="by_hand").exists()


def test_what_keeps_the_rules_is_saved_with_an_order(
    staff: Client, alternative: Alternative, fleet: list[Node]
) -> None:
    one, two, three = keys(fleet)
    fields = {f"to_{one}": "hn-1", f"to_{two}": "hn-2", f"to_{three}": ""}
    answer = edit(staff, alternative, "save", **fields)
    made = Alternative.objects.get(kind="by_hand")
    assert answer["Location"] == reverse("alternative", args=[made.pk])
    assert {tuple(move) for move in made.body["moves"]} == {(one, fleet[1].pk), (two, fleet[2].pk)}
    edit(staff, made, "save", **{f"to_{one}": "hn-2", f"to_{two}": ""})
    made.refresh_from_db()
    assert made.body["moves"] == [[one, fleet[2].pk]]


def test_a_move_is_added(staff: Client, alternative: Alternative, fleet: list[Node]) -> None:
    other = make_container(node=fleet[1], hostname="other.example.net", cpus=1)
    page = text(edit(staff, alternative, "add", add_container="other.example.net", add_target="hn-0"))
    assert f'name="to_{other.pk}"' in page
    assert "Every rule is kept" in page
    edit(staff, alternative, "save", **{f"to_{other.pk}": "hn-0"})
    assert [other.pk, fleet[0].pk] in Alternative.objects.get(kind="by_hand").body["moves"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"add_container": "nobody", "add_target": "hn-1"}, "No container has this number or host name"),
        ({"add_container": "101", "add_target": ""}, "Choose its target"),
        ({"add_container": "101", "add_target": HOSTILE}, "Choose its target"),
        ({"to_999999": "hn-1"}, "It is not there any more"),
        ({"to_" + "9" * 40: "hn-1", "to_x": "hn-1", "to_": "y"}, "Every rule is kept"),
    ],
)
def test_odd_input_is_answered_in_words(
    staff: Client, alternative: Alternative, fields: dict[str, str], said: str
) -> None:
    page = text(edit(staff, alternative, "check", **fields))
    assert said in page
    assert HOSTILE not in page


def test_a_target_that_is_none_stands_beside_its_move(
    staff: Client, alternative: Alternative, fleet: list[Node]
) -> None:
    page = text(edit(staff, alternative, "check", **{f"to_{keys(fleet)[0]}": HOSTILE}))
    assert "There is no ready node of this name" in page
    assert HOSTILE not in page


def test_what_is_decided_is_not_edited(staff: Client, alternative: Alternative) -> None:
    Proposal.objects.update(state="accepted")
    answer = staff.get(reverse("alternative-edit", args=[alternative.pk]))
    assert answer["Location"] == reverse("proposal", args=[alternative.proposal_id])


def accept(client: Client, alternative: Alternative, **fields: Any) -> Any:
    usual = {
        "name": "Empty hn-0",
        "time_zone": "Europe/Berlin",
        "most_at_once": "4",
        "most_per_node": "2",
        "most_per_link": "1",
        "most_per_customer": "1",
        "canaries": "1",
    }
    return client.post(reverse("alternative-accept", args=[alternative.pk]), usual | fields)


def test_accepting_leads_to_the_batch(staff: Client, alternative: Alternative) -> None:
    answer = accept(
        staff, alternative, weekdays=["0", "4"], opens_at="22:00", closes_at="05:00", bandwidth_limit_mib="20"
    )
    batch = Batch.objects.get()
    assert answer["Location"] == reverse("batch", args=[batch.pk])
    assert (batch.weekdays, batch.time_zone, batch.bandwidth_limit_kib) == ([0, 4], "Europe/Berlin", 20_480)
    assert batch.items.count() == 3
    assert "It became the batch" in text(staff.get(reverse("alternative", args=[alternative.pk])))


def test_a_stale_alternative_is_refused_with_a_way_on(
    staff: Client, alternative: Alternative, fleet: list[Node]
) -> None:
    fleet[0].containers.filter(ctid="101").update(node=fleet[1])
    answer = accept(staff, alternative)
    assert answer.status_code == 422
    assert "it is on hn-1 now, not on hn-0" in text(answer)
    assert "Work it out anew" in text(answer)
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"opens_at": "22:00"}, "closes_at"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"weekdays": "8"}, "weekdays"),
        ({"most_at_once": "0"}, "most_at_once"),
        ({"bandwidth_limit_mib": "-1"}, "bandwidth_limit_mib"),
        ({"freeze_budget_seconds": "nan"}, "freeze_budget_seconds"),
    ],
)
def test_terms_that_are_none_are_refused_at_their_field(
    staff: Client, alternative: Alternative, fields: dict[str, str], field: str
) -> None:
    answer = accept(staff, alternative, **fields)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Batch.objects.exists()
    assert Proposal.objects.get().state == "open"
