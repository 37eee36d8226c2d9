"""The list of batches, one batch, and its moves to take away."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.models import Batch, BatchItem, Customer, FreezePeriod
from tests.factories import make_batch, make_container, make_item, make_migration, make_node

HOSTILE = '<script>alert(1)</script>"'
HOUR = timedelta(hours=1)
State, ItemState = Batch.State, BatchItem.State


pytestmark = pytest.mark.usefixtures("one_person_is_enough")


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def show(client: Client, batch: Batch, **query: object) -> Any:
    return client.get(reverse("batch", args=[batch.pk]), query)


def body(client: Client, batch: Batch) -> str:
    return " ".join(show(client, batch).content.decode().split())


def running(**values: Any) -> Batch:
    return make_batch(**{"state": State.RUNNING, "started_at": timezone.now() - HOUR} | values)


def moving(batch: Batch, **values: Any) -> BatchItem:
    container = make_container()
    migration = make_migration(container=container, **{"state": "running", "started_at": timezone.now()} | values)
    return make_item(batch, container=container, target=migration.target, state=ItemState.MOVING, migration=migration)


def test_the_list_shows_what_wants_a_person_first_and_what_has_ended_last(client: Client) -> None:
    for state in (State.DONE, State.RUNNING, State.DRAFT, State.STOPPED, State.PAUSED):
        make_batch(name=state, state=state)
    rows = client.get(reverse("batches")).context["rows"]
    assert [row.batch.name for row in rows] == ["stopped", "running", "paused", "draft", "done"]


def test_the_list_says_how_far_each_is_and_that_one_is_late(client: Client) -> None:
    now = timezone.now()
    batch = running(deadline=now)
    make_item(batch, state=ItemState.DONE)
    make_item(batch, planned_until=now + 2 * HOUR)
    body = client.get(reverse("batches")).content.decode()
    assert "1 of 2" in body
    assert "late by 2 h 00 min" in body


def test_the_list_costs_the_same_however_long_it_is(client: Client, django_assert_num_queries) -> None:
    for _ in range(12):
        make_item(make_batch())
    with django_assert_num_queries(5):  # session, user, what waits for approval, count, batches
        client.get(reverse("batches"))


def test_a_draft_has_one_obvious_button(client: Client) -> None:
    page = body(client, make_batch())
    assert "Nothing begins before it is started." in page
    assert page.count("btn-primary") == 1
    assert reverse("batch-start", args=[Batch.objects.get().pk]) in page


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (State.DRAFT, {"batch-start", "batch-cancel", "batch-terms"}),
        (State.RUNNING, {"batch-pause", "batch-cancel"}),
        (State.PAUSED, {"batch-resume", "batch-cancel", "batch-terms"}),
        (State.STOPPED, {"batch-resume", "batch-cancel", "batch-terms"}),
        (State.DONE, set()),
        (State.CANCELLED, set()),
    ],
)
def test_each_state_offers_what_may_be_done(client: Client, state: str, offered: set[str]) -> None:
    batch = make_batch(state=state, finished_at=timezone.now() if state in (State.DONE, State.CANCELLED) else None)
    make_item(batch)
    page = body(client, batch)
    names = ("start", "pause", "resume", "cancel", "terms", "replan")
    found = {f"batch-{name}" for name in names if reverse(f"batch-{name}", args=[batch.pk]) in page}
    assert found == offered


def test_why_the_line_is_stopped_stands_there_with_its_page_of_the_runbook(client: Client) -> None:
    batch = running(state=State.STOPPED, failure="TransferStalled", failure_detail=f"m7: silence {HOSTILE}")
    page = body(client, batch)
    for words in ("The line is stopped", "TransferStalled", "m7: silence", "What to do: ", "Go on"):
        assert words in page


@pytest.mark.parametrize(
    ("deadline", "words"),
    [
        (None, "Done by about"),
        (4 * HOUR, "In time: done by about"),
        (HOUR, "Late by 59 min"),
        (-HOUR, "Late by 2 h 59 min"),
    ],
)
def test_it_says_when_it_will_be_done_and_plainly_when_that_is_late(
    client: Client, deadline: timedelta | None, words: str
) -> None:
    now = timezone.now()
    batch = running(deadline=deadline and now + deadline - timedelta(seconds=5))
    make_item(batch, planned_from=now, planned_until=now + 2 * HOUR - timedelta(seconds=30))
    page = body(client, batch)
    assert words in page


def test_it_does_not_pretend_to_know_an_end(client: Client) -> None:
    batch = running(deadline=timezone.now() - HOUR)
    make_item(batch)
    assert "Nobody can tell when it will be done. The deadline is" in body(client, batch)


def test_moves_show_plan_beside_what_happened(client: Client) -> None:
    now = timezone.now()
    batch = running()
    container = make_container(hostname="shop.example.net")
    done = make_migration(
        container=container, state="done", started_at=now - HOUR, finished_at=now - HOUR / 2, freeze_seconds=0.5
    )
    make_item(batch, container=container, target=done.target, state=ItemState.DONE, migration=done, is_canary=True)
    make_item(batch, why="Waits for a slot: 4 may be under way at once.", reason="node-3 is to be empty", after=[0])
    make_item(batch, after=[0, 1], parks=True)
    page = body(client, batch)
    for words in (
        "shop.example.net",
        "canary",
        "30 min 00 s",
        "forecast 2 min 00 s",
        "500 ms",
        "forecast 800 ms",
        "Waits for a slot",
        "node-3 is to be empty",
        "after 1, 2",
        "a stop on the way",
        reverse("migration", args=[done.pk]),
    ):
        assert words in page, words


def test_what_is_under_way_is_shown_with_its_progress(client: Client) -> None:
    batch = running()
    moving(batch, progress={"stage": "Copying", "bytes_done": 30 * 2**20, "bytes_total": 60 * 2**20})
    page = body(client, batch)
    assert "Copying" in page
    assert "50 %" in page
    assert "30.0 MiB moved" in page


def test_only_what_waits_can_be_skipped_and_only_what_was_lost_put_back(client: Client) -> None:
    batch = running()
    waits, lost = make_item(batch), make_item(batch, state=ItemState.SKIPPED, why="A person skipped it: no reason")
    moving(batch)
    page = body(client, batch)
    assert page.count(">Skip</a>") == page.count("Put back</button>") == 1
    assert reverse("batch-item-skip", args=[waits.pk]) in page
    assert reverse("batch-item-put-back", args=[lost.pk]) in page
    Batch.objects.update(state=State.DONE, finished_at=timezone.now())
    page = body(client, batch)
    assert "Put back</button>" not in page
    assert "Skip</a>" not in page


def test_a_long_batch_is_shown_a_page_at_a_time_in_constant_queries(
    client: Client, django_assert_max_num_queries
) -> None:
    batch, source, target = running(), make_node(), make_node()
    times = {"planned_from": timezone.now(), "planned_until": timezone.now() + HOUR}
    make_item(batch, target=target, container=make_container(node=source), **times)
    with django_assert_max_num_queries(12) as few:
        show(client, batch)
    for _ in range(119):
        make_item(batch, target=target, container=make_container(node=source), **times)
    with django_assert_max_num_queries(len(few)):
        assert len(show(client, batch).context["part"].context["rows"]) == 100
    second = show(client, batch, page=2)
    assert [row.number for row in second.context["part"].context["rows"]] == list(range(101, 121))
    assert reverse("batch-live", args=[batch.pk, 2]) in second.content.decode()


def test_the_timeline_shows_moves_windows_freeze_periods_and_the_deadline(client: Client) -> None:
    now = timezone.now()
    batch = running(opens_at="22:00", closes_at="04:00", deadline=now + 30 * HOUR)
    Batch.objects.get(pk=batch.pk)
    for number in range(3):
        make_item(batch, planned_from=now + number * 5 * HOUR, planned_until=now + (number * 5 + 6) * HOUR)
    FreezePeriod.objects.create(name=f"Sale {HOSTILE}", starts_at=now + HOUR, ends_at=now + 2 * HOUR, created_at=now)
    FreezePeriod.objects.create(name="Elsewhere", starts_at=now, ends_at=now + HOUR, node=make_node(), created_at=now)
    page = body(client, batch)
    assert page.count('class="bar-waiting"') == 4  # three of them, and the legend
    for words in ("band-closed", "band-freeze", "mark-now", "mark-deadline", "Freeze period: Sale"):
        assert words in page, words
    assert "Elsewhere" not in page
    assert "style=" not in page.split("<main")[1]


@pytest.mark.parametrize("place", ["page", "live"])
def test_what_people_and_containers_write_is_shown_as_text(client: Client, place: str) -> None:
    batch = running(name=HOSTILE, state=State.STOPPED, failure="X" + HOSTILE[:50], failure_detail=HOSTILE)
    now = timezone.now()
    make_item(
        batch,
        container=make_container(hostname=HOSTILE),
        why=HOSTILE,
        reason=HOSTILE,
        planned_from=now,
        planned_until=now + HOUR,
    )
    url = reverse("batch", args=[batch.pk]) if place == "page" else reverse("batch-live", args=[batch.pk, 1])
    pages = [client.get(url)] + [client.get(reverse(name)) for name in ("batches", "home")]
    for page in pages:
        assert "<script>alert" not in page.content.decode()
    assert "&lt;script&gt;alert(1)" in pages[0].content.decode()


def test_it_polls_until_it_has_ended(client: Client) -> None:
    batch = running()
    url = reverse("batch-live", args=[batch.pk, 1])
    assert client.get(url).status_code == 200
    Batch.objects.update(state=State.CANCELLED)
    assert client.get(url).status_code == 200
    Batch.objects.update(finished_at=timezone.now())
    assert client.get(url).status_code == 286


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 40])
def test_an_odd_page_is_the_nearest_one(client: Client, number: str) -> None:
    batch = running()
    make_item(batch)
    assert show(client, batch, page=number).status_code == 200


def table(client: Client, batch: Batch) -> list[list[str]]:
    answer = client.get(reverse("batch-csv", args=[batch.pk]))
    return list(csv.reader(StringIO(answer.getvalue().decode())))


def test_the_moves_are_taken_away_as_a_table(client: Client) -> None:
    batch = running()
    item = make_item(batch, container=make_container(ctid="4711", hostname="=cmd()"), after=[], why="-1+1")
    header, line = table(client, batch)
    found = dict(zip(header, line, strict=True))
    assert (found["number"], found["ctid"], found["from"]) == ("1", "4711", item.source.name)
    assert (found["hostname"], found["why"]) == ("'=cmd()", "'-1+1")


def test_migration_and_container_lead_to_their_batch(client: Client) -> None:
    batch = running(name="Empty node-7")
    item = moving(batch)
    planned = make_item(batch, planned_from=timezone.now() + HOUR)
    assert item.migration
    for name, number in (
        ("migration", item.migration.pk),
        ("container", item.container_id),
        ("container", planned.container_id),
    ):
        page = client.get(reverse(name, args=[number])).content.decode()
        assert reverse("batch", args=[batch.pk]) in page
        assert "Empty node-7" in page
    Batch.objects.update(state=State.DONE)
    assert "Empty node-7" not in client.get(reverse("container", args=[planned.container_id])).content.decode()


def test_a_held_migration_says_that_its_batch_lets_it_go(client: Client) -> None:
    batch = running()
    item = moving(batch, state="scheduled", started_at=None, next_tick_at=None)
    page = " ".join(client.get(reverse("migration", args=[item.migration_id])).content.decode().split())
    assert "planned, about" in page
    assert "its batch lets it go" in page


def test_the_overview_shows_a_stopped_line_first_and_how_far_the_others_are(client: Client) -> None:
    make_node()
    running(name="Goes well")
    running(name="Stands still", state=State.STOPPED, failure="TransferStalled", failure_detail="m7 is silent")
    running(name="Over", state=State.DONE)
    page = client.get(reverse("home")).content.decode()
    assert page.index("Needs a person") < page.index("Stands still") < page.index("Goes well")
    assert "m7 is silent" in page
    assert ">Over<" not in page


def test_a_customer_reads_of_a_planned_move_and_of_no_batch(client: Client, shop: Customer, carla: User) -> None:
    now = timezone.now()
    batch = running(name="Secret plan")
    container = make_container(owner=shop, node=make_node(name="hn-secret"))
    held = make_migration(
        container=container, target=make_node(name="hn-other"), next_tick_at=None, not_before=now + HOUR
    )
    make_item(batch, container=container, target=held.target, migration=held, planned_from=now + HOUR)
    client.force_login(carla)
    for url in ("/", reverse("my-server", args=[container.pk]), reverse("my-move", args=[held.pk])):
        page = client.get(url).content.decode()
        assert "lanned, about" in page
        for secret in ("Secret plan", "hn-secret", "hn-other", "atch"):
            assert secret not in page, (url, secret)
