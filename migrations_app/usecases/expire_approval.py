"""See to it that an approval has expired."""

from __future__ import annotations

from datetime import datetime

from migrations_app.models import Approval
from migrations_app.usecases.settle_approvals import settle_approvals


def expire_approval(*, approval_id: int, now: datetime) -> None:
    """Safe to call twice, and for one that is gone."""
    approval = Approval.objects.filter(pk=approval_id).first()
    if approval is not None:
        settle_approvals(kind=approval.subject_kind, subject_id=approval.subject_id, now=now)
