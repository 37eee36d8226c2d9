"""One step after another, and what each answer leads to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from migrations_app.execution.outcome import (
    AlreadyDone,
    Blocked,
    Done,
    Failed,
    Objection,
    Progress,
    Ready,
    Waiting,
)
from migrations_app.execution.step import OpFailed, StepContext
from migrations_app.models import LogLine, Migration, StepRun
from migrations_app.vz.gate import OpResult
from migrations_app.vz.ops import Strip
from tests.execution.stage import Stage, begun
from tests.factories import make_container, make_node
from tests.fakes.clock import START

State = Migration.State
FULL = Objection(check_id="disk-full", text="node-2 has 3 GiB free, 8 are needed.", way_out="Free some.")
SLOW = Objection(check_id="slow-link", text="The link is slow.", severity="warning")


def test_it_takes_the_steps_in_their_order(stage: Stage) -> None:
    migration = stage.tick_to_end(stage.play("one", "two", "three"))
    assert stage.done == ["+one", "+two", "+three"]
    assert migration.state == State.DONE
    assert stage.announced == ["started", "finished"]


def test_it_does_not_begin_before_its_time(stage: Stage) -> None:
    later = START + timedelta(hours=2)
    migration = stage.play("one", not_before=later, next_tick_at=START)
    assert stage.tick(migration).next_tick_at == later
    migration.refresh_from_db()
    assert (migration.state, migration.next_tick_at) == (State.SCHEDULED, later)


def test_it_passes_over_what_was_so_already(stage: Stage) -> None:
    stage.tell("one.check", AlreadyDone({"digest": "abc"}))
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert stage.done == ["+two"]
    run = migration.steps.get(name="one")
    assert (run.state, run.evidence, run.started_at) == (StepRun.State.SKIPPED, {"digest": "abc"}, None)


def test_it_keeps_the_evidence_of_run_and_verify_together(stage: Stage) -> None:
    stage.tell("one.run", Done({"seconds": 3}))
    stage.tell("one.verify", Done({"sha256": "abc"}))
    migration = stage.tick_to_end(stage.play("one"))
    assert migration.steps.get().evidence == {"seconds": 3, "sha256": "abc"}


def test_a_later_step_sees_what_earlier_ones_left(stage: Stage) -> None:
    seen = []

    def look(ctx: StepContext) -> Done:
        seen.append((ctx.evidence_of("one"), ctx.evidence_of("nobody")))
        return Done()

    stage.tell("one.run", Done({"port": 80}))
    stage.tell("two.run", look)
    stage.tick_to_end(stage.play("one", "two"))
    assert seen == [({"port": 80}, {})]


def test_what_pages_read_is_copied_to_the_migration(stage: Stage) -> None:
    certificate = {"differences": 0}
    stage.tell("one.run", Done({"bytes_moved": 100, "freeze_forecast_seconds": 2.5}))
    stage.tell("two.run", Done({"bytes_moved": 20, "certificate": certificate, "retire_after": START.isoformat()}))
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert (migration.bytes_moved, migration.freeze_forecast_seconds) == (120, 2.5)
    assert (migration.certificate, migration.retire_after) == (certificate, START)


def test_it_waits_without_holding_a_worker(stage: Stage) -> None:
    stage.tell("one.run", Waiting(30, Progress(stage="Copying", bytes_done=5, bytes_total=10)))
    migration = stage.play("one")
    assert stage.tick(migration).next_tick_at == START + timedelta(seconds=30)
    migration.refresh_from_db()
    assert migration.next_tick_at == START + timedelta(seconds=30)
    assert migration.progress == {"stage": "Copying", "bytes_done": 5, "bytes_total": 10}
    assert migration.lease_until is None


def test_it_asks_a_waiting_step_to_run_and_not_to_check_again(stage: Stage) -> None:
    stage.tell("one.check", Ready(), Blocked((FULL,)))
    stage.tell("one.run", Waiting(1), Waiting(1))
    assert stage.tick_to_end(stage.play("one")).state == State.DONE


def test_it_waits_for_verify_too(stage: Stage) -> None:
    stage.tell("one.verify", Waiting(7))
    migration = stage.play("one")
    assert stage.tick(migration).next_tick_at == START + timedelta(seconds=7)
    assert stage.tick_to_end(migration).state == State.DONE


def test_notes_are_kept_beside_it(stage: Stage) -> None:
    stage.tell("one.check", Ready((SLOW,)))
    migration = stage.tick_to_end(stage.play("one"))
    finding = migration.findings.get()
    assert (finding.check_id, finding.severity, finding.text) == ("slow-link", "warning", "The link is slow.")


def test_a_blocked_one_asks_a_person_and_keeps_what_was_done(stage: Stage) -> None:
    stage.tell("two.check", Blocked((FULL, SLOW)))
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert (migration.state, migration.failure) == (State.PARKED, "Blocked")
    assert "3 GiB free" in migration.failure_detail
    assert "slow" not in migration.failure_detail
    assert migration.findings.count() == 2
    assert stage.done == ["+one"]


def test_a_blocked_one_goes_back_when_the_container_is_frozen(stage: Stage) -> None:
    """Nobody may be asked while users wait."""
    stage.tell("two.check", Blocked((FULL,)))
    migration = stage.tick_to_end(stage.play(stage.step("freeze", opens_freeze=True), "two"))
    assert migration.state == State.ROLLED_BACK
    assert stage.done == ["+freeze", "-freeze"]


def test_it_tries_again_with_a_new_number(stage: Stage) -> None:
    """The number is part of the job's key: a new try must not meet the job of the failed one."""
    keys = []

    def look(ctx: StepContext) -> Done:
        keys.append(ctx.job_key("one"))
        return Done()

    def lose(ctx: StepContext) -> Failed:
        keys.append(ctx.job_key("one"))
        return Failed(name="JobLost", reason="lost", again=True)

    stage.tell("one.run", lose, look)
    migration = stage.tick_to_end(stage.play("one"))
    assert migration.state == State.DONE
    assert keys == [f"m{migration.pk}-one-a1", f"m{migration.pk}-one-a2"]


