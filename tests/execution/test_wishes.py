"""Pause, cancel and the window: obeyed where nothing is harmed by it, and only there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.execution.outcome import Done, Failed, Waiting
from migrations_app.execution.step import StepContext
from migrations_app.models import LogLine, Migration
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.usecases.cancel_migration import NotCancellable, cancel_migration
from migrations_app.usecases.pause_migration import NotPausable, pause_migration
from migrations_app.usecases.resume_migration import resume_migration
from tests.execution.stage import Stage
from tests.fakes.clock import START

State = Migration.State
WHOLE = ("copy", "freeze", "stop", "start", "unfreeze", "fence")
BEFORE_THE_FREEZE = ("copy",)


def _whole(stage: Stage, **overrides: Any) -> Migration:
    """Play a move with every kind of step in it."""
    return stage.play(
        "copy",
        stage.step("freeze", opens_freeze=True),
        stage.step("stop", may_wait_before=False),
        stage.step("start", may_wait_before=False, point_of_no_return=True),
        stage.step("unfreeze", may_wait_before=False, closes_freeze=True, reversible=False),
        stage.step("fence", reversible=False),
        **overrides,
    )


def _while_running(stage: Stage, name: str, act: Callable[[], None]) -> None:
    """Let a person act in the middle of the step, which then goes on waiting once."""

    def acted(ctx: StepContext) -> Waiting:
        act()
        return Waiting(1)

    stage.tell(f"{name}.run", acted)


def _during(stage: Stage, name: str, act: Callable[[], None]) -> None:
    """Let a person act in the very moment in which the step does its work."""

    def acted(ctx: StepContext) -> Done:
        act()
        return Done()

    stage.tell(f"{name}.run", acted)


# Pause


def test_it_pauses_before_the_next_step(stage: Stage, ada: User) -> None:
    migration = stage.play("one", "two")
    _during(stage, "one", lambda: pause_migration(migration=migration, actor=ada, now=START))
    migration = stage.tick_to_end(migration)
    assert (migration.state, stage.done) == (State.PAUSED, ["+one"])


def test_it_lets_a_step_that_runs_end_first(stage: Stage, ada: User) -> None:
    migration = stage.play("one", "two")
    _while_running(stage, "one", lambda: pause_migration(migration=migration, actor=ada, now=START))
    assert stage.tick_to_end(migration).state == State.PAUSED
    assert stage.done == ["+one"]


def test_it_goes_on_where_it_paused(stage: Stage, ada: User) -> None:
    migration = stage.play("one", "two")
    _during(stage, "one", lambda: pause_migration(migration=migration, actor=ada, now=START))
    stage.tick_to_end(migration)
    resume_migration(migration=migration, actor=ada, now=stage.clock())
    migration.refresh_from_db()
    assert stage.tick_to_end(migration).state == State.DONE
    assert stage.done == ["+one", "+two"]


def test_a_wish_to_pause_can_be_withdrawn_before_it_is_obeyed(stage: Stage, ada: User) -> None:
    migration = stage.play("one", "two")

    def change_their_mind() -> None:
        pause_migration(migration=migration, actor=ada, now=START)
        resume_migration(migration=migration, actor=ada, now=START)

    _during(stage, "one", change_their_mind)
    assert stage.tick_to_end(migration).state == State.DONE


@pytest.mark.parametrize("name", ["freeze", "stop", "start", "unfreeze", "fence"])
def test_nothing_pauses_from_the_freeze_on(stage: Stage, ada: User, name: str) -> None:
    migration = _whole(stage)

    def try_to() -> None:
        with pytest.raises(NotPausable):
            pause_migration(migration=migration, actor=ada, now=START)

    _while_running(stage, name, try_to)
    assert stage.tick_to_end(migration).state == State.DONE


def test_a_wish_to_pause_that_came_just_before_the_freeze_waits_for_nothing(stage: Stage) -> None:
    """The page's word and the engine's step cross: a frozen container is not kept waiting."""
    migration = _whole(stage)
    _while_running(stage, "freeze", lambda: Migration.objects.update(wish=Migration.Wish.PAUSE) and None)
    migration = stage.tick_to_end(migration)
    assert (migration.state, migration.wish) == (State.DONE, "")


# Cancel


def test_what_has_not_begun_is_cancelled_at_once(stage: Stage, ada: User) -> None:
    migration = stage.play("one", not_before=START + timedelta(days=1))
    cancel_migration(migration=migration, actor=ada, now=START)
    migration.refresh_from_db()
    assert (migration.state, migration.next_tick_at) == (State.CANCELLED, None)


@pytest.mark.parametrize("moment", [_while_running, _during])
@pytest.mark.parametrize("name", WHOLE)
def test_a_cancel_ends_with_everything_taken_back_or_everything_done(
    stage: Stage, ada: User, name: str, moment: Callable[..., None]
) -> None:
    migration = _whole(stage)
    refused = []

    def cancel() -> None:
        try:
            cancel_migration(migration=migration, actor=ada, now=START)
        except NotCancellable:
            refused.append(name)

    moment(stage, name, cancel)
    migration = stage.tick_to_end(migration)
    cancelled = name in BEFORE_THE_FREEZE
    assert migration.state == (State.CANCELLED if cancelled else State.DONE)
    left = [act for act in stage.standing() if act.startswith("+")]
    assert left == ([] if cancelled else [f"+{step}" for step in WHOLE])
    assert bool(refused) == (name in ("unfreeze", "fence"))
    assert migration.wish == ""


def test_it_says_so_when_a_cancel_came_too_late(stage: Stage, ada: User) -> None:
    migration = _whole(stage)
    _while_running(stage, "stop", lambda: cancel_migration(migration=migration, actor=ada, now=START))
    stage.tick_to_end(migration)
    assert LogLine.objects.filter(text__contains="Too late to cancel").exists()


def test_it_does_not_interrupt_what_must_not_be(stage: Stage, ada: User) -> None:
    migration = stage.play(stage.step("move", may_interrupt=lambda self, ctx: False), "two")
    _while_running(stage, "move", lambda: cancel_migration(migration=migration, actor=ada, now=START))
    assert stage.tick_to_end(migration).state == State.CANCELLED
    assert stage.done == ["+move", "-move"]


@pytest.mark.parametrize("at_rest", [State.PAUSED, State.PARKED])
def test_one_at_rest_is_taken_back(stage: Stage, ada: User, at_rest: str) -> None:
    migration = stage.play("one", "two")
    if at_rest == State.PARKED:
        stage.tell("two.run", Failed(name="RunsNowhere", reason="?", park=True))
    else:
        _during(stage, "one", lambda: pause_migration(migration=migration, actor=ada, now=START))
    assert stage.tick_to_end(migration).state == at_rest
    cancel_migration(migration=migration, actor=ada, now=stage.clock())
    migration.refresh_from_db()
    assert stage.tick_to_end(migration).state == State.CANCELLED
    assert [act for act in stage.standing() if act.startswith("+")] == []


def test_cancelling_twice_is_cancelling_once(stage: Stage, ada: User) -> None:
    migration = stage.play("one", "two")

    def cancel_twice() -> None:
        cancel_migration(migration=migration, actor=ada, now=START)
        cancel_migration(migration=migration, actor=ada, now=START)

    _while_running(stage, "one", cancel_twice)
    assert stage.tick_to_end(migration).state == State.CANCELLED


def test_a_cancel_while_it_goes_back_keeps_it_from_falling_back(stage: Stage, ada: User) -> None:
    migration = stage.play("move")

    def cancel(ctx: StepContext) -> Waiting:
        cancel_migration(migration=migration, actor=ada, now=START)
        return Waiting(1)

    stage.tell("move.run", Failed(name="LiveNotPossible", reason="no", fall_back=True))
    stage.tell("move.undo", cancel)
    assert stage.tick_to_end(migration).state == State.CANCELLED


# The window


def test_it_does_not_begin_after_its_window(stage: Stage) -> None:
    migration = stage.play("one", window_ends_at=START + timedelta(hours=1))
    stage.clock.advance(3601)
    migration = stage.tick_to_end(migration)
    assert (migration.state, migration.failure, stage.done) == (State.PARKED, "WindowClosed", [])


def test_it_stops_before_the_next_step_that_may_wait(stage: Stage) -> None:
    stage.tell("copy.run", Waiting(3700))
    migration = _whole(stage, window_ends_at=START + timedelta(hours=1))
    migration = stage.tick_to_end(migration)
    assert (migration.state, migration.failure, stage.done) == (State.PARKED, "WindowClosed", ["+copy"])


def test_it_finishes_what_is_frozen_whatever_the_window_says(stage: Stage) -> None:
    stage.tell("freeze.run", Waiting(3700))
    assert stage.tick_to_end(_whole(stage, window_ends_at=START + timedelta(hours=1))).state == State.DONE


def test_a_persons_retry_goes_on_whatever_the_window_said(stage: Stage, ada: User) -> None:
    stage.tell("copy.run", Waiting(3700))
    migration = stage.tick_to_end(_whole(stage, window_ends_at=START + timedelta(hours=1)))
    answer_parked(migration=migration, answer="retry", actor=ada, now=stage.clock())
    assert stage.tick_to_end(migration).state == State.DONE
