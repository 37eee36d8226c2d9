from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Approval, AuditLine, Notice
from migrations_app.notices import delivery
from tests.approvals.stage import HOUR, ask, decide, make_batch
from tests.fakes.clock import START
from tests.fakes.mailer import MailBox

pytestmark = pytest.mark.django_db


def test_it_writes_down_exactly_what_would_be_done(ada: User, boris: User) -> None:
    batch = make_batch(ada, moves=2, most_at_once=3)
    approval = ask(batch, ada, reason="node-a is to be scrapped")
    assert approval.content["name"] == "Empty node-a"
    assert approval.content["terms"]["most_at_once"] == 3
    assert [move["container"] for move in approval.content["moves"]] == [
        item.container.ctid for item in batch.items.all()
    ]
    line = AuditLine.objects.get(verb="ask_approval")
    assert (line.actor, line.detail["reason"], line.detail["digest"]) == (ada, approval.reason, approval.digest)


def test_asking_twice_for_the_same_is_no_error(ada: User, boris: User) -> None:
    batch = make_batch(ada)
    assert ask(batch, ada) == ask(batch, boris)
    assert Notice.objects.filter(kind="asked").count() == 1


def test_asking_for_what_stands_there_now_voids_the_older_one(ada: User, boris: User) -> None:
    batch = make_batch(ada)
    old = ask(batch, ada)
    type(batch).objects.filter(pk=batch.pk).update(name="Empty node-a and node-b")
    new = ask(batch, ada)
    old.refresh_from_db()
    assert (old.state, new.state) == (Approval.State.VOID, Approval.State.ASKED)


def test_those_who_may_approve_are_told_and_nobody_else(ada: User, boris: User, carla: User, mailbox: MailBox) -> None:
    User.objects.create_superuser("root", "root@panel.example")
    User.objects.create_superuser("mute", "")
    approval = ask(make_batch(ada), ada, reason="Soon\nBcc: all@example.net")
    assert set(Notice.objects.values_list("recipient", flat=True)) == {"boris@panel.example", "root@panel.example"}
    notice = Notice.objects.get(recipient="boris@panel.example")
    delivery.deliver(notice.pk, mailer=mailbox, now=START, settings=settings.OVZ)
    letter = mailbox.letters[0]
    assert "Approve?" in letter.subject
    assert f"/approvals/{approval.pk}/\n" in letter.text
    assert approval.digest in letter.text
    assert "\nBcc" not in letter.text


def test_the_author_hears_of_the_decision(ada: User, boris: User, mailbox: MailBox) -> None:
    for decision, word in (("reject", "Rejected"), ("approve", "Approved")):
        decide(ask(make_batch(ada), ada), boris, decision)
        notice = Notice.objects.get(kind=f"{decision}ed" if decision == "reject" else "approved")
        assert notice.recipient == ada.email
        delivery.deliver(notice.pk, mailer=mailbox, now=START + HOUR, settings=settings.OVZ)
        letter = mailbox.letters[-1]
        assert word in letter.subject
        assert "as discussed" in letter.text
