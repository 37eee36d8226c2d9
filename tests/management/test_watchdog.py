"""The watchdog: it replaces a queue that stands still, and has patience with one that is slow to load."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django_q.models import Task

from migrations_app.management.watchdog import FIRST_SONG_SECONDS, LONGEST_FIRST_SONG_SECONDS, Watchdog
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


def served(at: datetime) -> None:
    Task.objects.create(id=f"{at:%H%M%S%f}", name="canary", func="canary", started=at, stopped=at, success=True)


def test_it_is_calm_while_tasks_are_served() -> None:
    served(START)
    assert not Watchdog().looks_dead(START + timedelta(seconds=10), cluster_age_seconds=500)


def test_it_notices_silence() -> None:
    served(START)
    assert Watchdog().looks_dead(START + timedelta(seconds=16), cluster_age_seconds=500)


def test_it_lets_a_young_cluster_load() -> None:
    assert not Watchdog().looks_dead(START, cluster_age_seconds=FIRST_SONG_SECONDS - 1)


def test_each_cluster_that_never_served_is_given_twice_as_long() -> None:
    watchdog, patience = Watchdog(), []
    for age in range(1, 1000):
        if watchdog.looks_dead(START, cluster_age_seconds=age):
            patience.append(age)
    assert patience[:4] == [25, 50, 100, 200]
    assert watchdog.first_song_seconds == LONGEST_FIRST_SONG_SECONDS


def test_one_that_served_takes_the_patience_back() -> None:
    watchdog = Watchdog()
    assert watchdog.looks_dead(START, cluster_age_seconds=30)
    served(START)
    assert not watchdog.looks_dead(START + timedelta(seconds=1), cluster_age_seconds=30)
    assert watchdog.first_song_seconds == FIRST_SONG_SECONDS
