"""The owner's week by the owner's clock, right through both changes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from migrations_app.capacity import quiet_hours
from migrations_app.capacity.series import Series

BERLIN = ZoneInfo("Europe/Berlin")
NAN = float("nan")


def hourly(since: datetime, hours: int, *, quiet: tuple[int, ...], zone: ZoneInfo = BERLIN) -> Series:
    """Busy at all hours but some of the wall's clock."""
    local = [(since + timedelta(hours=number)).astimezone(zone).hour for number in range(hours)]
    busy = [1.0 if hour in quiet else 100.0 for hour in local]
    columns = {name: {"mean": busy} for name in ("rx_bps", "tx_bps", "cpu_cores", "written_bps")}
    return Series(since=since, step=timedelta(hours=1), columns=columns)


@pytest.mark.parametrize("since", [datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC)])
def test_the_quiet_hour_stays_where_the_clock_says_through_a_change(since: datetime) -> None:
    week = quiet_hours.week_of(hourly(since, 35 * 24, quiet=(3, 4)), BERLIN)
    busiest = max(week.busy.values())
    assert all((week.busy[day, hour] < busiest / 10) == (hour in (3, 4)) for day in range(7) for hour in range(24))
    window = quiet_hours.quietest(week, BERLIN, datetime(2026, 6, 1, tzinfo=UTC))
    assert window is not None
    assert window.hour == 3
    assert window.starts_at.astimezone(BERLIN).hour == 3
    assert window.share_of_traffic == pytest.approx(4 / (22 * 7 * 200 + 28), rel=0.01)


@pytest.mark.parametrize(
    ("now", "hour", "expected"),
    [
        # Sunday 29 March 2026, 02:00 to 03:00 does not exist: the moment the clock is put forward.
        (datetime(2026, 3, 27, tzinfo=UTC), 2, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (datetime(2026, 3, 27, tzinfo=UTC), 3, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # Sunday 25 October 2026 has two hours called 02:00: the first.
        (datetime(2026, 10, 23, tzinfo=UTC), 2, datetime(2026, 10, 25, 0, tzinfo=UTC)),
        (datetime(2026, 10, 23, tzinfo=UTC), 3, datetime(2026, 10, 25, 2, tzinfo=UTC)),
        # It has just begun: the next one is in a week, in the other half of the year.
        (datetime(2026, 10, 18, 1, 0, 1, tzinfo=UTC), 3, datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_the_next_window_is_right_through_a_change_of_the_clock(now: datetime, hour: int, expected: datetime) -> None:
    assert quiet_hours.next_at(now, BERLIN, weekday=6, hour=hour) == expected


def test_a_window_may_reach_over_the_end_of_the_week() -> None:
    since = datetime(2026, 6, 1, tzinfo=UTC)
    week = quiet_hours.week_of(hourly(since, 28 * 24, quiet=(23, 0), zone=ZoneInfo("UTC")), ZoneInfo("UTC"))
    for day in range(6):
        week.busy[day, 23] = 5.0  # type: ignore[index]
    window = quiet_hours.quietest(week, ZoneInfo("UTC"), since)
    assert window is not None
    assert quiet_hours.places_of(window) == [(6, 23), (0, 0)]
    assert window.ends_at - window.starts_at == timedelta(hours=2)


def test_two_days_must_be_known_first() -> None:
    since = datetime(2026, 6, 1, tzinfo=UTC)
    week = quiet_hours.week_of(hourly(since, 40, quiet=(3,)), BERLIN)
    assert quiet_hours.quietest(week, BERLIN, since) is None


def test_gaps_are_no_quiet_hours() -> None:
    since = datetime(2026, 6, 1, tzinfo=UTC)
    series = hourly(since, 28 * 24, quiet=(3, 4))
    for column in series.columns.values():
        column["mean"][5::24] = [NAN] * len(column["mean"][5::24])  # type: ignore[index]
    week = quiet_hours.week_of(series, ZoneInfo("UTC"))
    assert (0, 5) not in week.busy
    window = quiet_hours.quietest(week, ZoneInfo("UTC"), since)
    assert window is not None
    assert 5 not in {hour for _, hour in quiet_hours.places_of(window)}
