"""Give somebody the right to approve, or take it back."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Permission, User
from django.db import transaction

from migrations_app.audit import trail

RIGHTS = ("approve", "override_approval")


class RightRefused(Exception):
    """The right stays as it was."""


@transaction.atomic
def grant_right(*, user: User, right: str, given: bool, actor: User | None, now: datetime) -> None:
    """Counts from the next click on, both ways.

    :raises RightRefused: there is no such right, or the person is no staff and would never see what to approve.
    """
    if right not in RIGHTS:
        raise RightRefused(f"Choose one of {', '.join(RIGHTS)}.")
    if given and not user.is_staff:
        raise RightRefused(f"{user.get_username()} is not staff.")
    permission = Permission.objects.get(content_type__app_label="migrations_app", codename=right)
    before = user.user_permissions.filter(pk=permission.pk).exists()
    (user.user_permissions.add if given else user.user_permissions.remove)(permission)
    trail.record("grant_right", user.get_username(), actor=actor, now=now, right=right, before=before, after=given)
