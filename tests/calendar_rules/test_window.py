"""Windows by the wall clock, right through the nights on which it is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.calendar_rules.wall_clock import moment_of
from migrations_app.calendar_rules.window import Span, Window

BERLIN = "Europe/Berlin"


def utc(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def window(opens: str, closes: str, *weekdays: int, zone: str = BERLIN) -> Window:
    days = frozenset(weekdays) or frozenset(range(7))
    return Window(opens_at=time.fromisoformat(opens), closes_at=time.fromisoformat(closes), weekdays=days, zone=zone)


def test_without_hours_and_days_it_is_always_open() -> None:
    always = Window()
    assert always.is_open(utc(2, 10))
    assert always.next_opening(utc(2, 10)) == utc(2, 10)
    assert always.closes(utc(2, 10)) is None
    assert always.longest is None


def test_it_is_open_from_its_first_moment_to_before_its_last() -> None:
    night = window("22:00", "23:00")
    assert not night.is_open(utc(2, 20, 59))
    assert night.is_open(utc(2, 21))
    assert night.is_open(utc(2, 21, 59))
    assert not night.is_open(utc(2, 22))
    assert night.next_opening(utc(2, 22)) == utc(3, 21)


def test_over_midnight_it_belongs_to_the_day_on_which_it_opens() -> None:
    monday_night = window("22:00", "04:00", 0)  # the 2nd is a Monday
    assert monday_night.is_open(utc(2, 23, 30))
    assert monday_night.is_open(utc(3, 2, 59))
    assert not monday_night.is_open(utc(3, 21, 30))
    assert monday_night.next_opening(utc(3, 3)) == utc(9, 21)
    assert monday_night.longest == timedelta(hours=6)


def test_days_without_hours_are_whole_and_touching_ones_are_one() -> None:
    weekend = Window(weekdays=frozenset({5, 6}), zone=BERLIN)
    assert weekend.span(utc(4, 12)) == Span(begins=utc(6, 23), ends=utc(8, 23))


def test_an_hour_that_is_skipped_is_the_moment_the_clock_jumps() -> None:
    assert moment_of(utc(29, 0).date(), time(2, 30), ZoneInfo(BERLIN)) == utc(29, 1)
    assert window("02:30", "04:00").span(utc(28, 12)) == Span(begins=utc(29, 1), ends=utc(29, 2))
    assert window("01:00", "02:30").span(utc(28, 12)) == Span(begins=utc(29, 0), ends=utc(29, 1))


def test_a_window_within_the_skipped_hour_falls_out() -> None:
    assert window("02:10", "02:50").next_opening(utc(28, 12)) == utc(30, 0, 10)
    assert window("02:10", "02:50", 6).next_opening(utc(28, 12)) == utc(5, 0, 10, month=4)


def test_an_hour_that_comes_twice_is_its_first() -> None:
    assert window("02:30", "04:00").span(utc(24, 12, month=10)) == Span(
        begins=utc(25, 0, 30, month=10), ends=utc(25, 3, month=10)
    )
    assert window("01:00", "02:30").closes(utc(24, 23, 30, month=10)) == utc(25, 0, 30, month=10)
    assert not window("01:00", "02:30").is_open(utc(25, 1, 15, month=10))


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Kolkata", 16), ("America/New_York", 3), ("Pacific/Auckland", 9)])
def test_it_opens_by_the_clock_of_its_own_zone(zone: str, hour: int) -> None:
    opening = window("22:00", "23:00", zone=zone).next_opening(utc(2, 0))
    assert opening.hour == hour
    assert opening.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "22:00"


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


@given(
    opens=st.integers(0, 95),
    length=st.integers(1, 95),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 366 * 24 * 60),
)
def test_whatever_the_window_its_next_opening_is_open_and_not_before(
    opens: int, length: int, days: frozenset[int], zone: str, minutes: int
) -> None:
    closes = (opens + length) % 96
    found = Window(
        opens_at=time(opens // 4, opens % 4 * 15),
        closes_at=time(closes // 4, closes % 4 * 15),
        weekdays=days,
        zone=zone,
    )
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    opening = found.next_opening(now)
    assert opening >= now
    assert found.is_open(opening)
    ends = found.closes(now)
    assert ends is not None
    assert opening < ends <= opening + timedelta(days=8)
    assert found.is_open(ends - timedelta(seconds=1))
    if opening > now:
        assert not found.is_open(opening - timedelta(seconds=1))
        assert not found.is_open(now)
