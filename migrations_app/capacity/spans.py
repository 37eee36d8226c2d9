"""The rows that hold a span of time: which one a moment falls into, and into which slot of it. All in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from migrations_app.models import Chunk

Grain = Chunk.Grain
FIVE_MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
WIDTH = {Grain.FIVE_MINUTES: FIVE_MINUTES, Grain.HOUR: HOUR, Grain.DAY: DAY}


@dataclass(frozen=True, order=True, kw_only=True)
class Span:
    """The time one row covers."""

    starts_on: date
    ends_on: date
    grain: Grain

    @property
    def starts_at(self) -> datetime:
        return midnight(self.starts_on)

    @property
    def slots(self) -> int:
        return (midnight(self.ends_on) - self.starts_at) // WIDTH[self.grain]

    def slot_of(self, at: datetime) -> int:
        return (at - self.starts_at) // WIDTH[self.grain]

    def time_of(self, slot: int) -> datetime:
        return self.starts_at + slot * WIDTH[self.grain]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def span_at(grain: Grain, day: date) -> Span:
    """Return the row of this grain that the day falls into."""
    match grain:
        case Grain.FIVE_MINUTES:
            begin, end = day, day + DAY
        case Grain.HOUR:
            begin = day.replace(day=1)
            end = (begin + timedelta(days=31)).replace(day=1)
        case _:
            begin, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return Span(starts_on=begin, ends_on=end, grain=grain)


def spans_between(grain: Grain, since: datetime, until: datetime) -> Iterator[Span]:
    """Return every row that holds some of the time, oldest first."""
    span = span_at(grain, since.astimezone(UTC).date())
    while span.starts_at < until:
        yield span
        span = span_at(grain, span.ends_on)


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
