"""Keep what a person made of an alternative, as one of its own beside the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.capacity import answers, by_hand, picture
from migrations_app.capacity.by_hand import Plan
from migrations_app.models import Alternative, Proposal


class EditRefused(Exception):
    """Nothing was kept; ``objections`` are sentences by the key of the container, 0 for the whole."""

    def __init__(self, objections: Mapping[int, list[str]]) -> None:
        super().__init__(" ".join(sentence for told in objections.values() for sentence in told))
        self.objections = objections


def edit_alternative(
    *,
    proposal: Proposal,
    plan: Plan,
    actor: User,
    now: datetime,
    clock: Callable[[], float],
    settings: Mapping[str, Any],
) -> Alternative:
    """Check the plan against the world as it is now, and keep it with a legal order and its forecasts.

    :param plan: the key of the node for each container that is to move.
    :raises EditRefused: everything that speaks against it, at once.
    """
    seen = picture.take(settings=settings, now=now, with_closed=True)
    checked = by_hand.check(seen, plan, clock=clock)
    if checked.found is None:
        raise EditRefused(checked.objections)
    body = answers.body_of(seen, by_hand.answer_of(seen, checked.found), now=now, settings=settings)
    pressures = answers.pressures(seen, checked.found.where)
    return _write(proposal, body, pressures, actor, now)


@transaction.atomic
def _write(
    proposal: Proposal, body: dict[str, Any], pressures: dict[str, Any], actor: User, now: datetime
) -> Alternative:
    if not Proposal.objects.select_for_update().filter(pk=proposal.pk, state=Proposal.State.OPEN).exists():
        raise EditRefused({0: ["The proposal has been decided already."]})
    alternative, _ = Alternative.objects.update_or_create(
        proposal=proposal,
        kind=Alternative.Kind.BY_HAND,
        defaults={"state": Alternative.State.READY, "made_at": now, "body": body, "pressures": pressures},
    )
    trail.record("edit_alternative", str(alternative), actor=actor, now=now, moves=len(body["moves"]))
    return alternative
