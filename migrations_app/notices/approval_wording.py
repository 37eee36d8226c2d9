"""What a mail about an approval says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.models import Approval, Notice
from migrations_app.notices.words import Words, at, prefix

Kind = Notice.Kind
_VERBS = {
    Kind.ASKED: "Approve?",
    Kind.APPROVED: "Approved:",
    Kind.REJECTED: "Rejected:",
    Kind.OVERRIDDEN: "EMERGENCY, approved by one person alone:",
}


def of(approval: Approval, kind: str, settings: Mapping[str, Any]) -> Words:
    """Return the words; the link leads to a page that asks who is there, and carries no yes of its own."""
    decided_by = approval.decided_by.get_username() if approval.decided_by else ""
    facts = [
        ("What", f"{approval.get_subject_kind_display()} {approval.title}"),
        ("Asked by", approval.asked_by.get_username()),
        ("Reason", approval.reason),
        ("Until", at(approval.valid_until, "UTC")),
        ("Decided by", decided_by),
        ("Comment", approval.comment),
        ("Digest", approval.digest),
    ]
    return Words(
        subject=f"{prefix(settings)}{_VERBS[Kind(kind)]} {approval.title}",
        sentences=[_sentence(kind)],
        facts=[(name, value) for name, value in facts if value],
        link=f"{settings['public_url']}/approvals/{approval.pk}/",
        footer=f"{settings['site_name']}, to hosting staff.",
    )


def _sentence(kind: str) -> str:
    match kind:
        case Kind.ASKED:
            return "This waits for a second person. The page shows exactly what would be done; nothing begins before."
        case Kind.APPROVED:
            return "It may be started now, once, as long as nothing of it is changed."
        case Kind.REJECTED:
            return "It will not begin. Change it, and ask anew."
        case _:
            return "Somebody used the right to act without a second person. Look at what was done, and why."
