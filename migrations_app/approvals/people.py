"""Who may say yes: asked of the database anew each time, never of what a request brought along."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import User

APPROVE = "migrations_app.approve"
OVERRIDE = "migrations_app.override_approval"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, kw_only=True)
class Person:
    id: int
    name: str
    mailbox: str  # empty: not known
    may_approve: bool
    may_override: bool


def find(user_id: int) -> Person:
    user = User.objects.get(pk=user_id)
    return Person(
        id=user.pk,
        name=user.get_username(),
        mailbox=mailbox(user.email),
        may_approve=user.is_staff and user.has_perm(APPROVE),
        may_override=user.is_staff and user.has_perm(OVERRIDE),
    )


def mailbox(email: str) -> str:
    """Return the address as one person's: spelt in small letters, and without what stands behind a plus."""
    local, _, domain = email.strip().casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if local else ""


def mailboxes(user_ids: Iterable[int]) -> frozenset[str]:
    emails = User.objects.filter(pk__in=list(user_ids)).values_list("email", flat=True)
    return frozenset(mailbox(email) for email in emails) - {""}


def addresses_of_approvers(*, but: Iterable[int]) -> list[str]:
    """Return where those read mail who may approve and had no part in the planning."""
    users = User.objects.with_perm(APPROVE, backend=BACKEND).filter(is_staff=True).exclude(pk__in=list(but))
    return [user.email for user in users.order_by("username") if user.email]
