"""A window: the hours of the week in which work may begin, by the clock on somebody's wall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from migrations_app.calendar_rules.wall_clock import moment_of

DAY: Final = timedelta(days=1)
MIDNIGHT: Final = time(0)
EVERY_DAY: Final = frozenset(range(7))
# A window on one day of the week may fall out where the clock is put forward over it, and no oftener.
_DAYS_LOOKED_AT: Final = 16


def as_weekdays(weekdays: Iterable[int]) -> frozenset[int]:
    """Return the days on which a window opens; none chosen: every day."""
    return frozenset(weekdays) or EVERY_DAY


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time; ``ends`` None: it does not end."""

    begins: datetime
    ends: datetime | None

    def left(self, at: datetime) -> timedelta:
        return timedelta.max if self.ends is None else self.ends - max(self.begins, at)


@dataclass(frozen=True, kw_only=True)
class Window:
    """``weekdays``: those on which it opens, Monday is 0; without hours it is open all day long."""

    weekdays: frozenset[int] = EVERY_DAY
    opens_at: time | None = None
    closes_at: time | None = None
    zone: str = "UTC"

    @property
    def is_always_open(self) -> bool:
        return self.opens_at is None and self.weekdays == EVERY_DAY

    @property
    def longest(self) -> timedelta | None:
        """How long it is open at a stretch on an ordinary day; None: always."""
        if self.is_always_open:
            return None
        if self.opens_at is None or self.closes_at is None:
            return DAY
        return (_since_midnight(self.closes_at) - _since_midnight(self.opens_at)) % DAY or DAY

    def is_open(self, now: datetime) -> bool:
        return self.span(now).begins <= now

    def closes(self, now: datetime) -> datetime | None:
        """Return when it closes after it was or will be open next; None: never."""
        return self.span(now).ends

    def next_opening(self, now: datetime) -> datetime:
        """Return when work may begin: now, while it is open."""
        return max(now, self.span(now).begins)

    def span(self, now: datetime) -> Span:
        """Return the stretch in which it is open now, or else the next one."""
        if self.is_always_open:
            return Span(begins=now, ends=None)
        ahead = self._spans_from(now)
        found = next(ahead)
        for later in ahead:  # days that touch are one stretch
            if found.ends is None or later.begins > found.ends:
                break
            found = Span(begins=found.begins, ends=later.ends)
        return found

    def _spans_from(self, now: datetime) -> Iterator[Span]:
        zone = ZoneInfo(self.zone)
        first = now.astimezone(zone).date() - DAY
        for number in range(_DAYS_LOOKED_AT):
            day = first + number * DAY
            if day.weekday() in self.weekdays:
                begins = moment_of(day, self.opens_at or MIDNIGHT, zone)
                ends = moment_of(day + DAY if self._ends_next_day else day, self.closes_at or MIDNIGHT, zone)
                if ends > max(begins, now):
                    yield Span(begins=begins, ends=ends)

    @property
    def _ends_next_day(self) -> bool:
        return (self.closes_at or MIDNIGHT) <= (self.opens_at or MIDNIGHT)


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
