"""Window, earliest moment and freeze periods together."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from migrations_app.calendar_rules import freezes
from migrations_app.calendar_rules.calendar import Calendar
from migrations_app.calendar_rules.freezes import Freeze
from migrations_app.calendar_rules.objections import of_window
from migrations_app.calendar_rules.window import Span, Window
from migrations_app.models import FreezePeriod
from tests.factories import make_customer, make_node
from tests.fakes.clock import START

HOUR = timedelta(hours=1)
NIGHT = Window(opens_at=time(22), closes_at=time(4))
OPENS = START.replace(hour=22)


def freeze(begins: datetime, hours: float, **scope: int) -> Freeze:
    return Freeze(name="sale", starts_at=begins, ends_at=begins + hours * HOUR, **scope)


def span(calendar: Calendar, *, node_ids: tuple[int, ...] = (1, 2), customer_id: int | None = 7) -> Span | None:
    return calendar.span(START, node_ids=node_ids, customer_id=customer_id)


def test_without_rules_it_is_now_and_for_ever() -> None:
    assert span(Calendar()) == Span(begins=START, ends=None)


def test_a_freeze_period_ends_a_window_early_and_opens_one_late() -> None:
    calendar = Calendar(window=NIGHT, freezes=(freeze(OPENS - HOUR, 2), freeze(OPENS + 4 * HOUR, 9)))
    assert span(calendar) == Span(begins=OPENS + HOUR, ends=OPENS + 4 * HOUR)


def test_periods_that_follow_each_other_are_waited_out() -> None:
    chain = tuple(freeze(START + number * HOUR, 1.5) for number in range(10))
    assert span(Calendar(freezes=chain)) == Span(begins=START + 10.5 * HOUR, ends=None)


@pytest.mark.parametrize(
    ("scope", "is_held"),
    [
        ({}, True),
        ({"node_id": 2}, True),
        ({"node_id": 3}, False),
        ({"customer_id": 7}, True),
        ({"customer_id": 8}, False),
    ],
)
def test_it_concerns_whom_it_names(scope: dict[str, int], is_held: bool) -> None:
    found = span(Calendar(freezes=(freeze(START, 2, **scope),)))
    assert found is not None
    assert (found.begins == START + 2 * HOUR) == is_held


def test_nothing_is_planned_beyond_a_year() -> None:
    assert span(Calendar(freezes=(freeze(START, 9_000),))) is None


@pytest.mark.parametrize(
    ("hours", "begins"),
    [(1, OPENS), (4, OPENS + 24 * HOUR), (4.8, OPENS + 24 * HOUR), (5.9, OPENS), (50, OPENS)],
)
def test_it_waits_for_a_window_it_fits_into(hours: float, begins: datetime) -> None:
    calendar = Calendar(window=NIGHT, freezes=(freeze(OPENS + 3 * HOUR, 1),))
    found = calendar.fitting(START, hours * 3600, node_ids=(1, 2), customer_id=None)
    assert found is not None
    assert found.begins == begins


@pytest.mark.django_db
def test_rows_become_values_and_what_is_over_is_left_out() -> None:
    node, shop = make_node(), make_customer()
    for scope in ({"node": node}, {"customer": shop}, {}):
        FreezePeriod.objects.create(name="x", starts_at=START, ends_at=START + HOUR, created_at=START, **scope)
    FreezePeriod.objects.create(name="old", starts_at=START - 2 * HOUR, ends_at=START, created_at=START)
    found = freezes.not_over(START)
    assert [(one.node_id, one.customer_id) for one in found] == [(node.pk, None), (None, shop.pk), (None, None)]


PLAIN: dict[str, Any] = {
    "weekdays": (),
    "opens_at": None,
    "closes_at": None,
    "time_zone": "UTC",
    "not_before": None,
    "deadline": None,
    "now": START,
}


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, []),
        ({"opens_at": time(22), "closes_at": time(4), "weekdays": (0, 6)}, []),
        ({"opens_at": time(22)}, ["closes_at"]),
        ({"closes_at": time(22)}, ["opens_at"]),
        ({"opens_at": time(22), "closes_at": time(22)}, ["closes_at"]),
        ({"opens_at": time(22), "closes_at": time(22, 10)}, ["closes_at"]),
        ({"time_zone": "Mars/Olympus"}, ["time_zone"]),
        ({"time_zone": "../../etc/passwd"}, ["time_zone"]),
        ({"time_zone": ""}, ["time_zone"]),
        ({"time_zone": "a\x00b"}, ["time_zone"]),
        ({"weekdays": (7,)}, ["weekdays"]),
        ({"weekdays": (True,)}, ["weekdays"]),
        ({"deadline": START}, ["deadline"]),
        ({"deadline": START + HOUR, "not_before": START + 2 * HOUR}, ["deadline"]),
        ({"not_before": START + timedelta(days=400)}, ["not_before"]),
        ({"deadline": START + 3 * HOUR, "opens_at": time(22), "closes_at": time(4)}, ["deadline"]),
        ({"deadline": START + 30 * HOUR, "weekdays": (5,)}, ["deadline"]),
        ({"time_zone": "no", "weekdays": (9,), "opens_at": time(1)}, ["time_zone", "weekdays", "closes_at"]),
    ],
)
def test_a_window_that_cannot_be_obeyed_is_refused_with_all_its_reasons(
    given: dict[str, Any], fields: list[str]
) -> None:
    assert [field for field, _ in of_window(**PLAIN | given)] == fields
