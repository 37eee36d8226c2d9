"""Ask every authoritative server once more whether it says what was published."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.models import Publication
from migrations_app.zones import publications


@transaction.atomic
def verify_names(*, publication: Publication, actor: User, now: datetime) -> None:
    """Have the worker look within seconds; until all servers are right the difference is not verified."""
    publications.look_again(publication, now=now)
    trail.record("verify_names", str(publication), actor=actor, now=now)
