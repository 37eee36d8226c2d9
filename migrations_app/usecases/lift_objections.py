"""Lift the objections to a migration's difference, so that the migration may publish it."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.models import Approval, Publication
from migrations_app.zones import held, publications
from migrations_app.zones.publications import NotLiftable


@transaction.atomic
def lift_objections(*, publication: Publication, digest: str, actor: User, now: datetime) -> None:
    """Only mark them: the migration publishes it, and a second person is told what was lifted.

    Whoever lifts has a part in the plan and cannot be that second person; an open approval is void.

    :raises NotLiftable:
    """
    fresh = Publication.objects.select_related("migration", "of__migration").get(pk=publication.pk)
    migration = held.holder_of(fresh)
    if migration is None:
        raise NotLiftable(f"{fresh} belongs to no migration under way: its objections are lifted as it is published.")
    lifted = publications.lift(fresh, digest=digest)
    voided = decisions.void_all_of(Approval.Kind.MIGRATION, migration.pk, "objections were lifted")
    trail.record(
        "lift_objections", str(migration), actor=actor, now=now, difference=str(fresh), after=lifted, voided=voided
    )
