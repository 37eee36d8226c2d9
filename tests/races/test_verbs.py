"""Several people press at the same moment, or a person and the engine do."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError
from django_q.models import OrmQ

from migrations_app.execution import recorder
from migrations_app.execution.lease import LeaseTaken
from migrations_app.models import AuditLine, LogLine, Migration, Notice
from migrations_app.schedules import ring_for_everything_due
from migrations_app.usecases.answer_parked import NotParked, answer_parked
from migrations_app.usecases.cancel_migration import NotCancellable, cancel_migration
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from tests.execution.stage import Stage, begun
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START
from tests.races.starting_line import all_at_once, raised

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

State = Migration.State


def test_one_of_fifty_orders_for_a_container_is_taken(ada: User) -> None:
    container, target = make_container(), make_node()
    order = partial(
        schedule_migration,
        container=container,
        target=target,
        method="dump",
        actor=ada,
        now=START,
        settings=settings.OVZ,
    )
    results = all_at_once(*[order] * 50)
    assert raised(results, ScheduleRefused) == 49
    assert all("has a migration" in str(refusal) for refusal in results if isinstance(refusal, ScheduleRefused))
    assert Migration.objects.count() == 1
    assert AuditLine.objects.filter(verb="schedule").count() == 1


def test_the_database_holds_one_active_migration_of_a_container() -> None:
    migration = make_migration()
    with pytest.raises(IntegrityError):
        make_migration(container=migration.container, ctid="999")


def test_every_due_migration_is_rung_for_once_however_many_conductors_look(ada: User) -> None:
    for _ in range(20):
        make_migration(next_tick_at=START)
    rung = all_at_once(*[partial(ring_for_everything_due, START)] * 4)
    assert raised(rung, AssertionError) == 0
    assert sum(rung) - _nodes_rung_for() == 20


def _nodes_rung_for() -> int:
    return sum(".scan" in item.func() for item in OrmQ.objects.all())


def test_a_cancel_and_the_last_step_before_the_point_of_no_return_cross(ada: User) -> None:
    """Either it was in time, and everything is taken back; or it was not, and everything is done."""
    for _ in range(40):
        stage = Stage()
        migration = stage.play("copy", stage.step("start", may_wait_before=False, point_of_no_return=True), "fence")

        def work(stage: Stage = stage, migration: Migration = migration) -> None:
            stage.tick_to_end(migration)

        cancel = partial(cancel_migration, migration=Migration.objects.get(pk=migration.pk), actor=ada, now=START)
        _, cancelled = all_at_once(work, cancel)
        raised([cancelled], NotCancellable)
        ended = Migration.objects.get(pk=migration.pk)
        assert (ended.wish, ended.next_tick_at) == ("", None)
        state = ended.state
        left = [act for act in stage.standing() if act.startswith("+")]
        assert (state, left) in ((State.CANCELLED, []), (State.DONE, ["+copy", "+start", "+fence"]))


def test_one_of_two_answers_to_a_parked_one_counts(ada: User, boris: User) -> None:
    for _ in range(20):
        migration = make_migration(state=State.PARKED, parked_from=State.RUNNING, failure="RunsNowhere")
        results = all_at_once(
            partial(answer_parked, migration=migration, answer="retry", actor=ada, now=START),
            partial(
                answer_parked,
                migration=Migration.objects.get(pk=migration.pk),
                answer="roll_back",
                actor=boris,
                now=START,
            ),
        )
        assert raised(results, NotParked) == 1
        migration.refresh_from_db()
        assert migration.state in (State.RUNNING, State.ROLLING_BACK)


def test_a_ticks_words_and_a_letter_are_written_once(ada: User) -> None:
    stage = Stage()
    migration = stage.play("one", **begun())
    tick = partial(stage.tick, migration)
    raised(all_at_once(*[tick] * 8), LeaseTaken)
    assert LogLine.objects.filter(text__startswith="Done").count() == 1
    assert recorder.evidence_by_step(migration) == {}
    assert Notice.objects.count() == 0
