"""Approve or reject what another person planned."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.contrib.auth.models import User

from migrations_app.approvals import decisions, people, rules
from migrations_app.approvals.rules import Objection
from migrations_app.audit import trail
from migrations_app.models import Approval
from migrations_app.notices import outbox
from migrations_app.usecases.read_standing import read_standing
from migrations_app.usecases.settle_approvals import settle_approvals

State = Approval.State
Decision = Literal["approve", "reject"]


class DecisionRefused(Exception):
    """The decision does not count; ``objections`` says why, all reasons at once."""

    def __init__(self, objections: list[Objection]) -> None:
        super().__init__(" ".join(objection.reason for objection in objections))
        self.objections = objections


def decide_approval(*, approval: Approval, decision: Decision, comment: str, actor: User, now: datetime) -> None:
    """Take the decision of a second person on exactly what was asked; whoever is refused is written down too.

    :raises DecisionRefused: nothing was decided.
    """
    settle_approvals(kind=approval.subject_kind, subject_id=approval.subject_id, now=now)
    try:
        with trail.or_refused(DecisionRefused, decision, approval, actor=actor, now=now):
            _decide(approval, decision, comment.strip(), actor, now)
    finally:
        approval.refresh_from_db()


def _decide(approval: Approval, decision: Decision, comment: str, actor: User, now: datetime) -> None:
    approval.refresh_from_db()
    person, standing = people.find(actor.pk), read_standing(approval=approval)
    if decision == "approve":
        objections = rules.of_approving(approval, person, standing, now)
    else:
        objections = rules.of_rejecting(approval, person, standing)
        if not comment:
            objections.append(Objection(id="no-reason", reason="Say what is wrong with it."))
    if objections:
        raise DecisionRefused(objections)
    state = State.APPROVED if decision == "approve" else State.REJECTED
    if not decisions.decide(approval, state, by_id=person.id, comment=comment, now=now):
        raise DecisionRefused([Objection(id="state", reason="Somebody decided it, or changed it, this moment.")])
    outbox.put_approval(approval, state, [approval.asked_by.email], now=now)
    detail = {"reason": comment, "digest": approval.digest, "before": State.ASKED, "after": state}
    trail.record(decision, str(approval), actor=actor, now=now, **detail)
