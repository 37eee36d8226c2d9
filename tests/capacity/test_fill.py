"""What was said of how full a node would be stands beside what happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.replay import replay
from migrations_app.capacity import accuracy, fill
from migrations_app.capacity.resources import BY_NAME
from migrations_app.models import FillForecast, Node, Standing
from tests.fakes.clock import START


def test_a_replayed_past_has_forecasts_that_came_to_pass(history: Node) -> None:
    replay([history], until=START, days=20)
    settled = FillForecast.objects.filter(node=history, happened__isnull=False, resource="memory")
    assert settled.count() >= 7
    assert sum(row.amount_low <= (row.happened or 0) <= row.amount_high for row in settled) >= settled.count() / 2


def test_it_says_so_once_a_day(history: Node) -> None:
    FillForecast.objects.all().delete()
    row = Standing.objects.get(node=history)
    for hours in (0, 3, 8):
        fill.foretell(row, START + timedelta(hours=hours))
    assert FillForecast.objects.filter(resource="disk").count() == 1
    said = FillForecast.objects.get(resource="disk")
    assert said.for_day == (START + timedelta(days=7)).date()
    assert said.amount_low <= said.amount <= said.amount_high
    assert said.amount == pytest.approx(20_480, rel=0.25)


def test_the_page_of_scores_counts_what_held(history: Node) -> None:
    FillForecast.objects.all().delete()
    for number, happened in enumerate((95.0, 105.0, 300.0)):
        FillForecast.objects.create(
            node=history,
            resource="disk",
            made_on=START.date(),
            for_day=START.date() + timedelta(days=number),
            amount=100.0,
            amount_low=90.0,
            amount_high=110.0,
            happened=happened,
        )
    (score,) = accuracy.fill_scores()
    assert (score.title, score.count, score.within) == ("Disk", 3, 2)
    days = accuracy.fill_days(BY_NAME["disk"], START.date())
    assert [day.happened for day in days] == [95.0, 105.0, 300.0]
