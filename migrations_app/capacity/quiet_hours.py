"""When a container is least busy, by the hours of its owner's week, and the window that disturbs it least."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

from migrations_app.capacity.rollup import percentile
from migrations_app.capacity.series import Series

KNOWN_FOR = timedelta(days=35)
FEWEST_HOURS = 48
WINDOW_HOURS = 2
HOURS, DAYS = 24, 7
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TRAFFIC = ("rx_bps", "tx_bps")
_SIGNS = (*_TRAFFIC, "cpu_cores", "written_bps")
Place = tuple[int, int]  # weekday, Monday is 0, and hour, both by the owner's clock


@dataclass(frozen=True, kw_only=True)
class Window:
    """The quietest hours of the week, and when they come next."""

    weekday: int
    hour: int
    hours: int
    share_of_traffic: float | None  # of a week's, between 0 and 1
    starts_at: datetime
    ends_at: datetime

    @property
    def weekday_name(self) -> str:
        return WEEKDAYS[self.weekday]


@dataclass(frozen=True, kw_only=True)
class Week:
    """How busy each hour of the week is, 1 being an hour like any other; None: not known."""

    busy: Mapping[Place, float]
    traffic: Mapping[Place, float]
    known_hours: int

    def rows(self) -> list[list[float | None]]:
        return [[self.busy.get((day, hour)) for hour in range(HOURS)] for day in range(DAYS)]


def week_of(hourly: Series, zone: ZoneInfo) -> Week:
    """Sort the hours into the owner's week: an hour counts by what the clock on the wall said when it began."""
    busy: dict[Place, list[float]] = defaultdict(list)
    traffic: dict[Place, list[float]] = defaultdict(list)
    means = {sign: _mean(hourly.columns[sign]["mean"]) for sign in _SIGNS}
    known = 0
    for number, at in enumerate(hourly.times()):
        parts = [
            amount / means[sign]
            for sign in _SIGNS
            if means[sign] and isfinite(amount := hourly.columns[sign]["mean"][number])
        ]
        if parts:
            place = _place(at, zone)
            busy[place].append(sum(parts) / len(parts))
            known += 1
            if means["rx_bps"] or means["tx_bps"]:
                traffic[place].append(sum(_finite(hourly.columns[sign]["mean"][number]) for sign in _TRAFFIC))
    return Week(
        busy={place: percentile(found, 90) for place, found in busy.items()},
        traffic={place: sum(found) / len(found) for place, found in traffic.items()},
        known_hours=known,
    )


def quietest(week: Week, zone: ZoneInfo, now: datetime, *, hours: int = WINDOW_HOURS) -> Window | None:
    """Return the window in which the container is least busy; None until enough hours of the week are known."""
    if week.known_hours < FEWEST_HOURS:
        return None
    starts = [place for place in week.busy if all(one in week.busy for one in _following(place, hours))]
    if not starts:
        return None
    day, hour = min(starts, key=lambda place: (sum(week.busy[one] for one in _following(place, hours)), place))
    whole = sum(week.traffic.values())
    part = sum(week.traffic.get(one, 0.0) for one in _following((day, hour), hours))
    starts_at = next_at(now, zone, weekday=day, hour=hour)
    return Window(
        weekday=day,
        hour=hour,
        hours=hours,
        share_of_traffic=part / whole if whole else None,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
    )


def next_at(now: datetime, zone: ZoneInfo, *, weekday: int, hour: int) -> datetime:
    """Return the next moment at which the clock on the wall says this.

    Where the clock is put forward over it, the moment it is put forward; where it says so twice, the first time.
    """
    today = now.astimezone(zone).date()
    ahead = (weekday - today.weekday()) % DAYS
    at, in_a_week = (_on_the_wall(today + timedelta(days=days), hour, zone) for days in (ahead, ahead + DAYS))
    return at if at >= now else in_a_week


def _on_the_wall(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)


def places_of(window: Window) -> list[Place]:
    return _following((window.weekday, window.hour), window.hours)


def _following(place: Place, hours: int) -> list[Place]:
    first = place[0] * HOURS + place[1]
    return [divmod((first + number) % (DAYS * HOURS), HOURS) for number in range(hours)]


def _place(at: datetime, zone: ZoneInfo) -> Place:
    local = at.astimezone(zone)
    return local.weekday(), local.hour


def _mean(numbers: Sequence[float]) -> float:
    known = [number for number in numbers if isfinite(number)]
    return sum(known) / len(known) if known else 0.0


def _finite(number: float) -> float:
    return number if isfinite(number) else 0.0
