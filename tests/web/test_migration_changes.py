"""What a migration changes beside the place: shown, chosen line by line, and put before a second person."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from migrations_app.execution import mentions
from migrations_app.models import Approval, AuditLine, Migration, StepRun
from migrations_app.vz.facts import Mention
from tests.factories import make_migration

HOSTILE = "<script>alert(1)</script> 192.0.2.7"


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def migration(db: None) -> Migration:
    row = make_migration(
        state=Migration.State.RUNNING, old_addresses=["192.0.2.7"], new_addresses=["198.51.100.7"], next_tick_at=None
    )
    StepRun.objects.create(
        migration=row, position=0, name="await_approval", title="Wait", state="running", started_at=timezone.now()
    )
    found = [Mention(path="etc/hosts", number=3, text=HOSTILE), Mention(path="etc/app", number=9, text="ip=192.0.2.7")]
    mentions.keep(row.pk, found, [("192.0.2.7", "198.51.100.7")])
    return row


def body_of(page: Client, name: str, migration: Migration) -> str:
    return page.get(reverse(name, args=[migration.pk])).content.decode()


def choose(page: Client, migration: Migration, *words: str) -> str:
    url = reverse("migration-lines-choose", args=[migration.pk])
    return page.post(url, {"line": list(words)}, follow=True).content.decode()


def chosen(migration: Migration) -> list[str]:
    return [str(row) for row in migration.mentions.filter(wanted=True)]


def test_the_page_of_the_migration_says_what_will_change(page: Client, migration: Migration) -> None:
    body = body_of(page, "migration", migration)
    assert "192.0.2.7 → 198.51.100.7" in body
    assert "2 name an old address, 0 will be changed" in body
    assert reverse("migration-ask-approval", args=[migration.pk]) in body


def test_lines_are_shown_before_and_after_and_escaped(page: Client, migration: Migration) -> None:
    body = body_of(page, "migration-changes", migration)
    assert "/etc/app, line 9" in body
    assert "ip=192.0.2.7" in body
    assert "ip=198.51.100.7" in body
    assert "<script>alert(1)" not in body


def test_the_lines_that_are_ticked_are_chosen_and_the_trail_says_who(
    page: Client, migration: Migration, ada: User
) -> None:
    wanted = migration.mentions.get(number=9)
    assert "1 lines will be changed" in choose(page, migration, str(wanted.pk))
    assert chosen(migration) == ["etc/app:9"]
    line = AuditLine.objects.get(verb="choose_lines")
    assert (line.actor, line.detail["after"]) == (ada, ["etc/app:9"])
    choose(page, migration)
    assert chosen(migration) == []


@pytest.mark.parametrize("word", ["987654321", "-1", "x", "9" * 40, "\0"])
def test_nonsense_chooses_nothing(page: Client, migration: Migration, word: str) -> None:
    choose(page, migration, word)
    assert chosen(migration) == []


def test_another_migrations_line_is_not_chosen(page: Client, migration: Migration) -> None:
    other = make_migration()
    mentions.keep(other.pk, [Mention(path="etc/x", number=1, text="192.0.2.7")], [])
    assert "no longer among those found" in choose(page, migration, str(other.mentions.get().pk))
    assert chosen(other) == []


def test_it_is_asked_for_and_another_choice_voids_that(page: Client, migration: Migration, ada: User) -> None:
    page.post(reverse("migration-ask-approval", args=[migration.pk]))
    asked = Approval.objects.get()
    assert (asked.subject_kind, asked.subject_id, asked.asked_by) == ("migration", migration.pk, ada)
    assert "Waits for approval" in body_of(page, "migration", migration)
    choose(page, migration, str(migration.mentions.get(number=9).pk))
    asked.refresh_from_db()
    assert (asked.state, asked.ended_because) == ("void", "other lines were chosen")
    page.post(reverse("approval-ask-anew", args=[asked.pk]))
    assert Approval.objects.latest("pk").content["lines_inside"][0]["after"] == "ip=198.51.100.7"


def test_the_page_of_the_approval_shows_lines_and_addresses(page: Client, migration: Migration, boris: User) -> None:
    choose(page, migration, *(str(row.pk) for row in migration.mentions.all()))
    page.post(reverse("migration-ask-approval", args=[migration.pk]))
    page.force_login(boris)
    body = page.get(reverse("approval", args=[Approval.objects.get().pk])).content.decode()
    assert "ip=198.51.100.7" in body
    assert "etc/hosts" in body
    assert "<script>alert(1)" not in body
    assert 'value="approve"' in body


def test_it_is_not_asked_for_before_it_is_known_what_changes(page: Client, migration: Migration) -> None:
    migration.steps.update(started_at=None)
    assert reverse("migration-ask-approval", args=[migration.pk]) not in body_of(page, "migration", migration)
    page.post(reverse("migration-ask-approval", args=[migration.pk]))
    assert not Approval.objects.exists()


def test_all_of_it_can_be_had_as_text(page: Client, migration: Migration) -> None:
    text = body_of(page, "migration-changes-text", migration)
    assert "addresses 1 / old: 192.0.2.7" in text
    assert "sha256 " in text


def test_a_move_that_keeps_its_address_shows_nothing_of_it(page: Client) -> None:
    plain = make_migration()
    assert "What will change" not in body_of(page, "migration", plain)
    assert "It keeps its addresses" in body_of(page, "migration-changes", plain)
