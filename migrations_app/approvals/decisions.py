"""The states of a request; nobody else changes them. Each change is one conditional update: one of two wins."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from migrations_app.approvals.subject import Subject
from migrations_app.models import Approval

State = Approval.State
LONGEST_WORDS = 500


def ask(subject: Subject, *, actor: User, reason: str, now: datetime, valid_for: timedelta) -> Approval:
    """Write the request down; the database refuses a second open one of the same subject."""
    return Approval.objects.create(
        subject_kind=subject.kind,
        subject_id=subject.id,
        title=subject.title[:200],
        content=subject.content,
        digest=subject.digest,
        reason=reason[:LONGEST_WORDS],
        asked_by=actor,
        asked_at=now,
        valid_until=now + valid_for,
        next_look_at=now + valid_for,
    )


def decide(
    approval: Approval, state: State, *, by_id: int, comment: str, now: datetime, overridden: bool = False
) -> bool:
    """Return whether it was still to be decided."""
    waiting = Approval.objects.filter(pk=approval.pk, state=State.ASKED, digest=approval.digest)
    return bool(
        waiting.update(
            state=state,
            decided_by_id=by_id,
            decided_at=now,
            comment=comment[:LONGEST_WORDS],
            overridden=overridden,
        )
    )


def use(approval: Approval, *, now: datetime) -> bool:
    """Spend it. Return whether nobody had."""
    given = Approval.objects.filter(pk=approval.pk, state=State.APPROVED, digest=approval.digest)
    return bool(given.update(state=State.USED, used_at=now))


def expire(approval: Approval) -> bool:
    """Written down, so that no clock that goes back revives it. Return whether it was open."""
    return bool(Approval.objects.open().filter(pk=approval.pk).update(state=State.EXPIRED))


def void(approval: Approval, because: str) -> bool:
    """Return whether it was open."""
    rows = Approval.objects.open().filter(pk=approval.pk)
    return bool(rows.update(state=State.VOID, ended_because=because[:300]))


def void_all_of(kind: str, subject_id: int, because: str) -> list[str]:
    """Void what is open of a subject that is being changed, and return what that was, for the trail."""
    return _void_each(Approval.objects.of(kind, subject_id).open(), because)


def void_others_of(subject: Subject, because: str, *, now: datetime) -> list[str]:
    """The same, but for a request that holds for exactly this: whoever asked a moment ago keeps it."""
    rows = Approval.objects.of(subject.kind, subject.id).open()
    return _void_each(rows.exclude(digest=subject.digest, valid_until__gt=now), because)


def _void_each(rows: Iterable[Approval], because: str) -> list[str]:
    return [str(row) for row in rows if void(row, because)]
