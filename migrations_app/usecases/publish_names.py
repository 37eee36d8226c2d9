"""Publish the difference that a person has seen."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Publication
from migrations_app.zones import held, publications


@transaction.atomic
def publish_names(
    *, publication: Publication, digest: str, is_forced: bool = False, actor: User | None, now: datetime
) -> None:
    """Let the worker publish the difference with this digest; ``is_forced`` lifts the objections that may be lifted.

    :raises HeldByMigration: a migration publishes it.
    :raises NotPublishable: nothing will be changed.
    """
    held.refuse_if_held(publication)
    publications.begin(publication, digest=digest, is_forced=is_forced, now=now)
    publication.refresh_from_db()
    lifted = [one[0] for one in publication.objections] if is_forced else []
    trail.record("publish_names", str(publication), actor=actor, now=now, digest=digest, lifted=lifted)
