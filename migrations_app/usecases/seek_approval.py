"""See how it stands with a second person's yes to a migration, and ask where nobody has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from migrations_app.approvals import decisions, people, rules
from migrations_app.approvals.subject import Subject
from migrations_app.audit import trail
from migrations_app.execution.second_person import Answer, Reply
from migrations_app.models import Approval, Migration
from migrations_app.usecases.ask_approval import ask_approval
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.read_standing import read_standing
from migrations_app.usecases.settle_approvals import settle_approvals
from migrations_app.usecases.use_migration_approval import POLICY

State = Approval.State


@transaction.atomic
def seek_approval(*, migration_id: int, now: datetime, settings: Mapping[str, Any]) -> Answer:
    """Ask in the name of whoever scheduled it, so that a second person only has to answer.

    A yes that does not count any more (expired, of somebody who has lost the right) is written down as such.
    """
    if POLICY not in settings["approval_for"]:
        return Answer(reply=Reply.NOT_NEEDED)
    settle_approvals(kind=Approval.Kind.MIGRATION, subject_id=migration_id, now=now)
    subject = find_subject(kind=Approval.Kind.MIGRATION, subject_id=migration_id)
    if subject is None or subject.closed_because:
        return Answer(reply=Reply.NOT_YET, words=subject.closed_because if subject else "It is gone.")
    last = Approval.objects.of(subject.kind, subject.id).order_by("pk").last()
    if last is not None and last.digest == subject.digest:
        said = _said(last, now)
        if said is not None:
            return said
    return _ask(subject, now, settings)


def _said(last: Approval, now: datetime) -> Answer | None:
    """Return what came of the last request for exactly this, None: nothing that counts."""
    match last.state:
        case State.USED:
            return Answer(reply=Reply.YES, words=str(last))
        case State.APPROVED:
            return _still_counts(last, now)
        case State.ASKED:
            told = f"Waits for approval since {last.asked_at:%Y-%m-%d %H:%M} UTC (a{last.pk})"
            return Answer(reply=Reply.NOT_YET, words=told)
        case State.REJECTED:
            by = last.decided_by.get_username() if last.decided_by else "somebody"
            return Answer(reply=Reply.NO, words=f"{by} rejected it: {last.comment}")
        case _:
            return None


def _still_counts(approval: Approval, now: datetime) -> Answer | None:
    decider = people.find(approval.decided_by_id or 0)
    found = rules.of_using(approval, decider, read_standing(approval=approval), now)
    why = " ".join(objection.reason for objection in found)
    if not found:
        return Answer(reply=Reply.YES, words=f"{approval}, by {decider.name}")
    if {objection.id for objection in found} == {"clock"}:
        return Answer(reply=Reply.NOT_YET, words=why)
    if decisions.void(approval, why):
        trail.record("approval_void", str(approval), actor=None, now=now, reason=why)
    return None


def _ask(subject: Subject, now: datetime, settings: Mapping[str, Any]) -> Answer:
    scheduler = Migration.objects.select_related("created_by").get(pk=subject.id).created_by
    if scheduler is None:
        words = "Needs a second person's approval: nobody is named as its author, so ask for it on this page"
        return Answer(reply=Reply.NOT_YET, words=words)
    asked = ask_approval(subject=subject, actor=scheduler, now=now, settings=settings)
    return Answer(reply=Reply.NOT_YET, words=f"Waits for approval (a{asked.pk})")
