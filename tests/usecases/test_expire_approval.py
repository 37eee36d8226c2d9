from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ

from migrations_app.models import Approval, AuditLine
from migrations_app.schedules import ring_for_everything_due
from migrations_app.usecases.expire_approval import expire_approval
from tests.approvals.stage import HOUR, ask, make_batch
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


def rung_for() -> bool:
    return any(item.func() == "migrations_app.tasks.expire" for item in OrmQ.objects.all())


def test_it_is_rung_for_when_its_time_is_up_and_not_before(ada: User) -> None:
    approval = ask(make_batch(ada), ada)
    ring_for_everything_due(approval.valid_until - HOUR)
    assert not rung_for()
    ring_for_everything_due(approval.valid_until)
    assert rung_for()


def test_it_is_written_down_once(ada: User) -> None:
    approval = ask(make_batch(ada), ada)
    expire_approval(approval_id=approval.pk, now=approval.valid_until - HOUR)
    approval.refresh_from_db()
    assert approval.state == Approval.State.ASKED
    for _ in range(2):
        expire_approval(approval_id=approval.pk, now=approval.valid_until)
    approval.refresh_from_db()
    assert approval.state == Approval.State.EXPIRED
    assert AuditLine.objects.filter(verb="approval_expired").count() == 1


def test_one_that_is_gone_is_no_error(db: None) -> None:
    expire_approval(approval_id=987_654, now=START)
