"""The page's part about services seen from outside: what containers say is shown as text, and one button goes on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from migrations_app.execution import services
from migrations_app.models import AuditLine, Migration, SeenService, StepRun
from migrations_app.ports.probe import Certificate, Face, Look
from migrations_app.strategies.likeness import Contrast
from tests.factories import make_migration
from tests.fakes.clock import START

State = Migration.State
EVIL = "<script>alert(1)</script>"
FACE = Face(
    name="shop.example.net",
    status=200,
    title=EVIL,
    certificate=Certificate(fingerprint="ab" * 32, not_after="2027-01-01T00:00:00+00:00", names=("shop.example.net",)),
)


@pytest.fixture
def client(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def parked_over(explanation: str = "", step: str = "probe_outside", **overrides: object) -> Migration:
    columns = {"state": State.PARKED, "parked_from": State.RUNNING, "failure": "ServicesDiffer"}
    migration = make_migration(**(columns | {"point_of_no_return_at": START} | overrides))
    StepRun.objects.create(migration=migration, position=0, name=step, title="See", state="failed")
    look = Look(answers=True, seconds=0.1, kind="https", faces=(FACE,))
    services.keep_before(migration.pk, "192.0.2.7", 443, look=look, unsteady=[])
    contrast = Contrast(
        place="192.0.2.7:443", name="", aspect="title", before="Shop", after=EVIL, explanation=explanation
    )
    services.keep_after(SeenService.objects.get(), look=look, contrasts=[asdict(contrast)])
    return migration


def page(client: Client, migration: Migration) -> str:
    answer = client.get(reverse("migration", args=[migration.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_before_and_after_as_text(client: Client) -> None:
    body = page(client, parked_over())
    assert EVIL not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body
    for words in ("192.0.2.7:443", "shop.example.net", "abababababababab, until 2027-01-01", "title was <q>Shop</q>"):
        assert words in body


@pytest.mark.parametrize("failure", ["ServicesDiffer", "ServicesDoNotAnswer"])
def test_it_offers_to_go_on_where_a_person_is_asked(client: Client, failure: str) -> None:
    assert 'id="accept-services"' in page(client, parked_over(failure=failure))


@pytest.mark.parametrize(
    "made",
    [
        {"failure": "ServicesDoNotAnswer", "step": "start_target"},
        {"failure": "ServicesDoNotAnswer", "point_of_no_return_at": None},
        {"failure": "NodeDoesNotAnswer"},
        {"state": State.RUNNING},
    ],
)
def test_it_offers_nothing_else_where(client: Client, made: dict[str, Any]) -> None:
    migration = parked_over(**made)
    assert 'id="accept-services"' not in page(client, migration)
    client.post(reverse("migration-accept-services", args=[migration.pk]))
    assert not AuditLine.objects.filter(verb="accept_services").exists()


def test_the_button_goes_on_and_the_page_says_so(client: Client) -> None:
    migration = parked_over()
    client.post(reverse("migration-accept-services", args=[migration.pk]))
    migration.refresh_from_db()
    assert (migration.state, migration.failure) == (State.RUNNING, "")
    assert "A person found it in order." in page(client, migration)


def test_pressed_twice_it_says_why_not(client: Client) -> None:
    migration = parked_over()
    for _ in range(2):
        answer = client.post(reverse("migration-accept-services", args=[migration.pk]), follow=True)
    assert "does not wait for a word about its services" in answer.content.decode()


def test_what_is_explained_is_shown_with_its_explanation(client: Client) -> None:
    assert "It names what is new." in page(client, parked_over("It names what is new."))


def test_it_shows_what_callers_met_while_it_moved(client: Client) -> None:
    migration = parked_over()
    assert "not watched yet" in page(client, migration)
    rows = SeenService.objects.filter(migration=migration)
    rows.update(knocks=400)
    assert "never silent" in page(client, migration)
    rows.update(unanswered=3, silent_seconds=4.26, longest_silence_seconds=2.04, unwatched_seconds=5.5)
    body = " ".join(page(client, migration).split())
    for words in ("silent for 2.0 s at most, 4.3 s in all", "3 of 400 connections", "nobody watched for 5.5 s"):
        assert words in body
