"""A graph's numbers: the right grain, whole up to now, and few queries however long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import pytest

from migrations_app.capacity import series
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.series import Recent, Series
from migrations_app.capacity.spans import Grain
from migrations_app.models import Chunk, Container, Node, Standing
from tests.fakes.clock import START

NOW = START + timedelta(minutes=12)


def read(node: Node, subject: Subject, length: timedelta) -> Series:
    until = Standing.objects.get(node=node).rolled_up_until
    recent = Recent(node_id=node.pk, rolled_up_until=until, longest_seconds=900)
    return series.read(subject, NOW - length, NOW, recent=recent)


@pytest.mark.parametrize(
    ("length", "step"),
    [
        (timedelta(days=1), timedelta(minutes=5)),
        (timedelta(days=7), timedelta(hours=1)),
        (timedelta(days=31), timedelta(hours=1)),
        (timedelta(days=396), timedelta(days=1)),
    ],
)
def test_it_reaches_from_then_to_now(history: Node, shop: Container, length: timedelta, step: timedelta) -> None:
    for subject in (Subject(Kind.NODE, history.pk), Subject(Kind.CONTAINER, shop.pk)):
        found = read(history, subject, length)
        assert found.step == step
        assert found.since <= NOW - length < found.since + step
        assert found.times()[-1] <= NOW < found.times()[-1] + 2 * step
        known = [number for number in found.columns["memory_mib"]["mean"] if isfinite(number)]
        assert len(known) >= min(length, timedelta(days=9)) // step


@pytest.mark.parametrize("days", [1, 31, 396])
def test_it_takes_three_queries_at_most(
    history: Node, shop: Container, days: int, django_assert_max_num_queries: Any
) -> None:
    recent = Recent(node_id=history.pk, rolled_up_until=START, longest_seconds=900)
    with django_assert_max_num_queries(3):
        series.read(Subject(Kind.CONTAINER, shop.pk), NOW - timedelta(days=days), NOW, recent=recent)


def test_samples_not_yet_rolled_up_are_there(history: Node) -> None:
    found = read(history, Subject(Kind.NODE, history.pk), timedelta(hours=3))
    slot = next(number for number, at in enumerate(found.times()) if at == START + timedelta(minutes=5))
    assert found.columns["rx_bps"]["mean"][slot] == pytest.approx(1e6, rel=0.01)


def test_today_is_there_before_it_is_over(history: Node) -> None:
    found = read(history, Subject(Kind.NODE, history.pk), timedelta(days=200))
    assert isfinite(found.columns["memory_mib"]["mean"][-1])


def test_hours_whose_fine_slots_are_gone_stay(history: Node) -> None:
    before = read(history, Subject(Kind.NODE, history.pk), timedelta(days=7))
    Chunk.objects.filter(grain=Grain.FIVE_MINUTES).delete()
    after = read(history, Subject(Kind.NODE, history.pk), timedelta(days=7))
    today = (NOW - NOW.replace(hour=0, minute=0)) // timedelta(hours=1) + 1
    assert after.columns["cpu_cores"]["mean"][:-today] == before.columns["cpu_cores"]["mean"][:-today]


def test_a_damaged_row_is_a_gap(history: Node) -> None:
    Chunk.objects.update(body=b"\0\1x")
    assert not any(
        isfinite(one)
        for one in read(history, Subject(Kind.NODE, history.pk), timedelta(days=31)).columns["memory_mib"]["mean"][:-2]
    )


def test_thinning_keeps_extremes_and_gaps() -> None:
    nan = float("nan")
    column = {"min": [1.0, 2.0, nan, nan], "mean": [2.0, 4.0, nan, nan], "max": [3.0, 9.0, nan, nan]}
    found = Series(
        since=datetime(2026, 1, 1, tzinfo=UTC),
        step=timedelta(hours=1),
        columns={"cpu_cores": column | {"p95": [2.5, 8.0, nan, nan]}},
    )
    thin = found.thinned(2)
    assert thin.step == timedelta(hours=2)
    assert [thin.columns["cpu_cores"][name][0] for name in ("min", "mean", "max", "p95")] == [1.0, 3.0, 9.0, 8.0]
    assert not isfinite(thin.columns["cpu_cores"]["mean"][1])
