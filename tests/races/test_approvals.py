"""Two people, or two tabs, at the same moment."""

from __future__ import annotations

from functools import partial

import pytest
from django.contrib.auth.models import User

from migrations_app.audit import chain
from migrations_app.models import Approval, AuditLine, Notice
from migrations_app.usecases.ask_approval import NotAskable
from migrations_app.usecases.decide_approval import DecisionRefused
from migrations_app.usecases.start_batch import NotStartable
from migrations_app.usecases.use_approval import ApprovalMissing
from tests.approvals.stage import approve, ask, decide, make_batch, start
from tests.races.starting_line import all_at_once, raised

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def test_approve_and_reject_at_once_have_one_outcome_and_one_line(ada: User, boris: User) -> None:
    for _ in range(10):
        asked = ask(make_batch(ada, moves=1), ada)
        tabs = [
            partial(decide, Approval.objects.get(pk=asked.pk), boris, word)
            for word in ("approve", "reject", "approve", "reject")
        ]
        assert raised(all_at_once(*tabs), DecisionRefused) == 3
        line = AuditLine.objects.get(subject=str(asked), verb__in=("approve", "reject"))
        asked.refresh_from_db()
        assert asked.state == line.detail["after"]
        assert Notice.objects.filter(approval=asked, kind=asked.state).count() == 1
    assert chain.verify() is None


def test_it_is_used_once_however_many_start(ada: User, boris: User) -> None:
    for _ in range(5):
        batch = make_batch(ada, moves=1)
        approval = approve(batch, asked_by=ada, by=boris)
        results = all_at_once(*[partial(start, type(batch).objects.get(pk=batch.pk), ada) for _ in range(4)])
        refused = [result for result in results if isinstance(result, NotStartable | ApprovalMissing)]
        assert raised(results, Exception) == len(refused) == 3
        assert AuditLine.objects.filter(verb="start_batch", detail__approval=str(approval)).count() == 1


def test_many_who_ask_make_one_request(ada: User, boris: User) -> None:
    batch = make_batch(ada, moves=1)
    results = all_at_once(*[partial(ask, batch, person) for person in (ada, boris) * 5])
    assert raised(results, NotAskable) == 0
    assert Approval.objects.count() == 1
