"""Spend the approval of a migration that changes an address or a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Approval, Migration
from migrations_app.usecases.find_subject import find_subject
from migrations_app.usecases.use_approval import ApprovalMissing, use_approval

POLICY = "addresses"


@transaction.atomic
def use_migration_approval(*, migration_id: int, now: datetime, settings: Mapping[str, Any]) -> None:
    """In the transaction that opens its cutover; who edits it at this moment waits for the end of that one.

    :raises ApprovalMissing: nobody else has approved it as it stands now.
    """
    if POLICY not in settings["approval_for"]:
        return
    migration = Migration.objects.select_for_update(of=("self",)).get(pk=migration_id)
    subject = find_subject(kind=Approval.Kind.MIGRATION, subject_id=migration_id)
    if subject is None or subject.closed_because:
        raise ApprovalMissing(subject.closed_because if subject else f"{migration} is gone.")
    if told := use_approval(subject=subject, policy=POLICY, now=now, settings=settings):
        trail.record("use_approval", str(migration), actor=None, now=now, **told)
