"""The list of migrations and the page of one: what it shows, what it offers, how it stays fresh."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.execution import forwards
from migrations_app.models import Container, Finding, LogLine, Migration, StepRun
from tests.factories import make_container, make_migration, make_node

State = Migration.State


@pytest.fixture(autouse=True)
def signed_in(client: Client, ada: User) -> None:
    client.force_login(ada)


def page(client: Client, migration: Migration) -> str:
    return client.get(reverse("migration", args=[migration.pk])).content.decode()


def poll(client: Client, migration: Migration, **query: str) -> object:
    return client.get(reverse("migration-live", args=[migration.pk]), query)


def poll_address(body: str) -> dict[str, str]:
    """Return what the page's live part will ask with."""
    found = re.search(r"live/\?seen=(\w+)&amp;heard=(\w+)", body)
    assert found
    return {"seen": found[1], "heard": found[2]}


def offered(body: str) -> set[str]:
    return set(re.findall(r'formaction="/migrations/\d+/([a-z-]+)/"', body))


def under_way(**overrides: object) -> Migration:
    migration = make_migration(state=State.RUNNING, started_at=timezone.now(), **overrides)
    StepRun.objects.create(migration=migration, position=0, name="preflight", title="Look at both nodes", state="done")
    StepRun.objects.create(migration=migration, position=1, name="first_copy", title="Copy the data", state="running")
    StepRun.objects.create(migration=migration, position=2, name="freeze", title="Freeze it")
    return migration


@pytest.mark.parametrize(
    ("group", "states"),
    [
        ("", set(State.values)),
        ("nonsense", set(State.values)),
        ("active", {"scheduled", "running", "paused", "rolling_back", "parked"}),
        ("waiting", {"parked"}),
        ("planned", {"scheduled"}),
        ("ended", {"done", "retiring", "rolled_back", "cancelled"}),
    ],
)
def test_it_lists_by_state(client: Client, group: str, states: set[str]) -> None:
    for state in State.values:
        make_migration(state=state)
    listed = client.get(reverse("migrations"), {"state": group}).context["page"]
    assert {migration.state for migration in listed} == states


def test_it_lists_in_a_constant_number_of_queries(client: Client, django_assert_num_queries) -> None:
    for _ in range(8):
        make_migration()
    with django_assert_num_queries(5):  # session, user, what waits for approval, count, page
        client.get(reverse("migrations"))


def test_it_shows_plan_progress_and_log(client: Client) -> None:
    progress = {
        "stage": "Copying",
        "bytes_done": 2**30,
        "bytes_total": 4 * 2**30,
        "files_done": 1000,
        "seconds_left": 75,
    }
    migration = under_way(progress=progress)
    LogLine.objects.create(migration=migration, at=timezone.now(), text="It <b>began</b>.")
    body = page(client, migration)
    for words in ("Look at both nodes", "Copy the data", "Freeze it", "Copying", "25 %", "1.0 GiB of 4.0 GiB"):
        assert words in body
    assert "about 1 min 15 s left" in body
    assert '<progress class="bar" value="25" max="100"' in body
    assert "It &lt;b&gt;began&lt;/b&gt;." in body


def test_it_shows_what_the_pre_check_found_gravest_first(client: Client) -> None:
    migration = under_way()
    for severity in ("note", "blocker", "warning"):
        Finding.objects.create(
            migration=migration,
            at=timezone.now(),
            check_id=severity,
            severity=severity,
            text=f"a {severity}",
            way_out="Install it.",
            command="yum -y install rsync",
        )
    body = page(client, migration)
    assert body.index("a blocker") < body.index("a warning") < body.index("a note")
    assert body.count("yum -y install rsync") == 3


@pytest.mark.parametrize(
    ("state", "more", "buttons"),
    [
        (State.SCHEDULED, {}, {"cancel"}),
        (State.RUNNING, {}, {"pause", "cancel"}),
        (State.RUNNING, {"wish": "pause"}, {"resume", "cancel"}),
        (State.RUNNING, {"wish": "cancel"}, set()),
        (State.RUNNING, {"frozen_at": timezone.now()}, set()),
        (State.RUNNING, {"point_of_no_return_at": timezone.now()}, set()),
        (State.PAUSED, {}, {"resume", "cancel"}),
        (State.ROLLING_BACK, {}, set()),
        (State.PARKED, {}, {"retry", "roll-back"}),
        (State.PARKED, {"point_of_no_return_at": timezone.now()}, {"retry"}),
        (State.ROLLED_BACK, {}, set()),
        (State.CANCELLED, {}, set()),
        (State.DONE, {}, set()),
        (State.DONE, {"retire_after": timezone.now() + timedelta(days=1)}, set()),
        (State.DONE, {"retire_after": timezone.now() - timedelta(days=1)}, {"retire"}),
        (State.DONE, {"retire_after": timezone.now() - timedelta(days=1), "retired_at": timezone.now()}, set()),
        (State.RETIRING, {"retire_after": timezone.now() - timedelta(days=1)}, set()),
    ],
)
def test_it_offers_what_can_be_done_now(client: Client, state: str, more: dict[str, object], buttons: set[str]) -> None:
    assert offered(page(client, make_migration(state=state, **more))) == buttons


