"""Take a published difference back."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Publication
from migrations_app.zones import held, publications


@transaction.atomic
def undo_names(*, publication: Publication, actor: User | None, now: datetime) -> None:
    """Let the worker publish the inverse, guarded by what was published; TTLs stay as low as they are.

    :raises HeldByMigration: a migration under way leans on it.
    :raises NotUndoable:
    """
    held.refuse_if_held(publication)
    publications.begin_undo(publication, now=now)
    trail.record("undo_names", str(publication), actor=actor, now=now, digest=publication.digest)
