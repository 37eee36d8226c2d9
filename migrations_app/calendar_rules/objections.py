"""What is wrong with a window that somebody typed: all of it at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migrations_app.calendar_rules.window import EVERY_DAY, Window, as_weekdays

Objections = list[tuple[str, str]]
SHORTEST_WINDOW: Final = timedelta(minutes=15)
LONGEST_AHEAD: Final = timedelta(days=366)


def of_window(
    *,
    weekdays: Collection[int],
    opens_at: time | None,
    closes_at: time | None,
    time_zone: str,
    not_before: datetime | None,
    deadline: datetime | None,
    now: datetime,
) -> Objections:
    """Return pairs of field name and reason."""
    found = [*_of_zone(time_zone), *_of_weekdays(weekdays), *_of_hours(opens_at, closes_at)]
    found += _of_dates(not_before, deadline, now)
    if found:
        return found
    window = Window(weekdays=as_weekdays(weekdays), opens_at=opens_at, closes_at=closes_at, zone=time_zone)
    opening = window.next_opening(max(now, not_before or now))
    if deadline is not None and opening >= deadline:
        return [
            ("deadline", f"The window does not open before {opening:%Y-%m-%d %H:%M} UTC, which is after the deadline.")
        ]
    return []


def _of_zone(name: str) -> Objections:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return [("time_zone", f"There is no time zone {name[:64]!r}; write it like Europe/Berlin.")]
    return []


def _of_weekdays(weekdays: Collection[int]) -> Objections:
    strange = [day for day in weekdays if isinstance(day, bool) or day not in EVERY_DAY]
    return [("weekdays", "Days of the week are 0 (Monday) to 6 (Sunday).")] if strange else []


def _of_hours(opens_at: time | None, closes_at: time | None) -> Objections:
    if opens_at is None and closes_at is None:
        return []
    if opens_at is None:
        return [("opens_at", "Say when the window opens too, or leave both hours empty for any time.")]
    if closes_at is None:
        return [("closes_at", "Say when the window closes too, or leave both hours empty for any time.")]
    if opens_at == closes_at:
        return [("closes_at", "The window ends when it begins: leave both hours empty for the whole day.")]
    length = Window(opens_at=opens_at, closes_at=closes_at).longest
    if length is not None and length < SHORTEST_WINDOW:
        return [("closes_at", "The window must be at least fifteen minutes long.")]
    return []


def _of_dates(not_before: datetime | None, deadline: datetime | None, now: datetime) -> Objections:
    found = [
        (field, "More than a year ahead is too far.")
        for field, at in (("not_before", not_before), ("deadline", deadline))
        if at is not None and at > now + LONGEST_AHEAD
    ]
    if deadline is not None and deadline <= now:
        found.append(("deadline", f"{deadline:%Y-%m-%d %H:%M} UTC has passed."))
    elif deadline is not None and not_before is not None and deadline <= not_before:
        found.append(("deadline", "The deadline is before the earliest beginning."))
    return found
