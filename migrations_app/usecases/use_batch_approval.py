"""Spend the approval of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.models import Approval, Batch
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.use_approval import ApprovalMissing, use_approval

POLICY = "batches"


def use_batch_approval(*, batch: Batch, now: datetime, settings: Mapping[str, Any]) -> dict[str, str]:
    """In the transaction that lets it begin or go on; return words for the trail: which approval, and whose.

    :raises ApprovalMissing: nobody else has approved it as it stands now.
    """
    subject = find_subject(kind=Approval.Kind.BATCH, subject_id=batch.pk)
    if subject is None:
        raise ApprovalMissing(f"{batch} is gone.")
    return use_approval(subject=subject, policy=POLICY, now=now, settings=settings)
