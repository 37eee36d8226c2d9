"""When the fleet's recurring work is due: on fixed beats, so that samples fall evenly into their slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migrations_app.models import Round

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
ROLL_UP_SECONDS, THIN_SECONDS = 900, 6 * 3600
# The beat's own lag: a sample on the very edge of a slot would fall now into this one, now into that.
LAG_SECONDS = {Round.Name.SAMPLE: 20, Round.Name.ROLL_UP: 200, Round.Name.THIN: 1800}


def begin(now: datetime) -> None:
    """Make the rows that a new database has not; all of them are due at once."""
    for name in Round.Name.values:
        Round.objects.get_or_create(name=name, defaults={"next_at": now})


def set_next(round_id: int, now: datetime, *, sample_seconds: int) -> Round:
    """Move a round on to its next beat, and return it."""
    row = Round.objects.get(pk=round_id)
    every = {Round.Name.SAMPLE: sample_seconds, Round.Name.ROLL_UP: ROLL_UP_SECONDS, Round.Name.THIN: THIN_SECONDS}
    name = Round.Name(row.name)
    row.next_at = next_beat(now, every_seconds=every[name], lag_seconds=LAG_SECONDS[name])
    row.save(update_fields=["next_at"])
    return row


def next_beat(now: datetime, *, every_seconds: int, lag_seconds: int = 0) -> datetime:
    lag = min(lag_seconds, every_seconds // 4)
    passed = int((now - EPOCH).total_seconds() - lag) // every_seconds
    return EPOCH + timedelta(seconds=(passed + 1) * every_seconds + lag)
