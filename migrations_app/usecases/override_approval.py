"""Act without a second person in an emergency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from migrations_app.approvals import decisions, people, rules
from migrations_app.approvals.rules import Objection
from migrations_app.audit import trail
from migrations_app.models import Approval
from migrations_app.notices import outbox
from migrations_app.usecases.read_standing import read_standing
from migrations_app.usecases.settle_approvals import settle_approvals


class OverrideRefused(Exception):
    """The approval is as it was; ``objections`` says why, all reasons at once."""

    def __init__(self, objections: list[Objection]) -> None:
        super().__init__(" ".join(objection.reason for objection in objections))
        self.objections = objections


def override_approval(
    *, approval: Approval, reason: str, actor: User, now: datetime, settings: Mapping[str, Any]
) -> None:
    """Stand in for the second person, by a right of its own; everybody is told, and it stays marked for ever.

    :raises OverrideRefused: nothing was decided.
    """
    settle_approvals(kind=approval.subject_kind, subject_id=approval.subject_id, now=now)
    try:
        with trail.or_refused(OverrideRefused, "override", approval, actor=actor, now=now):
            _override(approval, reason.strip(), actor, now, settings)
    finally:
        approval.refresh_from_db()


def _override(approval: Approval, reason: str, actor: User, now: datetime, settings: Mapping[str, Any]) -> None:
    approval.refresh_from_db()
    person, standing = people.find(actor.pk), read_standing(approval=approval)
    if objections := rules.of_overriding(approval, person, standing, reason, now):
        raise OverrideRefused(objections)
    approved = Approval.State.APPROVED
    if not decisions.decide(approval, approved, by_id=person.id, comment=reason, now=now, overridden=True):
        raise OverrideRefused([Objection(id="state", reason="Somebody decided it, or changed it, this moment.")])
    told = [*settings["staff_mail"], *people.addresses_of_approvers(but=()), approval.asked_by.email]
    outbox.put_approval(approval, "overridden", told, now=now)
    detail = {"reason": reason, "digest": approval.digest, "before": Approval.State.ASKED, "after": approved}
    trail.record("override_approval", str(approval), actor=actor, now=now, **detail)
