from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User

from migrations_app.models import Approval, AuditLine, Batch, Notice
from migrations_app.usecases.override_approval import OverrideRefused, override_approval
from tests.approvals.stage import HOUR, ask, make_batch, start
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def trusted(ada: User) -> User:
    ada.user_permissions.add(Permission.objects.get(codename="override_approval"))
    return ada


def override(approval: Approval, actor: User, reason: str) -> None:
    told = settings.OVZ | {"staff_mail": ["noc@panel.example", "boss@panel.example"]}
    override_approval(approval=approval, reason=reason, actor=actor, now=START + HOUR, settings=told)


def test_it_stands_in_for_the_second_person_and_everybody_hears_of_it(trusted: User, boris: User) -> None:
    batch = make_batch(trusted)
    approval = ask(batch, trusted)
    override(approval, trusted, "node-a burns")
    assert (approval.state, approval.overridden, approval.comment) == ("approved", True, "node-a burns")
    told = set(Notice.objects.filter(kind="overridden").values_list("recipient", flat=True))
    assert told == {"noc@panel.example", "boss@panel.example", "boris@panel.example", "ada@panel.example"}
    line = AuditLine.objects.get(verb="override_approval")
    assert (line.actor, line.detail["reason"]) == (trusted, "node-a burns")
    start(batch, trusted)
    assert batch.state == Batch.State.RUNNING


@pytest.mark.parametrize("reason", ["", "   "])
def test_it_needs_a_reason(trusted: User, reason: str) -> None:
    with pytest.raises(OverrideRefused) as refusal:
        override(ask(make_batch(trusted), trusted), trusted, reason)
    assert [objection.id for objection in refusal.value.objections] == ["no-reason"]


def test_it_counts_for_what_was_asked_and_nothing_else(trusted: User) -> None:
    batch = make_batch(trusted)
    approval = ask(batch, trusted)
    Batch.objects.filter(pk=batch.pk).update(most_at_once=99)
    with pytest.raises(OverrideRefused):
        override(approval, trusted, "now")
    assert approval.state == Approval.State.VOID
