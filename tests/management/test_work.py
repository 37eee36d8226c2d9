"""The worker command: what it asks of the machine, and what it does while the database is away."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace

import pytest
from django.db import OperationalError

from migrations_app.execution.lookout import Lookout
from migrations_app.management.cluster import ClusterGroup
from migrations_app.management.commands import work
from migrations_app.management.watchdog import Watchdog
from tests.fakes.knocker import FakeKnocker


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    kept = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield kept
    resource.setrlimit(resource.RLIMIT_NOFILE, kept)


def test_it_lets_itself_open_as_many_files_as_it_may_and_wants(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    work._allow_many_files()
    wanted = work.FILES_WANTED if hard == resource.RLIM_INFINITY else min(work.FILES_WANTED, hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard)


def test_it_takes_nothing_away_where_more_is_allowed(limits: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "FILES_WANTED", 64)
    work._allow_many_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits


def test_nobody_knocks_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is heard then cannot be kept, and another worker may be watching."""
    knocker = FakeKnocker()
    knocker.aim({("192.0.2.101", 80): 0.25})
    away = iter([OperationalError("the server closed the connection"), KeyboardInterrupt()])

    def ring(now: datetime) -> None:
        raise next(away)

    monkeypatch.setattr(work, "GUARD_EVERY_SECONDS", float("inf"))
    monkeypatch.setattr(work, "DATABASE_AWAY_SECONDS", 0.0)
    monkeypatch.setattr(work, "ring_for_everything_due", ring)
    monkeypatch.setattr(work, "connection", SimpleNamespace(close=lambda: None))
    with pytest.raises(KeyboardInterrupt):
        work._conduct(ClusterGroup(), Watchdog(), Lookout(knocker, "one"))
    assert knocker.places == ()
