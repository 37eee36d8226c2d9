from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Migration, StepRun
from migrations_app.usecases.answer_parked import Answer, NotParked, answer_parked
from migrations_app.usecases.retire_source import retire_source
from tests.factories import make_migration
from tests.fakes.clock import START

State = Migration.State


def parked_going_back(last_step: str, **overrides: object) -> Migration:
    """Return a migration that was going back and met the container running on the target."""
    columns = {"state": State.PARKED, "parked_from": State.ROLLING_BACK, "failure": "RunsOnTarget"}
    migration = make_migration(**(columns | overrides))
    migration.steps.all().delete()
    StepRun.objects.create(
        migration=migration, position=0, name=last_step, title="x", state=StepRun.State.FAILED, started_at=START
    )
    return migration


def test_it_keeps_a_container_found_running_on_the_target(ada: User) -> None:
    migration = parked_going_back("move_live", wish="cancel", next_method="dump")
    answer_parked(migration=migration, answer="keep", actor=ada, now=START)
    migration.refresh_from_db()
    assert (migration.state, migration.failure, migration.wish, migration.next_method) == (State.RUNNING, "", "", "")
    step = migration.steps.get()
    assert (step.state, step.attempt) == (StepRun.State.PENDING, 2)


def test_it_copies_nothing_over_a_living_copy(ada: User) -> None:
    migration = parked_going_back("stop_source")
    with pytest.raises(NotParked, match="did not stop where"):
        answer_parked(migration=migration, answer="keep", actor=ada, now=START)
    migration.refresh_from_db()
    assert migration.state == State.PARKED


def test_it_keeps_nothing_that_stopped_for_another_reason(ada: User) -> None:
    migration = parked_going_back("move_live", failure="RunsNowhere")
    with pytest.raises(NotParked):
        answer_parked(migration=migration, answer="keep", actor=ada, now=START)


def test_a_container_is_free_again_when_its_old_copy_cannot_be_removed(ada: User) -> None:
    """Its old node may be gone for good."""
    migration = make_migration(
        state=State.PARKED,
        parked_from=State.RETIRING,
        failure="NodeUnreachable",
        point_of_no_return_at=START,
        finished_at=START,
        retire_after=START,
    )
    steps = [("announce", StepRun.State.DONE), ("retire", StepRun.State.FAILED)]
    for position, (name, state) in enumerate(steps):
        StepRun.objects.create(migration=migration, position=position, name=name, title="x", state=state)
    answer_parked(migration=migration, answer="keep", actor=ada, now=START)
    migration.refresh_from_db()
    assert (migration.state, migration.failure, migration.retired_at) == (State.DONE, "", None)
    assert list(migration.steps.order_by("position").values_list("state", flat=True)) == ["done", "undone"]
    assert not migration.container.migrations.acting().exists()
    retire_source(migration=migration, actor=ada, now=START)
    assert Migration.objects.get(pk=migration.pk).state == State.RETIRING


def test_the_trail_says_what_was_answered(ada: User) -> None:
    migration = make_migration(state=State.PARKED, parked_from=State.RUNNING, failure="RunsNowhere")
    answer_parked(migration=migration, answer="retry", actor=ada, now=START)
    detail = AuditLine.objects.get().detail
    assert (detail["answers"], detail["before"], detail["after"]) == ("RunsNowhere", "parked", "running")


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.SCHEDULED, State.ROLLING_BACK])
@pytest.mark.parametrize("answer", ["retry", "roll_back", "keep"])
def test_one_that_waits_for_nobody_takes_no_answer(ada: User, state: State, answer: Answer) -> None:
    """Another's answer may have come first, and what goes on again may be in the middle of anything."""
    migration = make_migration(state=state)
    with pytest.raises(NotParked, match="waits for no answer"):
        answer_parked(migration=migration, answer=answer, actor=ada, now=START)
    migration.refresh_from_db()
    assert migration.state == state
