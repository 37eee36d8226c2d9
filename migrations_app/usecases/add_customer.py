"""Take somebody in who owns containers."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from migrations_app.audit import trail
from migrations_app.models import Customer


class CustomerRefused(Exception):
    """The customer was not added; ``field`` is what to change."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def add_customer(
    *, name: str, email: str, time_zone: str, username: str, actor: User | None, now: datetime
) -> Customer:
    """Add the customer; with a user name also a sign-in, without a password until one is set.

    :raises CustomerRefused: nothing was added.
    """
    customer = Customer(name=name.strip(), email=email.strip(), time_zone=time_zone)
    _check(customer)
    try:
        with transaction.atomic():
            if username:
                customer.user = User.objects.create_user(username, email=customer.email)
            customer.save(force_insert=True)
            trail.record("add_customer", customer.name, actor=actor, now=now, sign_in=username)
    except IntegrityError as taken:
        raise CustomerRefused("username", f"{username} is taken.") from taken
    return customer


def _check(customer: Customer) -> None:
    try:
        customer.clean_fields(exclude=["user"])
        ZoneInfo(customer.time_zone)
    except ValidationError as refusal:
        field, reasons = next(iter(refusal.message_dict.items()))
        raise CustomerRefused(field, reasons[0]) from refusal
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise CustomerRefused("time_zone", "give a zone by its name, such as Europe/Berlin.") from unknown
