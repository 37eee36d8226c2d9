"""Bring a moved container back to the node it came from, with all that was written since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import handover, mentions
from migrations_app.models import Migration
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration

State = Migration.State


class NotBroughtBack(Exception):
    """The container cannot come back the way it went; the message holds all reasons."""


def offered_for(first: Migration) -> bool:
    """Return whether asking makes sense: the move has come to where it can be taken back, and is the newest."""
    return first.point_of_no_return_at is not None and not objections(first)


@transaction.atomic
def bring_back(*, migration: Migration, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> Migration:
    """Order the return trip: from where the container lives to where it came from, to its old addresses and name.

    A move that still passes old addresses on ends here; the return trip looks after them, and gives them back if it
    does not come about.

    :raises NotBroughtBack: see there.
    """
    first = Migration.objects.select_for_update().get(pk=migration.pk)
    if reasons := objections(first):
        raise NotBroughtBack(" ".join(reasons))
    still_waits = first.state != State.DONE
    if still_waits:
        handover.end(first, now=now)
    back = _order(first, actor=actor, now=now, settings=settings)
    if still_waits:
        handover.take(first, back, now=now)
    mentions.turn_round(first.pk, back.pk)
    trail.record("bring_back", str(first), actor=actor, now=now, by=str(back))
    return back


def objections(first: Migration) -> list[str]:
    """Return why this migration cannot be taken back, each reason with a way out."""
    return [*_of_state(first), *_of_old_copy(first), *_of_container(first)]


def _of_state(first: Migration) -> list[str]:
    if first.state == State.DONE or handover.may_be_handed_over(first):
        return []
    now = first.get_state_display().lower()
    if first.point_of_no_return_at is None:
        return [f"{first} is {now} and has not moved the container: cancel it, or roll it back, instead."]
    return [f"{first} is {now} and has not settled on {first.target} yet: let it get on, or answer it, first."]


def _of_old_copy(first: Migration) -> list[str]:
    if first.retired_at is None:
        return []
    gone = f"The copy on {first.source} was given up at {first.retired_at:%Y-%m-%d %H:%M} UTC"
    return [f"{gone}, so there is nothing to go back to: schedule an ordinary move to {first.source}."]


def _of_container(first: Migration) -> list[str]:
    """Only the newest move can be taken back, and only what it gave."""
    container = first.container
    moves = container.migrations.filter(point_of_no_return_at__isnull=False)
    newest = moves.order_by("-point_of_no_return_at", "-pk").first()
    if newest is not None and newest.pk != first.pk:
        return [f"{container} has moved on since, with {newest}: bring that one back first."]
    if container.node_id != first.target_id:
        return [f"{container} is on {container.node}, not on {first.target} any more: schedule a move from there."]
    known = {*first.new_addresses, *first.old_addresses} if first.changes_address else set(container.addresses)
    if strange := sorted(set(container.addresses) - known):
        return [f"{container} has {', '.join(strange)} now, which {first} did not give it: schedule a move by hand."]
    return []


def _order(first: Migration, *, actor: User | None, now: datetime, settings: Mapping[str, Any]) -> Migration:
    try:
        return schedule_migration(
            container=first.container,
            target=first.source,
            method=first.requested_method,
            actor=actor,
            now=now,
            settings=settings,
            bandwidth_limit_kib=first.bandwidth_limit_kib,
            freeze_budget_seconds=first.freeze_budget_seconds,
            fall_back_to_dump=first.fall_back_to_dump,
            full_backup=first.full_backup,
            rehearse=first.rehearse,
            new_addresses=first.old_addresses,
            new_hostname=first.old_hostname,
            returns=first,
        )
    except ScheduleRefused as refusal:
        raise NotBroughtBack(str(refusal)) from refusal
