"""Write down that an approval has expired, or that what it was for has changed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.models import Approval
from migrations_app.usecases.find_subject import find_subject

CHANGED = "what it was asked for has changed since"


@transaction.atomic
def settle_approvals(*, kind: str, subject_id: int, now: datetime) -> None:
    """See to the open requests of a subject, before anybody leans on one; what is settled never comes back."""
    for approval in Approval.objects.of(kind, subject_id).open():
        if now >= approval.valid_until:
            if decisions.expire(approval):
                trail.record("approval_expired", str(approval), actor=None, now=now)
        elif _differs(approval) and decisions.void(approval, CHANGED):
            trail.record("approval_void", str(approval), actor=None, now=now, reason=CHANGED)


def _differs(approval: Approval) -> bool:
    subject = find_subject(kind=approval.subject_kind, subject_id=approval.subject_id)
    return subject is None or subject.digest != approval.digest
