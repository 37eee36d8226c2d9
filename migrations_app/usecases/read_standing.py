"""Read what stands there now of what an approval is about."""

from __future__ import annotations

from migrations_app.approvals import people
from migrations_app.approvals.rules import Standing
from migrations_app.models import Approval
from migrations_app.usecases.find_subject import find_subject


def read_standing(*, approval: Approval) -> Standing:
    """Return it from the rows, never from the request; what is gone has no digest."""
    subject = find_subject(kind=approval.subject_kind, subject_id=approval.subject_id)
    authors = (subject.author_ids if subject else frozenset()) | {approval.asked_by_id}
    return Standing(digest=subject.digest if subject else "", author_ids=authors, mailboxes=people.mailboxes(authors))
