"""What people do to a batch: every button, and what happens when it comes too late."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.models import AuditLine, Batch, BatchItem, Migration, Proposal
from migrations_app.models.placement import Alternative
from tests.factories import make_batch, make_container, make_item, make_migration, make_node
from tests.fakes.clock import START

State, ItemState = Batch.State, BatchItem.State
TERMS = {
    "time_zone": "Europe/Berlin",
    "most_at_once": "6",
    "most_per_node": "3",
    "most_per_link": "2",
    "most_per_customer": "1",
    "canaries": "0",
    "freeze_budget_seconds": "2",
    "weekdays": ["4", "5"],
    "opens_at": "22:00",
    "closes_at": "04:00",
}


pytestmark = pytest.mark.usefixtures("one_person_is_enough")


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def post(client: Client, name: str, number: int, **values: object) -> Any:
    return client.post(reverse(name, args=[number]), values)


def state_of(batch: Batch) -> str:
    batch.refresh_from_db()
    return batch.state


def test_it_is_started_paused_and_goes_on(client: Client) -> None:
    batch = make_batch()
    item = make_item(batch)
    for name, state in (("start", State.RUNNING), ("pause", State.PAUSED), ("resume", State.RUNNING)):
        answer = post(client, f"batch-{name}", batch.pk)
        assert answer["Location"] == reverse("batch", args=[batch.pk])
        assert state_of(batch) == state
    item.refresh_from_db()
    assert item.migration is not None
    assert item.migration.is_held


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("start", State.RUNNING, "only a draft can be started"),
        ("pause", State.PAUSED, "only a running batch can be paused"),
        ("resume", State.DONE, "neither paused nor stopped"),
        ("cancel", State.DONE, "plan another batch from there"),
        ("replan", State.RUNNING, "came of no proposal"),
    ],
)
def test_what_comes_too_late_is_refused_in_words(client: Client, name: str, state: str, words: str) -> None:
    batch = make_batch(state=state)
    answer = client.post(reverse(f"batch-{name}", args=[batch.pk]), follow=True)
    assert words in answer.content.decode()
    assert state_of(batch) == state


def test_cancelling_says_first_what_is_given_up(client: Client) -> None:
    batch = make_batch(state=State.RUNNING, started_at=START)
    make_item(batch)
    make_item(batch)
    make_item(batch, state=ItemState.MOVING, migration=make_migration(state="running"))
    url = reverse("batch-cancel", args=[batch.pk])
    page = " ".join(client.get(url).content.decode().split())
    assert "2 moves that wait are given up" in page
    assert "1 is under way" in page
    assert state_of(batch) == State.RUNNING
    client.post(url)
    assert state_of(batch) == State.CANCELLED
    assert batch.items.filter(state=ItemState.SKIPPED).count() == 2
    assert Migration.objects.get().wish == Migration.Wish.NONE


def test_what_is_under_way_is_taken_back_only_where_that_was_ticked(client: Client) -> None:
    batch = make_batch(state=State.RUNNING, started_at=START)
    make_item(batch, state=ItemState.MOVING, migration=make_migration(state="running"))
    post(client, "batch-cancel", batch.pk)
    assert Migration.objects.get().wish == Migration.Wish.NONE
    assert "Cancel what is under way" in client.get(reverse("batch", args=[batch.pk])).content.decode()
    post(client, "batch-cancel", batch.pk, also_running="on")
    assert Migration.objects.get().wish == Migration.Wish.CANCEL


def test_a_move_is_skipped_with_its_reason_and_put_back(client: Client) -> None:
    batch = make_batch(state=State.PAUSED)
    item = make_item(batch, container=make_container(hostname="shop"))
    assert "Skip" in client.get(reverse("batch-item-skip", args=[item.pk])).content.decode()
    post(client, "batch-item-skip", item.pk, reason="its owner asked")
    item.refresh_from_db()
    assert (item.state, item.why) == (ItemState.SKIPPED, "A person skipped it: its owner asked")
    assert "its owner asked" in client.get(reverse("batch", args=[batch.pk])).content.decode()
    post(client, "batch-item-put-back", item.pk)
    item.refresh_from_db()
    assert item.state == ItemState.WAITING


def test_a_move_that_has_begun_is_not_skipped_and_a_done_one_not_put_back(client: Client) -> None:
    batch = make_batch(state=State.RUNNING)
    begun = make_item(batch, state=ItemState.MOVING, migration=make_migration(state="running"))
    done = make_item(batch, state=ItemState.DONE)
    skipped = client.post(reverse("batch-item-skip", args=[begun.pk]), follow=True)
    assert "only what waits can be skipped" in skipped.content.decode()
    put_back = client.post(reverse("batch-item-put-back", args=[done.pk]), follow=True)
    assert "only what was skipped or failed can be put back" in put_back.content.decode()
    assert not AuditLine.objects.exists()


def test_terms_are_changed_and_shown(client: Client) -> None:
    batch = make_batch()
    make_item(batch)
    answer = client.post(reverse("batch-terms", args=[batch.pk]), TERMS)
    assert answer["Location"] == reverse("batch", args=[batch.pk])
    batch.refresh_from_db()
    assert (batch.most_at_once, batch.weekdays, batch.rehearse) == (6, [4, 5], False)
    page = client.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "Fri, Sat 22:00 to 04:00, by the clock in Europe/Berlin" in page
    form = client.get(reverse("batch-terms", args=[batch.pk])).content.decode()
    assert 'value="22:00"' in form


def test_every_objection_to_terms_stands_at_its_field(client: Client) -> None:
    batch = make_batch()
    answer = client.post(
        reverse("batch-terms", args=[batch.pk]),
        TERMS | {"most_at_once": "0", "closes_at": "", "deadline": "2001-01-01T00:00"},
    )
    assert answer.status_code == 422
    assert "most_at_once" in answer.context["form"].errors
    answer = client.post(
        reverse("batch-terms", args=[batch.pk]), TERMS | {"closes_at": "", "deadline": "2001-01-01T00:00"}
    )
    assert set(answer.context["form"].errors) == {"closes_at", "deadline"}
    batch.refresh_from_db()
    assert batch.most_at_once == 4


def test_terms_of_a_running_batch_stay_as_they_are(client: Client) -> None:
    batch = make_batch(state=State.RUNNING)
    answer = client.post(reverse("batch-terms", args=[batch.pk]), TERMS)
    assert answer.status_code == 422
    assert "pause it first" in answer.content.decode()


def test_what_is_left_is_planned_anew_by_the_same_wish(client: Client) -> None:
    node = make_container().node
    make_node()
    proposal = Proposal.objects.create(goal="evacuate", state="accepted", created_at=START)
    proposal.nodes.add(node)
    alternative = Alternative.objects.create(proposal=proposal, kind="cheapest", state="ready")
    batch = make_batch(state=State.STOPPED, alternative=alternative, started_at=START)
    make_item(batch)
    assert reverse("batch-replan", args=[batch.pk]) in client.get(reverse("batch", args=[batch.pk])).content.decode()
    answer = post(client, "batch-replan", batch.pk)
    made = Proposal.objects.latest("pk")
    assert answer["Location"] == reverse("proposal", args=[made.pk])
    assert (made.goal, list(made.nodes.all())) == ("evacuate", [node])
    assert state_of(batch) == State.CANCELLED


def test_what_an_ended_batch_has_lost_is_planned_anew_too(client: Client) -> None:
    proposal = Proposal.objects.create(goal="evacuate", state="accepted", created_at=START)
    alternative = Alternative.objects.create(proposal=proposal, kind="cheapest", state="ready")
    batch = make_batch(state=State.DONE, finished_at=START, alternative=alternative)
    make_item(batch, state=ItemState.DONE)
    again = reverse("proposal-again", args=[proposal.pk])
    assert again not in client.get(reverse("batch", args=[batch.pk])).content.decode()
    make_item(batch, state=ItemState.FAILED)
    assert again in client.get(reverse("batch", args=[batch.pk])).content.decode()
