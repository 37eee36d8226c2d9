"""What is told, to whom, and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from migrations_app.models import Migration, Notice
from migrations_app.notices import delivery, outbox
from tests.factories import make_container, make_customer, make_migration
from tests.fakes.clock import START
from tests.fakes.mailer import MailBox

pytestmark = pytest.mark.django_db
STAFF = "staff@panel.example"


@pytest.fixture
def migration() -> Migration:
    return make_migration(container=make_container(owner=make_customer()))


def put(migration: Migration, kind: str) -> list[Notice]:
    outbox.put(migration, kind, now=START, staff_addresses=[STAFF, f" {STAFF.upper()} "])
    return list(Notice.objects.filter(kind=kind).order_by("pk"))


def deliver(notice: Notice, box: MailBox, *, minutes: int = 0) -> None:
    delivery.deliver(notice.pk, mailer=box, now=START + timedelta(minutes=minutes), settings=settings.OVZ)


def test_staff_and_owner_are_told_once_each(migration: Migration) -> None:
    put(migration, "started")
    assert [notice.recipient for notice in put(migration, "started")] == [STAFF, "owner@shop.example"]


def test_every_failure_is_told(migration: Migration) -> None:
    put(migration, "failed")
    assert [notice.recipient for notice in put(migration, "failed")].count(STAFF) == 2


def test_a_letter_is_sent_once(migration: Migration) -> None:
    box, (notice, _) = MailBox(), put(migration, "started")
    deliver(notice, box)
    deliver(notice, box, minutes=5)
    assert [letter.recipient for letter in box.letters] == [STAFF]


def test_a_letter_waits_for_the_mail_server(migration: Migration) -> None:
    box, (notice, _) = MailBox(), put(migration, "started")
    box.is_away = True
    deliver(notice, box)
    box.is_away = False
    deliver(notice, box, minutes=1)
    notice.refresh_from_db()
    assert (notice.state, notice.tries, len(box.letters)) == (Notice.State.SENT, 1, 1)


@pytest.mark.parametrize(
    ("state", "said"),
    [("parked", "waits for a person"), ("rolled_back", "Everything was taken back"), ("done", "has gone on")],
)
def test_a_late_letter_about_a_failure_says_what_is_true_when_it_is_sent(
    migration: Migration, state: str, said: str
) -> None:
    box, (notice, _) = MailBox(), put(migration, "failed")
    Migration.objects.filter(pk=migration.pk).update(state=state, failure="JobLost", failure_detail="killed")
    deliver(notice, box)
    assert said in box.letters[0].text
