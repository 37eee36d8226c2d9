"""Requests on the stage: one that waits, one whose subject was changed, one that was overridden."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Approval, Batch
from migrations_app.usecases.ask_approval import ask_approval
from migrations_app.usecases.decide_approval import decide_approval
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.grant_right import grant_right
from migrations_app.usecases.override_approval import override_approval
from migrations_app.usecases.settle_approvals import settle_approvals

HOSTILE = '<img src=x onerror="document.title=1">'
HOUR = timedelta(hours=1)


def set_up(now: datetime) -> None:
    ada, boris = User.objects.get(username="ada"), User.objects.get(username="boris")
    grant_right(user=boris, right="approve", given=True, actor=None, now=now)
    grant_right(user=ada, right="override_approval", given=True, actor=None, now=now)
    waiting, changed, alone = (_draft(name, ada, now) for name in ("Empty rack 7", "Empty rack 8", "Empty rack 9"))
    _ask(waiting, ada, now)
    _changed(changed, ada, boris, now)
    request = _ask(alone, ada, now)
    override_approval(approval=request, reason="The rack burns.", actor=ada, now=now, settings=settings.OVZ)


def _draft(name: str, author: User, now: datetime) -> Batch:
    """Copy the draft that is there, with two of its moves, so that it can be asked for."""
    batch = Batch.objects.order_by("pk")[0]
    items = list(batch.items.all()[:2])
    batch.pk, batch.name, batch.created_by, batch.created_at = None, name, author, now
    batch._state.adding = True
    batch.save()
    for item in items:
        item.pk, item.batch = None, batch
        item._state.adding = True
        item.save()
    return batch


def _ask(batch: Batch, actor: User, now: datetime) -> Approval:
    subject = find_subject(kind=Approval.Kind.BATCH, subject_id=batch.pk)
    assert subject is not None
    reason = f"Its power goes at noon. {HOSTILE}"
    return ask_approval(subject=subject, actor=actor, now=now, settings=settings.OVZ, reason=reason)


def _changed(batch: Batch, ada: User, boris: User, now: datetime) -> None:
    request = _ask(batch, ada, now)
    decide_approval(approval=request, decision="approve", comment="At night only.", actor=boris, now=now)
    Batch.objects.filter(pk=batch.pk).update(most_at_once=40, name=f"Empty rack 8 {HOSTILE}")
    settle_approvals(kind=Approval.Kind.BATCH, subject_id=batch.pk, now=now)