def test_a_parked_one_says_why_and_what_to_do(client: Client) -> None:
    migration = make_migration(state=State.PARKED, failure="WindowClosed", failure_detail="The <window> ended.")
    body = page(client, migration)
    assert "WindowClosed" in body
    assert "The &lt;window&gt; ended." in body


@pytest.mark.parametrize("odd", [{"bytes_done": 1}, {"bytes_done": "x", "bytes_total": []}, {"seconds_left": None}, {}])
def test_progress_it_does_not_understand_is_unknown_not_an_error(client: Client, odd: dict[str, object]) -> None:
    for state in (State.RUNNING, State.DONE):
        migration = make_migration(state=state, progress=odd, certificate=odd)
        assert client.get(reverse("migration", args=[migration.pk])).status_code == 200


def test_afterwards_it_shows_downtime_forecast_and_certificate(client: Client) -> None:
    migration = make_migration(
        state=State.DONE,
        started_at=timezone.now() - timedelta(minutes=3),
        finished_at=timezone.now(),
        freeze_seconds=0.84,
        freeze_forecast_seconds=1.1,
        certificate={"files_compared": 20_000, "differences": 0, "bytes": 2**30, "seconds": 0.4, "at": "2026-03-02"},
        retire_after=timezone.now() + timedelta(days=7),
    )
    body = page(client, migration)
    for words in ("840 ms", "forecast 1.1 s", "0 differences", "20,000 files", "is kept, fenced, until"):
        assert words in body


def test_it_cancels_what_has_not_begun(client: Client) -> None:
    migration = make_migration()
    response = client.post(reverse("migration-cancel", args=[migration.pk]))
    migration.refresh_from_db()
    assert response["Location"] == reverse("migration", args=[migration.pk])
    assert migration.state == State.CANCELLED


def test_it_wishes_a_pause_and_takes_it_back(client: Client) -> None:
    migration = under_way()
    for verb, wish in (("pause", "pause"), ("resume", "")):
        client.post(reverse(f"migration-{verb}", args=[migration.pk]))
        migration.refresh_from_db()
        assert migration.wish == wish


@pytest.mark.parametrize(("verb", "state"), [("retry", State.RUNNING), ("roll-back", State.ROLLING_BACK)])
def test_it_answers_a_parked_one(client: Client, verb: str, state: str) -> None:
    migration = make_migration(state=State.PARKED, parked_from=State.RUNNING)
    client.post(reverse(f"migration-{verb}", args=[migration.pk]))
    migration.refresh_from_db()
    assert migration.state == state


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel", "retry", "roll-back", "retire"])
def test_it_says_why_not(client: Client, verb: str) -> None:
    migration = make_migration(state=State.ROLLED_BACK)
    response = client.post(reverse(f"migration-{verb}", args=[migration.pk]), follow=True)
    migration.refresh_from_db()
    assert migration.state == State.ROLLED_BACK
    assert "alert-danger" in response.content.decode()


def test_a_poll_is_answered_only_when_there_is_news(client: Client) -> None:
    migration = under_way()
    seen = poll_address(page(client, migration))
    assert poll(client, migration, **seen).status_code == 204
    Migration.objects.filter(pk=migration.pk).update(progress={"stage": "Copying", "bytes_done": 1, "bytes_total": 2})
    news = poll(client, migration, **seen)
    assert news.status_code == 200
    assert "50 %" in news.content.decode()
    assert poll(client, migration, **poll_address(news.content.decode())).status_code == 204


def test_the_screen_reader_is_told_of_a_new_stage_once(client: Client) -> None:
    migration = under_way()
    seen = poll_address(page(client, migration))
    Migration.objects.filter(pk=migration.pk).update(progress={"stage": "Copying", "bytes_done": 1, "bytes_total": 4})
    first = poll(client, migration, **seen).content.decode()
    Migration.objects.filter(pk=migration.pk).update(progress={"stage": "Copying", "bytes_done": 2, "bytes_total": 4})
    second = poll(client, migration, **poll_address(first)).content.decode()
    assert "Running. Copying" in first.partition('id="announcement"')[2]
    assert 'id="announcement"' not in second


@pytest.mark.parametrize("state", [State.DONE, State.ROLLED_BACK, State.CANCELLED])
def test_polling_ends_itself(client: Client, state: str) -> None:
    migration = make_migration(state=state)
    assert poll(client, migration).status_code == 286
    assert client.get(reverse("migration-log", args=[migration.pk])).status_code == 286
    body = page(client, migration)
    assert "hx-get" not in body
    assert 'http-equiv="refresh"' not in body


