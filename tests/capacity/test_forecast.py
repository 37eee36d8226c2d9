"""A line that a few odd days cannot bend, and days until full with how sure that is."""

from __future__ import annotations

import random

import pytest

from migrations_app.capacity import forecast
from migrations_app.capacity.forecast import Trend


def days(slope: float, *, noise: float = 0.0, count: int = 60) -> list[tuple[float, float]]:
    chance = random.Random(1)
    return [(float(day), 1000 + slope * day + chance.gauss(0, noise)) for day in range(-count + 1, 1)]


def made(slope: float, **more: float) -> Trend:
    found = forecast.trend(days(slope, **more))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_straight_line_is_found() -> None:
    trend = made(10)
    assert (trend.now, trend.slope) == (pytest.approx(1000), pytest.approx(10))
    full = trend.days_until(2000)
    assert full.earliest <= full.days <= full.latest
    assert full.days == pytest.approx(100, rel=0.01)


def test_odd_days_do_not_bend_it() -> None:
    line = [(day, amount if day % 7 else 50_000.0) for day, amount in days(10, noise=5)]
    trend = forecast.trend(line)
    assert trend is not None
    assert trend.slope == pytest.approx(10, rel=0.1)


def test_what_does_not_grow_is_never_full() -> None:
    assert made(0).days_until(2000).days is None
    assert made(-10).days_until(2000).latest is None
    assert made(0.001).days_until(1_000_000).days is None


def test_noise_widens_the_range() -> None:
    quiet, loud = made(10, noise=1).days_until(2000), made(10, noise=400).days_until(2000)
    assert quiet.latest - quiet.earliest < 10
    assert loud.latest is None or loud.latest - loud.earliest > 50


def test_what_is_full_is_full_today() -> None:
    full = made(10).days_until(900)
    assert (full.days, full.earliest, full.latest) == (0, 0, 0)


def test_too_few_days_say_nothing() -> None:
    assert forecast.trend(days(10, count=4)) is None
    assert forecast.trend([]) is None


def test_the_range_holds_about_nine_times_out_of_ten() -> None:
    held = 0
    for seed in range(200):
        chance = random.Random(seed)
        line = [(float(day), 1000 + 5 * day + chance.gauss(0, 30)) for day in range(-29, 1)]
        trend = forecast.trend(line)
        assert trend is not None
        _, low, high = trend.at(7)
        held += low <= 1000 + 5 * 7 + chance.gauss(0, 30) <= high
    assert held / 200 > 0.88
