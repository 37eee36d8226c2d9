"""Who watches which services, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migrations_app.execution import services
from migrations_app.execution.lookout import Lookout
from migrations_app.models import Migration, SeenService, StepRun
from tests.factories import START, make_migration
from tests.fakes.knocker import FakeKnocker

pytestmark = pytest.mark.django_db
PLACE = ("192.0.2.101", 80)
SECOND = timedelta(seconds=1)


def _service(*, before: str = "done", after: str = "pending", kind: str = "http", **overrides: Any) -> SeenService:
    migration = make_migration(**{"state": Migration.State.RUNNING} | overrides)
    for position, (name, state) in enumerate((("look_before", before), ("probe_outside", after))):
        StepRun.objects.create(migration=migration, position=position, name=name, title=name, state=state)
    return SeenService.objects.create(migration=migration, address=PLACE[0], port=PLACE[1], before={"kind": kind})


def test_it_is_watched_from_the_look_before_to_the_one_after() -> None:
    service, knocker = _service(), FakeKnocker()
    lookout = Lookout(knocker, "one")
    lookout.look(START)
    for at in (0.0, 0.25, 2.25, 2.5):
        knocker.hear(PLACE, at)
    lookout.look(START + SECOND)
    service.migration.steps.filter(name="probe_outside").update(state="done")
    knocker.hear(PLACE, 2.75, answered=False)
    lookout.look(START + 2 * SECOND)
    service.refresh_from_db()
    assert knocker.places == ()
    assert (service.knocks, service.unanswered) == (5, 1)
    assert service.longest_silence_seconds == pytest.approx(2.0)
    assert service.unwatched_seconds == 0.0


@pytest.mark.parametrize(
    "made",
    [
        {"before": "running"},
        {"after": "done"},
        {"after": "skipped"},
        {"state": Migration.State.PARKED},
        {"state": Migration.State.DONE},
        {"state": Migration.State.PAUSED},
    ],
)
def test_nobody_knocks_at_what_does_not_move(made: dict[str, Any]) -> None:
    _service(**made)
    knocker = FakeKnocker()
    Lookout(knocker, "one").look(START)
    assert knocker.places == ()


def test_a_frozen_one_is_watched_although_it_waits_for_a_person() -> None:
    _service(state=Migration.State.PARKED, frozen_at=START)
    knocker = FakeKnocker()
    Lookout(knocker, "one").look(START)
    assert knocker.places == (PLACE,)


def test_one_worker_watches_at_a_time() -> None:
    _service()
    first, second = FakeKnocker(), FakeKnocker()
    Lookout(first, "one").look(START)
    Lookout(second, "two").look(START + SECOND)
    assert (first.places, second.places) == ((PLACE,), ())


def test_a_dead_watcher_is_followed_by_another_and_the_gap_is_told() -> None:
    service, knocker = _service(), FakeKnocker()
    Lookout(FakeKnocker(), "one").look(START)
    lookout = Lookout(knocker, "two")
    lookout.look(START + 8 * SECOND)
    knocker.hear(PLACE, 0.0)
    lookout.look(START + 9 * SECOND)
    service.refresh_from_db()
    assert (service.unwatched_seconds, service.knocks, service.watched_by) == (8.0, 1, "two")


def test_one_that_rested_knocks_at_nothing_and_tells_the_gap() -> None:
    service, knocker = _service(), FakeKnocker()
    lookout = Lookout(knocker, "one")
    lookout.look(START)
    lookout.rest()
    assert knocker.places == ()
    knocker.hear(PLACE, 0.0, answered=False)
    lookout.look(START + 3 * SECOND)
    lookout.look(START + 4 * SECOND)
    service.refresh_from_db()
    assert knocker.places == (PLACE,)
    assert (service.unwatched_seconds, service.knocks) == (3.0, 0)


def test_one_that_rested_leaves_what_another_counted_meanwhile() -> None:
    service, knocker, other = _service(), FakeKnocker(), FakeKnocker()
    lookout, successor = Lookout(knocker, "one"), Lookout(other, "two")
    lookout.look(START)
    knocker.hear(PLACE, 0.0)
    lookout.look(START + SECOND)
    lookout.rest()
    successor.look(START + 8 * SECOND)
    other.hear(PLACE, 0.0)
    successor.look(START + 9 * SECOND)
    lookout.look(START + 10 * SECOND)
    service.refresh_from_db()
    assert (service.knocks, service.watched_by, knocker.places) == (2, "two", ())


def test_a_new_try_begins_with_nothing_counted() -> None:
    service, knocker = _service(), FakeKnocker()
    lookout = Lookout(knocker, "one")
    lookout.look(START)
    knocker.hear(PLACE, 0.0)
    lookout.look(START + SECOND)
    service.migration.steps.filter(name="look_before").update(state="running")
    lookout.look(START + 2 * SECOND)
    look = services.Look(answers=True, seconds=0.1, kind="http")
    services.keep_before(service.migration_id, *PLACE, look=look, unsteady=[])
    service.migration.steps.filter(name="look_before").update(state="done")
    lookout.look(START + 3 * SECOND)
    lookout.look(START + 4 * SECOND)
    service.refresh_from_db()
    assert service.knocks == 0


@pytest.mark.parametrize(("kind", "paces"), [("https", [0.25]), ("ssh", [2.0]), ("tcp", [2.0]), ("mysql", [])])
def test_who_would_shut_out_a_knocker_is_knocked_at_seldom_or_never(kind: str, paces: list[float]) -> None:
    _service(kind=kind)
    knocker = FakeKnocker()
    Lookout(knocker, "one").look(START)
    assert list(knocker.paces.values()) == paces
