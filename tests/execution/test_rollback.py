"""The way back: everything begun is taken back, last first, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from migrations_app.execution.outcome import AlreadyDone, Done, Failed, Ready, Waiting
from migrations_app.execution.step import OpFailed, StepContext
from migrations_app.models import Migration, StepRun
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.vz.gate import OpResult
from migrations_app.vz.ops import Strip
from tests.execution.stage import Stage
from tests.factories import make_migration
from tests.fakes.clock import START

State = Migration.State
BROKEN = Failed(name="CopyFailed", reason="23")


def test_it_takes_back_last_first(stage: Stage) -> None:
    stage.tell("three.run", BROKEN)
    migration = stage.tick_to_end(stage.play("one", "two", "three", "four"))
    assert stage.done == ["+one", "+two", "-three", "-two", "-one"]
    assert migration.state == State.ROLLED_BACK
    assert set(migration.steps.values_list("state", flat=True)) == {StepRun.State.UNDONE}


def test_what_somebody_else_had_done_is_not_taken_back(stage: Stage) -> None:
    stage.tell("one.check", AlreadyDone())
    stage.tell("two.run", BROKEN)
    stage.tick_to_end(stage.play("one", "two"))
    assert stage.done == ["-two"]


def test_what_a_killed_worker_had_begun_is_taken_back_although_it_is_found_done(stage: Stage) -> None:
    stage.tell("one.run", Failed(name="JobLost", reason="lost", again=True))
    stage.tell("one.check", Ready(), AlreadyDone())
    stage.tell("two.run", BROKEN)
    stage.tick_to_end(stage.play("one", "two"))
    assert stage.done == ["-two", "-one"]


def test_what_cannot_be_taken_back_is_passed_over(stage: Stage) -> None:
    stage.tell("three.run", BROKEN)
    migration = stage.tick_to_end(stage.play("one", stage.step("two", reversible=False), "three"))
    assert stage.done == ["+one", "+two", "-three", "-one"]
    assert migration.state == State.ROLLED_BACK


def test_it_waits_for_an_undo_that_takes_its_time(stage: Stage) -> None:
    stage.tell("one.run", BROKEN)
    stage.tell("one.undo", Waiting(5), Waiting(5))
    assert stage.tick_to_end(stage.play("one")).state == State.ROLLED_BACK


def test_it_tries_an_undo_again_with_jobs_of_its_own(stage: Stage) -> None:
    numbers = []

    def refuse(ctx: StepContext) -> Done:
        numbers.append(ctx.undo_attempt)
        raise OpFailed("node-2", Strip(), OpResult(exit_code=5, output="", error="busy"))

    def obey(ctx: StepContext) -> Done:
        numbers.append(ctx.undo_attempt)
        return Done()

    stage.tell("one.run", BROKEN)
    stage.tell("one.undo", refuse, refuse, obey)
    assert stage.tick_to_end(stage.play("one")).state == State.ROLLED_BACK
    assert len(set(numbers)) == 3


def test_it_calls_a_person_when_an_undo_does_not_work(stage: Stage) -> None:
    stage.tell("two.run", BROKEN)
    stage.tell("two.undo", *[Failed(name="OperationFailed", reason="busy", again=True)] * 6)
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert (migration.state, migration.parked_from) == (State.PARKED, State.ROLLING_BACK)
    assert migration.failure == "OperationFailed"
    assert "Taking back «Two»: busy" in migration.failure_detail
    assert stage.done == ["+one"]


def test_it_goes_on_going_back_after_a_persons_word(stage: Stage, ada: User) -> None:
    stage.tell("two.run", BROKEN)
    stage.tell("two.undo", Failed(name="SourceDoesNotStart", reason="no", park=True))
    migration = stage.tick_to_end(stage.play("one", "two"))
    answer_parked(migration=migration, answer="retry", actor=ada, now=stage.clock())
    assert stage.tick_to_end(migration).state == State.ROLLED_BACK
    assert stage.done == ["+one", "-two", "-one"]


def test_what_is_taken_back_leaves_no_evidence_to_the_next_method(stage: Stage) -> None:
    seen = []

    def look(ctx: StepContext) -> Done:
        seen.append(dict(ctx.evidence_of("check")))
        return Done()

    migration = stage.play("check", "move")
    stage.recipes |= {"live": stage.recipes["dump"], "dump": (stage.step("archive"),)}
    Migration.objects.update(method="live")
    stage.tell("check.run", Done({"ports": [80]}))
    stage.tell("move.run", Failed(name="LiveNotPossible", reason="no", fall_back=True))
    stage.tell("archive.run", look)
    stage.tick_to_end(migration)
    assert seen == [{}]


def test_the_freeze_ends_with_the_undo_that_ends_it(stage: Stage) -> None:
    stage.tell("stop.run", Waiting(2), BROKEN)
    stage.tell("freeze.undo", Waiting(3))
    migration = stage.tick_to_end(stage.play("one", stage.step("freeze", opens_freeze=True), "stop"))
    assert migration.freeze_seconds == 5.0
    assert not migration.is_frozen


@pytest.mark.django_db
def test_a_persons_answer_needs_a_question(ada: User) -> None:
    with pytest.raises(Exception, match="waits for no answer"):
        answer_parked(migration=make_migration(), answer="retry", actor=ada, now=START)
