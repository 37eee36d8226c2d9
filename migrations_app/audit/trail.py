"""The trail of who did what; this file alone writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import chain, detail
from migrations_app.models import AuditHead, AuditLine


@transaction.atomic(savepoint=False)
def record(verb: str, subject: str, *, actor: User | None, now: datetime, **more: Any) -> None:
    """Add a line to the chain, as the last thing that a transaction writes; ``actor`` None is the panel itself.

    Until the transaction ends nobody else can add one: who takes other locks after this may meet another who took them
    before. Words with a meaning on the page: ``reason``, ``before``, ``after``. Whatever is too long is cut, and what
    looks like a secret is left out.
    """
    head, _ = AuditHead.objects.select_for_update().get_or_create(pk=AuditHead.ONE, defaults={"digest": chain.ORIGIN})
    line = AuditLine(
        number=head.number + 1,
        at=now,
        actor=actor,
        actor_name=actor.get_username() if actor else "",
        verb=verb,
        subject=detail.clean(subject)[:200],
        detail=detail.fit(more),
        previous=head.digest,
    )
    line.digest = chain.digest_of(line)
    line.save(force_insert=True)
    AuditHead.objects.filter(pk=AuditHead.ONE).update(number=line.number, digest=line.digest)


@contextmanager
def or_refused(
    refusal: type[Exception], verb: str, subject: object, *, actor: User | None, now: datetime
) -> Iterator[None]:
    """Do it in one transaction; a refusal takes that back, and is itself written down, with its words as the reason."""
    try:
        with transaction.atomic():
            yield
    except refusal as reason:
        record(f"refuse_{verb}", str(subject), actor=actor, now=now, reason=str(reason))
        raise
