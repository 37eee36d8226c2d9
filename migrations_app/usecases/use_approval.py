"""Spend an approval on what it allows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.approvals import decisions, people, rules
from migrations_app.approvals.subject import Subject
from migrations_app.models import Approval
from migrations_app.usecases.read_standing import read_standing

State = Approval.State


class ApprovalMissing(Exception):
    """It needs a second person's approval of exactly what stands there now, and has none."""


def use_approval(*, subject: Subject, policy: str, now: datetime, settings: Mapping[str, Any]) -> dict[str, str]:
    """Spend the approval in the transaction of what it allows, and return words for the trail: which, and whose.

    ``policy`` is the word of the setting ``approval_for`` under which the subject falls. What was approved and begun
    may go on without another yes, as long as it is the same.

    :raises ApprovalMissing: nothing may begin.
    """
    if policy not in settings["approval_for"] or _was_used_for_the_same(subject):
        return {}
    approval = Approval.objects.of(subject.kind, subject.id).open().select_for_update().first()
    if approval is None:
        raise ApprovalMissing(_nothing_open(subject))
    if approval.state == State.ASKED or approval.decided_by_id is None:
        raise ApprovalMissing(
            f"{subject.title} waits for approval since {approval.asked_at:%Y-%m-%d %H:%M} UTC; whoever may approve "
            "sees it under Approvals."
        )
    decider = people.find(approval.decided_by_id)
    if objections := rules.of_using(approval, decider, read_standing(approval=approval), now):
        raise ApprovalMissing(f"{approval}: {' '.join(objection.reason for objection in objections)}")
    if not decisions.use(approval, now=now):
        raise ApprovalMissing(f"{approval} was used this moment; an approval counts once.")
    return {"approval": str(approval), "approved_by": decider.name}


def _was_used_for_the_same(subject: Subject) -> bool:
    used = Approval.objects.of(subject.kind, subject.id).filter(state=State.USED).order_by("used_at", "pk").last()
    return used is not None and used.digest == subject.digest


def _nothing_open(subject: Subject) -> str:
    last = Approval.objects.of(subject.kind, subject.id).order_by("pk").last()
    if last is None:
        return f"{subject.title} needs the approval of a second person: ask for it first."
    why = f": {last.ended_because}" if last.ended_because else ""
    return f"{subject.title} needs a new approval, the last one is {last.get_state_display().lower()}{why}. Ask anew."
