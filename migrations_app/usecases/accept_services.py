"""Say that services which are not what they were before the move, or are silent since, are in order as they are."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import recorder, services, states
from migrations_app.models import Migration

FAILURES = ("ServicesDiffer", "ServicesDoNotAnswer")


class NothingToAccept(Exception):
    """The migration does not wait for a word about its services."""


def offered_for(migration: Migration) -> bool:
    """Return whether it waits for a word about what was seen from outside.

    Ports that did not open in the copy have the same name, and are nothing to accept: that copy has been stopped.
    """
    if migration.state != Migration.State.PARKED or migration.failure not in FAILURES:
        return False
    stuck = states.unfinished(migration)
    return migration.point_of_no_return_at is not None and stuck is not None and stuck.name == "probe_outside"


@transaction.atomic
def accept_services(*, migration: Migration, actor: User, now: datetime) -> None:
    """Go on; it is accepted as it was seen, at its place and by its name, and anything else stops it once more.

    :raises NothingToAccept: see there.
    """
    migration.refresh_from_db()
    stuck = states.unfinished(migration)
    if stuck is None or not offered_for(migration):
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
