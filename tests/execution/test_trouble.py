"""Nodes that do not answer, answers that are none, bugs, and a database that goes away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, InterfaceError, OperationalError

from migrations_app.execution.engine import LeaseTaken
from migrations_app.execution.outcome import Failed, Waiting
from migrations_app.models import LogLine, Migration
from migrations_app.ports.shell import HostKeyChanged, LoginRefused, NodeUnreachable, ReplyLost, ShellError
from migrations_app.usecases.answer_parked import answer_parked
from migrations_app.vz.gate import Fenced, GateBroken
from tests.execution.stage import Stage
from tests.fakes.clock import START

State = Migration.State
AWAY = NodeUnreachable("no connection to 192.0.2.12 port 22")


def test_it_tries_again_ever_slower(stage: Stage) -> None:
    stage.tell("one.run", *[AWAY] * 8)
    migration = stage.play("one")
    waits = []
    for _ in range(8):
        due = stage.tick(migration).next_tick_at
        assert due is not None
        waits.append((due - stage.clock()).total_seconds())
        stage.clock.set(due)
    assert waits == sorted(waits)
    assert waits[0] == 0.5
    assert waits[-1] > 3
    assert stage.tick_to_end(migration).state == State.DONE


def test_it_does_not_wait_long_while_the_container_is_frozen(stage: Stage) -> None:
    stage.tell("start.run", *[AWAY] * 12)
    migration = stage.play(stage.step("freeze", opens_freeze=True), stage.step("start", point_of_no_return=True))
    for _ in range(12):
        due = stage.tick(migration).next_tick_at
        assert due is not None
        assert due - stage.clock() <= timedelta(seconds=2)
        stage.clock.set(due)
    assert Migration.objects.get(pk=migration.pk).state == State.RUNNING, "its copy may have been started"


def test_it_gives_a_frozen_container_back_when_a_node_does_not_answer(stage: Stage) -> None:
    stage.tell("stop.run", *[AWAY] * 60)
    freeze, start = stage.step("freeze", opens_freeze=True), stage.step("start", point_of_no_return=True)
    began = stage.clock()
    migration = stage.tick_to_end(stage.play(freeze, "stop", start))
    assert (migration.state, migration.failure) == (State.ROLLED_BACK, "NodeUnreachable")
    assert stage.clock() - began < timedelta(seconds=15)


def test_it_tells_of_it_once_and_when_it_is_over(stage: Stage) -> None:
    stage.tell("one.run", AWAY, AWAY, AWAY)
    migration = stage.tick_to_end(stage.play("one"))
    told = list(LogLine.objects.values_list("text", flat=True))
    assert sum("NodeUnreachable" in text for text in told) == 1
    assert sum("answers again" in text for text in told) == 1
    assert migration.trouble_since is None


def test_it_calls_a_person_after_two_minutes_and_goes_on_looking(stage: Stage) -> None:
    stage.tell("one.run", *[AWAY] * 60)
    migration = stage.play("one")
    while Migration.objects.exclude(state=State.PARKED).exists():
        due = stage.tick(migration).next_tick_at
        stage.clock.set(max(stage.clock(), due or stage.clock()))
    migration.refresh_from_db()
    assert timedelta(seconds=120) < stage.clock() - START < timedelta(seconds=150)
    assert (migration.failure, migration.parked_from) == ("NodeUnreachable", State.RUNNING)
    assert migration.next_tick_at == stage.clock() + timedelta(seconds=15)
    stage.answers["one.run"].clear()
    stage.clock.advance(15)
    stage.tick(migration)
    migration.refresh_from_db()
    assert (migration.state, migration.failure, migration.trouble_since) == (State.DONE, "", None)


def test_it_calls_a_person_once_however_often_it_looks(stage: Stage) -> None:
    """Unreachable one time and without an answer the next is the same trouble."""
    stage.tell("one.run", *[AWAY, ReplyLost("no answer within 15 s")] * 40)
    migration = stage.play("one")
    for _ in range(60):
        stage.tick(migration)
        migration.refresh_from_db()
        assert migration.next_tick_at is not None
        stage.clock.set(max(stage.clock(), migration.next_tick_at))
    assert stage.announced == ["started", "failed"]


@pytest.mark.parametrize("refusal", [HostKeyChanged("another key"), LoginRefused("not this key")])
def test_a_node_that_is_not_itself_is_a_persons_matter_at_once(stage: Stage, refusal: ShellError) -> None:
    stage.tell("one.run", refusal)
    migration = stage.tick_to_end(stage.play("one"))
    assert (migration.state, migration.failure, migration.next_tick_at) == (State.PARKED, type(refusal).__name__, None)


def test_an_answer_that_is_none_takes_everything_back(stage: Stage) -> None:
    stage.tell("two.run", GateBroken("node-1", "three lines were expected"))
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert (migration.state, migration.failure) == (State.ROLLED_BACK, "GateBroken")
    assert stage.done == ["+one", "-two", "-one"]


def test_an_answer_that_is_none_after_the_point_of_no_return_is_a_persons_matter(stage: Stage) -> None:
    stage.tell("two.run", GateBroken("node-1", "three lines were expected"))
    migration = stage.tick_to_end(stage.play(stage.step("start", point_of_no_return=True), "two"))
    assert (migration.state, migration.failure) == (State.PARKED, "GateBroken")


def test_an_answer_that_is_none_on_the_way_back_is_a_persons_matter(stage: Stage) -> None:
    stage.tell("one.run", Failed(name="CopyFailed", reason="23"))
    stage.tell("one.undo", GateBroken("node-1", "three lines were expected"))
    migration = stage.tick_to_end(stage.play("one"))
    assert (migration.state, migration.parked_from) == (State.PARKED, State.ROLLING_BACK)


def test_a_bug_is_a_persons_matter(stage: Stage) -> None:
    stage.tell("one.run", ZeroDivisionError("division by zero"))
    migration = stage.tick_to_end(stage.play("one"))
    assert (migration.state, migration.failure) == (State.PARKED, "InternalError")
    assert migration.failure_detail == "ZeroDivisionError: division by zero"


def test_a_plan_of_another_release_is_a_persons_matter(stage: Stage) -> None:
    migration = stage.play("one", "two")
    migration.steps.filter(name="two").update(name="teleport")
    migration = stage.tick_to_end(migration)
    assert (migration.state, migration.failure) == (State.PARKED, "UnknownStep")
    assert "teleport" in migration.failure_detail


@pytest.mark.parametrize("away", [OperationalError("database is locked"), InterfaceError("connection already closed")])
def test_a_database_that_goes_away_is_nobodys_matter(stage: Stage, away: Exception) -> None:
    """It comes back by itself, and the next tick goes on."""
    stage.tell("one.run", away)
    migration = stage.play("one")
    with pytest.raises(type(away)):
        stage.tick(migration)
    assert stage.tick_to_end(migration).state == State.DONE


def test_a_row_the_database_refuses_is_a_bug(stage: Stage) -> None:
    stage.tell("one.run", IntegrityError("duplicate key"))
    assert stage.tick_to_end(stage.play("one")).failure == "InternalError"


def test_a_late_worker_that_a_node_refuses_stops_at_once(stage: Stage) -> None:
    """A newer one holds the migration by now."""
    migration = stage.play("one")

    def be_late(ctx: object) -> None:
        Migration.objects.update(lease_token=migration.lease_token + 7)
        raise Fenced("node-1", migration.lease_token + 7)

    stage.tell("one.run", be_late)
    with pytest.raises(LeaseTaken):
        stage.tick(migration)
    migration.refresh_from_db()
    assert (migration.state, migration.failure) == (State.RUNNING, "")


def test_a_node_that_has_heard_from_a_newer_panel_is_a_persons_matter(stage: Stage) -> None:
    """The database is older than what the nodes remember: it was restored, or two panels work on one container."""
    stage.tell("one.run", Fenced("node-1", 10**9))
    migration = stage.tick_to_end(stage.play("one"))
    assert (migration.state, migration.failure) == (State.PARKED, "Fenced")


def test_a_persons_yes_takes_a_lease_that_is_newer_than_what_the_node_remembers(stage: Stage, ada: User) -> None:
    stage.tell("one.run", Fenced("node-1", int(START.timestamp()) - 5))
    migration = stage.tick_to_end(stage.play("one"))
    answer_parked(migration=migration, answer="retry", actor=ada, now=stage.clock())
    migration = stage.tick_to_end(migration)
    assert migration.lease_token > int(START.timestamp())
    assert migration.state == State.DONE


def test_a_doubled_tick_does_not_wake_what_waits_for_a_person(stage: Stage) -> None:
    """The queue may ring once more for a migration that was parked meanwhile."""
    stage.tell("one.run", Failed(name="RunsOnBoth", reason="two copies", park=True))
    migration = stage.tick_to_end(stage.play("one"))
    assert stage.tick(migration).next_tick_at is None
    migration.refresh_from_db()
    assert (migration.state, stage.done) == (State.PARKED, [])


def test_what_was_wrong_does_not_outlive_a_persons_answer(stage: Stage, ada: User) -> None:
    stage.tell("one.run", Failed(name="RunsNowhere", reason="?", park=True), Waiting(1))
    migration = stage.tick_to_end(stage.play("one"))
    answer_parked(migration=migration, answer="retry", actor=ada, now=stage.clock())
    migration = stage.tick_to_end(migration)
    assert (migration.state, migration.failure) == (State.DONE, "")