def test_it_waits_longer_before_each_try(stage: Stage) -> None:
    stage.tell("one.run", *[Failed(name="JobLost", reason="lost", again=True)] * 3)
    migration = stage.play("one")
    waits = []
    for _ in range(3):
        due = stage.tick(migration).next_tick_at
        assert due is not None
        waits.append((due - stage.clock()).total_seconds())
        stage.clock.set(due)
    assert waits == [1, 5, 15]


def test_it_goes_back_when_trying_does_not_help(stage: Stage) -> None:
    stage.tell("two.run", *[Failed(name="JobLost", reason="lost", again=True)] * 4)
    migration = stage.tick_to_end(stage.play("one", "two"))
    assert (migration.state, migration.failure) == (State.ROLLED_BACK, "JobLost")
    assert stage.done == ["+one", "-two", "-one"]
    assert stage.announced == ["started", "failed"]


def test_an_operation_that_failed_is_tried_again(stage: Stage) -> None:
    refused = OpFailed("node-2", Strip(), OpResult(exit_code=5, output="", error="busy"))
    stage.tell("one.run", refused)
    migration = stage.tick_to_end(stage.play("one"))
    assert migration.state == State.DONE
    assert "strip on node-2 ended with exit code 5 and said: busy" in "".join(
        LogLine.objects.values_list("text", flat=True)
    )


def test_what_a_person_must_judge_is_parked(stage: Stage) -> None:
    stage.tell("one.run", Failed(name="RunsOnBoth", reason="two copies", park=True))
    migration = stage.tick_to_end(stage.play("one"))
    assert (migration.state, migration.failure, migration.parked_from) == (State.PARKED, "RunsOnBoth", State.RUNNING)
    assert stage.announced == ["started", "failed"]


def test_after_the_point_of_no_return_nothing_goes_back(stage: Stage) -> None:
    stage.tell("two.run", Failed(name="FenceFailed", reason="no"))
    migration = stage.tick_to_end(stage.play(stage.step("start", point_of_no_return=True), "two"))
    assert (migration.state, migration.failure) == (State.PARKED, "FenceFailed")
    assert stage.done == ["+start"]


