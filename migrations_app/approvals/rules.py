"""Whether a yes may be given, and whether one that was given still counts; pure, and all objections at once."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from migrations_app.approvals.people import Person
from migrations_app.approvals.subject import digest_of
from migrations_app.models import Approval

State = Approval.State
# Hosts that share a database may differ by so much and still be right.
CLOCKS_DIFFER = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Objection:
    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What stands there now: its digest, and who had a part in it."""

    digest: str
    author_ids: Set[int]
    mailboxes: Set[str]


def of_approving(approval: Approval, person: Person, standing: Standing, now: datetime) -> list[Objection]:
    return [
        *_of_right(person),
        *_of_second_person(approval, person, standing),
        *_of_state(approval, State.ASKED),
        *_of_time(approval, now),
        *_of_content(approval, standing),
    ]


def of_rejecting(approval: Approval, person: Person, standing: Standing) -> list[Objection]:
    """Saying no asks less: a request that has grown old or stale may be turned down all the same."""
    second = _of_second_person(approval, person, standing)
    return [*_of_right(person), *second, *_of_state(approval, State.ASKED)]


def of_overriding(
    approval: Approval, person: Person, standing: Standing, reason: str, now: datetime
) -> list[Objection]:
    found = [*_of_state(approval, State.ASKED), *_of_time(approval, now), *_of_content(approval, standing)]
    if not person.may_override:
        found.append(
            Objection(id="no-right", reason=f"{person.name} has no right to act alone; `manage.py grant` gives it.")
        )
    if not reason:
        found.append(Objection(id="no-reason", reason="Say why it cannot wait for a second person."))
    return found


def of_using(approval: Approval, decider: Person, standing: Standing, now: datetime) -> list[Objection]:
    """Whether an approval that was given still counts, at the moment of what it allows."""
    found = [*_of_state(approval, State.APPROVED), *_of_time(approval, now), *_of_content(approval, standing)]
    if approval.overridden:
        if not decider.may_override:
            found.append(Objection(id="no-right", reason=f"{decider.name} has lost the right to act alone."))
        return found
    if not decider.may_approve:
        found.append(Objection(id="no-right", reason=f"{decider.name}, who approved it, has lost the right to."))
    return [*found, *_of_second_person(approval, decider, standing)]


def _of_right(person: Person) -> list[Objection]:
    if person.may_approve:
        return []
    return [Objection(id="no-right", reason=f"{person.name} has no right to approve; `manage.py grant` gives it.")]


def _of_second_person(approval: Approval, person: Person, standing: Standing) -> list[Objection]:
    """Two accounts that read one mailbox are one person; an account without one may be anybody's second."""
    if person.id in standing.author_ids or person.id == approval.asked_by_id:
        return [Objection(id="own", reason="Whoever planned, changed or asked for it cannot approve it.")]
    if not person.mailbox:
        reason = f"{person.name} has no e-mail address, so nobody can tell that this is a second person."
        return [Objection(id="no-mailbox", reason=reason)]
    if person.mailbox in standing.mailboxes:
        reason = f"{person.name} has the e-mail address of one who planned it: two accounts, one person."
        return [Objection(id="same-person", reason=reason)]
    return []


def _of_state(approval: Approval, wanted: State) -> list[Objection]:
    if approval.state == wanted:
        return []
    why = f" ({approval.ended_because})" if approval.ended_because else ""
    return [Objection(id="state", reason=f"It is {approval.get_state_display().lower()}{why}: ask anew.")]


def _of_time(approval: Approval, now: datetime) -> list[Objection]:
    if now >= approval.valid_until:
        return [Objection(id="expired", reason=f"It expired at {approval.valid_until:%Y-%m-%d %H:%M} UTC: ask anew.")]
    if now < max(approval.asked_at, approval.decided_at or approval.asked_at) - CLOCKS_DIFFER:
        reason = f"The clock says {now:%Y-%m-%d %H:%M} UTC, which is before it was asked for: set the clock right."
        return [Objection(id="clock", reason=reason)]
    return []


def _of_content(approval: Approval, standing: Standing) -> list[Objection]:
    if digest_of(approval.subject_kind, approval.subject_id, approval.content) != approval.digest:
        return [Objection(id="tampered", reason="Its content is not what its digest was made of: ask anew.")]
    if standing.digest != approval.digest:
        return [Objection(id="changed", reason="It differs from what stands there now: see the difference, ask anew.")]
    return []