def test_without_scripts_the_page_reloads_itself_while_it_runs(client: Client) -> None:
    assert re.search(r"<noscript>\s*<meta http-equiv=\"refresh\"", page(client, under_way()))


def test_the_log_grows_by_what_is_new(client: Client) -> None:
    migration = under_way()
    first = LogLine.objects.create(migration=migration, at=timezone.now(), text="first")
    url = reverse("migration-log", args=[migration.pk])
    assert client.get(url, {"after": first.pk}).status_code == 204
    second = LogLine.objects.create(migration=migration, at=timezone.now(), text="second")
    news = client.get(url, {"after": first.pk}).content.decode()
    assert "second" in news
    assert "first" not in news
    assert f"?after={second.pk}" in news


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 40, "\x00", "²"])
def test_a_log_position_that_is_none_shows_the_log_from_its_beginning(client: Client, after: str) -> None:
    migration = under_way()
    LogLine.objects.create(migration=migration, at=timezone.now(), text="first")
    assert b"first" in client.get(reverse("migration-log", args=[migration.pk]), {"after": after}).content


def test_a_flood_of_lines_shows_the_newest(client: Client) -> None:
    migration = under_way()
    LogLine.objects.bulk_create(
        LogLine(migration=migration, at=timezone.now(), text=f"line {number}.") for number in range(1000)
    )
    body = page(client, migration)
    assert "line 999." in body
    assert "line 100." not in body


def test_the_overview_shows_what_needs_a_person_first(client: Client) -> None:
    parked = make_migration(state=State.PARKED, failure_detail="It asks.", container=make_container(hostname="stuck"))
    running = make_migration(state=State.RUNNING, container=make_container(hostname="moving"))
    planned = make_migration(container=make_container(hostname="waiting"))
    troubled = make_node(name="sick-node", fault="NodeUnreachable", fault_detail="No answer.")
    body = client.get(reverse("home")).content.decode()
    places = [body.index(words) for words in ("It asks.", "NodeUnreachable", "Running now", "Next")]
    assert places == sorted(places)
    for migration in (parked, running, planned):
        assert reverse("migration", args=[migration.pk]) in body
    assert reverse("node", args=[troubled.pk]) in body


def test_the_overview_stays_fresh_and_quiet(client: Client) -> None:
    make_node()
    found = re.search(r"overview/live/\?seen=(\w+)&amp;heard=(\w+)", client.get(reverse("home")).content.decode())
    assert found
    known = {"seen": found[1], "heard": found[2]}
    assert client.get(reverse("overview-live"), known).status_code == 204
    make_migration(state=State.PARKED)
    assert client.get(reverse("overview-live"), known).status_code == 200


def test_an_empty_panel_says_what_to_do_first(client: Client) -> None:
    assert b"Add a node" in client.get(reverse("home")).content


def test_it_shows_who_still_comes_to_the_old_address_and_offers_to_end_that(client: Client) -> None:
    migration = under_way(new_addresses=["198.51.100.7"], old_addresses=["192.0.2.7"])
    forwards.begin(migration.pk, old="192.0.2.7", new="198.51.100.7", kind="nat", now=timezone.now())
    forwards.note(forwards.of(migration.pk)[0], counter=41, packets=200, callers=["203.0.113.9"], now=timezone.now())
    body = page(client, migration)
    for part in ("192.0.2.7 → 198.51.100.7", "callers are hidden", "New connections: 41", "203.0.113.9"):
        assert part in body, part
    assert "end-forward" in offered(body)
    client.post(reverse("migration-end-forward", args=[migration.pk]))
    migration.refresh_from_db()
    assert migration.forward_released_at is not None
    assert "end-forward" not in offered(page(client, migration))


def test_it_offers_the_way_back_and_goes_to_the_return_trip(client: Client) -> None:
    first = make_migration(state=State.DONE, point_of_no_return_at=timezone.now(), finished_at=timezone.now())
    Container.objects.filter(pk=first.container_id).update(node=first.target)
    assert "bring-back" in offered(page(client, first))
    reply = client.post(reverse("migration-bring-back", args=[first.pk]))
    back = Migration.objects.get(returns=first)
    assert reply["Location"] == reverse("migration", args=[back.pk])
    assert f'takes back <a href="{reverse("migration", args=[first.pk])}">m{first.pk}</a>' in page(client, back)


def test_it_says_why_there_is_no_way_back(client: Client) -> None:
    first = make_migration(state=State.DONE, point_of_no_return_at=timezone.now(), retired_at=timezone.now())
    Container.objects.filter(pk=first.container_id).update(node=first.target)
    assert "bring-back" not in offered(page(client, first))
    body = client.post(reverse("migration-bring-back", args=[first.pk]), follow=True).content.decode()
    assert "was given up at" in body