def test_the_container_is_the_targets_after_the_point_of_no_return(stage: Stage) -> None:
    target = make_node()
    migration = stage.play(stage.step("start", point_of_no_return=True), target=target)
    stage.tick_to_end(migration)
    migration.container.refresh_from_db()
    assert migration.container.node == target


def test_the_container_is_the_sources_when_the_point_of_no_return_is_not_reached(stage: Stage) -> None:
    container = make_container()
    stage.tell("start.verify", Failed(name="TargetDoesNotStart", reason="no"))
    stage.tick_to_end(stage.play(stage.step("start", point_of_no_return=True), container=container))
    source, container_node = container.node, type(container).objects.get(pk=container.pk).node
    assert container_node == source


def test_the_freeze_is_measured(stage: Stage) -> None:
    stage.tell("stop.run", Waiting(2), Waiting(1))
    steps = (stage.step("freeze", opens_freeze=True), "stop", stage.step("unfreeze", closes_freeze=True), "tidy")
    stage.tell("tidy.run", Waiting(9))
    migration = stage.tick_to_end(stage.play(*steps))
    assert migration.freeze_seconds == 3.0
    assert not migration.is_frozen


def test_retries_are_quick_while_the_container_is_frozen(stage: Stage) -> None:
    stage.tell("stop.run", Failed(name="JobLost", reason="lost", again=True))
    migration = stage.play(stage.step("freeze", opens_freeze=True), "stop")
    assert stage.tick(migration).next_tick_at == START + timedelta(seconds=0.5)


def test_it_falls_back_to_another_method(stage: Stage) -> None:
    live = stage.play("check", "move", requested_method="live", **begun())
    Migration.objects.update(method="live")
    stage.recipes |= {"live": stage.recipes["dump"], "dump": (stage.step("archive"), stage.step("check"))}
    stage.tell("move.run", Failed(name="LiveNotPossible", reason="no cpt", fall_back=True))
    migration = stage.tick_to_end(live)
    assert (migration.state, migration.method) == (State.DONE, "dump")
    assert stage.done == ["+check", "-move", "-check", "+archive", "+check"]
    assert "LiveNotPossible" in migration.method_reason
    assert migration.failure == ""
    attempts = migration.steps.filter(name="check").values_list("state", "attempt")
    assert sorted(attempts) == [(StepRun.State.DONE, 2), (StepRun.State.UNDONE, 1)]


def test_it_does_not_fall_back_unless_the_plan_allows_it(stage: Stage) -> None:
    stage.tell("move.run", Failed(name="LiveNotPossible", reason="no cpt", fall_back=True))
    migration = stage.tick_to_end(stage.play("move", fall_back_to_dump=False))
    assert (migration.state, migration.failure) == (State.ROLLED_BACK, "LiveNotPossible")


def test_it_goes_on_with_the_method_that_was_chosen(stage: Stage) -> None:
    migration = stage.play("check", "choose")
    stage.recipes["stream"] = (stage.step("check"), stage.step("copy"))
    stage.tell("choose.run", Done({"method_reason": "Stream: small."}, continue_with="stream"))
    migration = stage.tick_to_end(migration)
    assert stage.done == ["+check", "+choose", "+copy"]
    assert (migration.method, migration.method_reason) == ("stream", "Stream: small.")
    assert [run.name for run in migration.steps.all()] == ["check", "choose", "copy"]


def test_a_tick_ends_in_time_though_there_is_more_to_do(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue kills a worker that takes too long."""
    monkeypatch.setattr("migrations_app.execution.engine.TICK_SECONDS", 0)
    migration = stage.play("one", "two")
    assert stage.tick(migration).next_tick_at == START
    assert stage.done == []
    assert stage.tick_to_end(migration).state == State.DONE


def test_a_tick_of_one_that_has_ended_changes_nothing(stage: Stage) -> None:
    migration = stage.tick_to_end(stage.play("one"))
    with pytest.raises(Exception, match=f"m{migration.pk}"):
        stage.tick(migration)
    assert stage.done == ["+one"]
