"""From what the clock on the wall says to moments, also on the two days on which it is put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first moment at which the clock on the wall says this, or is put forward over it."""
    wall = datetime.combine(day, at)
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    return _put_forward(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first, zone)


def _put_forward(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between these two at which the zone's offset changes, to the second."""
    former = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + ((after - before) // 2).total_seconds() // 1 * SECOND
        if middle.astimezone(zone).utcoffset() == former:
            before = middle
        else:
            after = middle
    return after
