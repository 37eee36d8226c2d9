"""Choose which lines inside a container are changed when it gets its new address."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.approvals import decisions
from migrations_app.audit import trail
from migrations_app.execution import mentions
from migrations_app.models import Approval, Migration


class LinesNotChosen(Exception):
    """The choice stays as it was."""


@transaction.atomic
def choose_lines(*, migration: Migration, ids: Collection[int], actor: User, now: datetime) -> int:
    """Have exactly these lines changed, and return how many they are; another choice voids an open approval.

    :raises LinesNotChosen: the cutover has begun, the migration has ended, or a line is none of its own.
    """
    held = Migration.objects.select_for_update().get(pk=migration.pk)
    if held.is_frozen or held.point_of_no_return_at is not None or not held.is_active:
        raise LinesNotChosen(f"{held} is past the point at which its lines are changed, or has ended.")
    known = set(held.mentions.values_list("pk", flat=True))
    if strangers := set(ids) - known:
        raise LinesNotChosen(f"{len(strangers)} of the lines are no longer among those found; look again.")
    before = set(held.mentions.filter(wanted=True).values_list("pk", flat=True))
    if before == set(ids):
        return len(before)
    count = mentions.choose(held.pk, ids)
    voided = decisions.void_all_of(Approval.Kind.MIGRATION, held.pk, "other lines were chosen")
    told = {
        "before": f"{len(before)} lines",
        "after": [f"{one['file']}:{one['line']}" for one in mentions.chosen(held.pk)],
    }
    trail.record("choose_lines", str(held), actor=actor, now=now, voided=voided, **told)
    return count
