"""Say that services which are not what they were before the move are in order as they are."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import recorder, services, states
from migrations_app.models import Migration


class NothingToAccept(Exception):
    """The migration does not wait for a word about its services."""


@transaction.atomic
def accept_services(*, migration: Migration, actor: User, now: datetime) -> None:
    """Go on; what was accepted is accepted by name and kind of contrast, and anything else stops it once more.

    :raises NothingToAccept: see there.
    """
    migration.refresh_from_db()
    stuck = states.unfinished(migration)
    if migration.state != Migration.State.PARKED or migration.failure != "ServicesDiffer" or stuck is None:
        raise NothingToAccept(f"{migration} does not wait for a word about its services.")
    contrasts = [one for row in services.of(migration.pk) for one in services.unaccepted(row)]
    for row in services.of(migration.pk):
        services.accept(row)
    recorder.start_anew(stuck)
    try:
        states.unpark(migration, now=now)
    except states.ChangedMeanwhile as cause:
        raise NothingToAccept(f"Somebody else was faster: {migration} waits no longer.") from cause
    trail.record("accept_services", str(migration), actor=actor, now=now, contrasts=contrasts)
