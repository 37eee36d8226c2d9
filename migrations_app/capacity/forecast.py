"""Where use is going, and how sure that is: a slope that a few odd days cannot bend, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

FEWEST_DAYS = 5
# 90 % of the slopes of all pairs lie between the two that this many standard deviations leave out (Sen's interval).
_STANDARD_DEVIATIONS = 1.645
FARTHEST_DAYS = 730.0
Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class DaysUntil:
    """Days until an amount is reached; None: not within two years, if ever."""

    days: float | None
    earliest: float | None
    latest: float | None


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Amount now and change a day, each with the range it is in nine times out of ten."""

    now: float
    slope: float
    slope_low: float
    slope_high: float
    spread: float  # how far single days lie from the line, nine times out of ten
    known_days: int

    def at(self, days: float) -> tuple[float, float, float]:
        """Return the amount so many days from now, and its lowest and highest likely one."""
        low = self.now + self.slope_low * days - self.spread
        high = self.now + self.slope_high * days + self.spread
        return max(0.0, self.now + self.slope * days), max(0.0, low), max(0.0, high)

    def days_until(self, amount: float) -> DaysUntil:
        room = amount - self.now
        if room <= 0:
            return DaysUntil(days=0.0, earliest=0.0, latest=0.0)
        return DaysUntil(
            days=_days(room, self.slope),
            earliest=_days(max(0.0, room - self.spread), self.slope_high),
            latest=_days(room + self.spread, self.slope_low),
        )


def trend(days: Sequence[Pair]) -> Trend | None:
    """Return the Theil-Sen line through (day, amount) with day 0 as now; None where too few days are known."""
    if len(days) < FEWEST_DAYS:
        return None
    slopes = sorted(
        (later - earlier) / (there - here)
        for number, (here, earlier) in enumerate(days)
        for there, later in days[number + 1 :]
        if there != here
    )
    slope = median(slopes)
    now = median(amount - slope * day for day, amount in days)
    low, high = _interval(slopes, len(days))
    off = sorted(abs(amount - now - slope * day) for day, amount in days)
    spread = off[min(len(off) - 1, int(len(off) * 0.9))]
    return Trend(now=now, slope=slope, slope_low=low, slope_high=high, spread=spread, known_days=len(days))


def _interval(slopes: Sequence[float], count: int) -> Pair:
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    left_out = int((len(slopes) - _STANDARD_DEVIATIONS * deviation) / 2)
    left_out = max(0, min(left_out, (len(slopes) - 1) // 2))
    return slopes[left_out], slopes[len(slopes) - 1 - left_out]


def _days(room: float, slope: float) -> float | None:
    days = room / slope if slope > 0 else FARTHEST_DAYS + 1
    return round(days, 1) if days <= FARTHEST_DAYS else None
