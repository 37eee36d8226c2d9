"""Name a time in which nothing is to begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.batches import states
from migrations_app.models import Customer, FreezePeriod, Node

LONGEST = timedelta(days=366)
LONGEST_NAME = 120
Objections = list[tuple[str, str]]


class FreezePeriodRefused(Exception):
    """The freeze period was not written down; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def add_freeze_period(
    *,
    name: str,
    starts_at: datetime,
    ends_at: datetime,
    actor: User | None,
    now: datetime,
    node: Node | None = None,
    customer: Customer | None = None,
) -> FreezePeriod:
    """Of neither a node nor a customer it holds everywhere. What is under way goes on; what waits waits longer.

    :raises FreezePeriodRefused: all reasons at once, each with the field it belongs to.
    """
    objections = [*_of_name(name), *_of_times(starts_at, ends_at, now)]
    if node is not None and customer is not None:
        objections.append(("customer", "Choose a node or a customer, or make two freeze periods."))
    if objections:
        raise FreezePeriodRefused(objections)
    with transaction.atomic():
        period = FreezePeriod.objects.create(
            name=name.strip(),
            starts_at=starts_at,
            ends_at=ends_at,
            node=node,
            customer=customer,
            created_at=now,
            created_by=actor,
        )
        trail.record("add_freeze_period", period.name, actor=actor, now=now, begin=str(starts_at), end=str(ends_at))
    states.make_due(now)
    return period


def _of_name(name: str) -> Objections:
    if not name.strip():
        return [("name", "Say what it is for.")]
    return [("name", f"At most {LONGEST_NAME} characters.")] if len(name.strip()) > LONGEST_NAME else []


def _of_times(starts_at: datetime, ends_at: datetime, now: datetime) -> Objections:
    if ends_at <= starts_at:
        return [("ends_at", "It ends before it begins.")]
    if ends_at <= now:
        return [("ends_at", f"{ends_at:%Y-%m-%d %H:%M} UTC has passed.")]
    if ends_at - starts_at > LONGEST:
        return [("ends_at", "More than a year is too long.")]
    return []
