"""Say yes to what would be installed on a node."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Preparation

State = Preparation.State


class PreparationRefused(Exception):
    """The panel cannot do this, or it needs no yes any more."""


@transaction.atomic
def accept_preparation(*, preparation: Preparation, actor: User, now: datetime) -> None:
    """Let the offered command run, or a failed one once more; saying yes twice is no error.

    :raises PreparationRefused: only a person can do it, or it is done.
    """
    preparation.refresh_from_db()
    if not preparation.command:
        raise PreparationRefused(f"The panel cannot do this itself. {preparation.detail}")
    if preparation.state == State.DONE:
        raise PreparationRefused(f"{preparation} is done already.")
    if not _take(preparation, now):
        return  # somebody said yes a moment before
    preparation.refresh_from_db()
    trail.record(
        "accept_preparation",
        str(preparation.node),
        actor=actor,
        now=now,
        need=preparation.need,
        command=preparation.command,
    )


def _take(preparation: Preparation, now: datetime) -> bool:
    """Return whether this yes is the one that counts."""
    if preparation.state == State.ACCEPTED:
        return False
    # A new try is a new job on the node, under a key of its own.
    attempt = preparation.attempt + 1 if preparation.state == State.FAILED else preparation.attempt
    waiting = Preparation.objects.filter(pk=preparation.pk, state=preparation.state, attempt=preparation.attempt)
    taken = waiting.update(
        state=State.ACCEPTED, attempt=attempt, detail="Waiting for the node.", next_look_at=now, updated_at=now
    )
    return bool(taken)
