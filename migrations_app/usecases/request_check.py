"""Have one pair checked soon."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.compatibility import turns
from migrations_app.models import Node, PairCheck, Round


class CheckRefused(Exception):
    """This pair cannot be checked now; nothing was put in line."""


@transaction.atomic
def request_check(*, source: Node, target: Node, actor: User, now: datetime) -> PairCheck:
    """Put the pair first in line, and return its check; the one that waits or is under way where there is one.

    :raises CheckRefused: with the reason.
    """
    if source == target:
        raise CheckRefused(f"{source} is one node: choose two.")
    for node in (source, target):
        if not Node.objects.filter(turns.can_take_part(), pk=node.pk).exists():
            why = node.get_duty_display() if node.state == Node.State.READY else node.get_state_display()
            raise CheckRefused(f"{node} takes no part in checks now ({why.lower()}): it must be ready, and in service.")
    unended = PairCheck.objects.exclude(state=PairCheck.State.ENDED)
    wanted = {"requested_at": now, "asked_by": actor}
    check, is_new = unended.get_or_create(source=source, target=target, defaults=wanted)
    if not is_new:
        PairCheck.objects.filter(pk=check.pk, state=PairCheck.State.WAITING).update(**wanted)
    Round.objects.update_or_create(name=Round.Name.PAIRS, defaults={"next_at": now})
    trail.record("request_check", str(check), actor=actor, now=now)
    return check
