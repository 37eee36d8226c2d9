"""Many workers, one migration: one of them acts."""

from __future__ import annotations

import time

import pytest

from migrations_app.execution import lease
from migrations_app.execution.lease import LeaseTaken
from migrations_app.models import Migration
from tests.execution.stage import Stage
from tests.factories import make_migration
from tests.races.starting_line import all_at_once, raised

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("workers", [2, 8])
def test_one_of_many_takes_it(workers: int) -> None:
    migration = make_migration()

    def hold_for_a_moment() -> int:
        with lease.held(migration.pk) as held:
            time.sleep(0.05)
            return held.token

    for number in range(1, 11):
        results = all_at_once(*[hold_for_a_moment] * workers)
        assert raised(results, LeaseTaken) == workers - 1
        assert [token for token in results if isinstance(token, int)] == [number]


def test_one_of_many_takes_what_has_run_out() -> None:
    migration = make_migration(lease_until="2020-01-01T00:00Z", lease_holder="elsewhere/0a1b2c3d:1:1", lease_token=5)

    def take() -> int:
        with lease.held(migration.pk) as held:
            time.sleep(0.05)
            return held.token

    results = all_at_once(*[take] * 8)
    assert raised(results, LeaseTaken) == 7
    assert [token for token in results if isinstance(token, int)] == [6]


@pytest.mark.parametrize("workers", [2, 8])
def test_a_whole_move_is_made_once_however_many_tick_it(workers: int) -> None:
    stage = Stage()
    migration = stage.play(*(f"step_{number}" for number in range(12)))

    def tick_until_it_ends() -> None:
        while Migration.objects.filter(state__in=("scheduled", "running")).exists():
            try:
                stage.tick(migration)
            except LeaseTaken:
                continue

    raised(all_at_once(*[tick_until_it_ends] * workers), LeaseTaken)
    assert stage.done == [f"+step_{number}" for number in range(12)]
    assert stage.announced == ["started", "finished"]
    assert Migration.objects.get().state == Migration.State.DONE
