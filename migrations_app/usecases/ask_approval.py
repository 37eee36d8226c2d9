"""Ask a second person for approval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.approvals import decisions, people
from migrations_app.approvals.subject import Subject
from migrations_app.audit import trail
from migrations_app.models import Approval
from migrations_app.notices import outbox


class NotAskable(Exception):
    """There is nothing to be approved now."""


def ask_approval(
    *, subject: Subject, actor: User, now: datetime, settings: Mapping[str, Any], reason: str = ""
) -> Approval:
    """Write down what is to be approved, and tell those who may; asking twice for the same is no error.

    A request for what stood there before is void from now on.

    :raises NotAskable: it waits for nobody's start.
    """
    if subject.closed_because:
        raise NotAskable(f"{subject.closed_because} There is nothing to approve.")
    try:
        with transaction.atomic():
            return _same(subject, now) or _ask(subject, actor, now, settings, reason)
    except IntegrityError as race:
        if same := _same(subject, now):
            return same
        raise NotAskable(f"{subject.title}: somebody else asked this moment, and for something else.") from race


def _same(subject: Subject, now: datetime) -> Approval | None:
    rows = Approval.objects.of(subject.kind, subject.id).open()
    return rows.filter(digest=subject.digest, valid_until__gt=now).first()


def _ask(subject: Subject, actor: User, now: datetime, settings: Mapping[str, Any], reason: str) -> Approval:
    voided = decisions.void_others_of(subject, "another was asked for", now=now)
    valid_for = timedelta(hours=settings["approval_hours"])
    approval = decisions.ask(subject, actor=actor, reason=reason.strip(), now=now, valid_for=valid_for)
    addresses = people.addresses_of_approvers(but=subject.author_ids | {actor.pk})
    outbox.put_approval(approval, "asked", addresses, now=now)
    detail = {"reason": approval.reason, "digest": approval.digest, "voided": voided, "told": len(addresses)}
    trail.record("ask_approval", str(approval), actor=actor, now=now, **detail)
    return approval
