"""A return trip takes over what its first move still passes on, and gives it back if it does not come about."""

from __future__ import annotations

from datetime import datetime

from migrations_app.execution import forwards, recorder, states
from migrations_app.execution.lease import next_token
from migrations_app.models import Migration

# What a move waits in when its container has long settled, and nothing but the old addresses is left.
WAITS = frozenset({"verify_names", "stay_until_quiet"})


def may_be_handed_over(first: Migration) -> bool:
    """Return whether the move has settled on its target and only waits for callers of the old addresses."""
    run = states.unfinished(first)
    under_way = first.state in (Migration.State.RUNNING, Migration.State.PARKED)
    return under_way and first.point_of_no_return_at is not None and run is not None and run.name in WAITS


def end(first: Migration, *, now: datetime) -> None:
    """Make room for a return trip; a worker that is at the first move this moment writes nothing any more."""
    states.hand_over(first, token=first.lease_token + 1, now=now)


def take(first: Migration, back: Migration, *, now: datetime) -> None:
    forwards.hand_over(first, back)
    recorder.hand_over(first, back, now=now)
    states.tell(first, f"Handed over to its return trip m{back.pk}.", at=now)


def give_back(back: Migration, *, now: datetime) -> None:
    """Have the first move go on passing on; to be called where the return trip has just ended without success."""
    first = back.returns
    if first is None or not forwards.give_back(back):
        return
    recorder.take_up_again(first, back)
    states.take_up_again(first, token=next_token(first.ctid, now), now=now)
    states.tell(first, f"Its return trip m{back.pk} did not come about: this goes on.", at=now)
