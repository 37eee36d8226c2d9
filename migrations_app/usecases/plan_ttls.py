"""Ask for the TTLs of what a difference changes: to be lowered ahead of it, or restored after it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Publication
from migrations_app.zones import held, publications

Kind, State = Publication.Kind, Publication.State
# From which states of the difference it makes sense.
ASKED_IN = {Kind.LOWER: (State.READY,), Kind.RESTORE: Publication.IN_FORCE}


class TtlsNotAsked(Exception):
    """The difference is not in a state in which its TTLs can be lowered or restored."""


@transaction.atomic
def plan_ttls(*, of: Publication, kind: Publication.Kind, actor: User | None, now: datetime) -> Publication:
    """Put the question; the worker answers it within seconds, and nothing is changed anywhere.

    :raises HeldByMigration: a migration under way lowers and restores them itself.
    :raises TtlsNotAsked:
    """
    held.refuse_if_held(of)
    if of.kind != Kind.SWITCH or of.state not in ASKED_IN[kind]:
        raise TtlsNotAsked(f"{of} is {of.get_state_display().lower()}: its TTLs cannot be {kind}ed now.")
    if kind == Kind.LOWER and of.ttl_seconds is None:
        raise TtlsNotAsked(f"{of} keeps the TTLs as they are; ask for a difference with lower ones.")
    row = publications.ask(
        kind=kind, of=of, pairs=of.pairs, ttl_seconds=of.ttl_seconds, container=of.container, actor=actor, now=now
    )
    trail.record("plan_ttls", str(row), actor=actor, now=now, of=str(of), kind=str(kind))
    return row
