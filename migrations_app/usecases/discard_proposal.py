"""Put a proposal aside that nobody wants any more."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Alternative, Proposal


class NotDiscardable(Exception):
    """The proposal has been decided already."""


@transaction.atomic
def discard_proposal(*, proposal: Proposal, actor: User, now: datetime) -> None:
    """Decide against all alternatives; those that are still waited for are worked out no more.

    :raises NotDiscardable:
    """
    was_open = Proposal.objects.filter(pk=proposal.pk, state=Proposal.State.OPEN)
    if not was_open.update(state=Proposal.State.DISCARDED):
        proposal.refresh_from_db(fields=["state"])
        raise NotDiscardable(f"{proposal} is {proposal.get_state_display().lower()} already.")
    proposal.alternatives.filter(state=Alternative.State.WAITING).delete()
    trail.record("discard_proposal", str(proposal), actor=actor, now=now)
