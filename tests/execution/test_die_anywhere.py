"""Kill the worker before every write to the database and around every change of the world: the end is the same."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from migrations_app.execution import lease
from migrations_app.execution.outcome import Done, Failed, Waiting
from migrations_app.models import Container, Migration, Node, Notice
from tests.execution.stage import Stage
from tests.fakes.world import SimulatedKill

pytestmark = pytest.mark.django_db(transaction=True)

State = Migration.State


def _smooth(stage: Stage) -> Migration:
    stage.tell("copy.run", Waiting(1))
    stage.tell("stop.verify", Waiting(0))
    return _whole(stage)


def _broken(stage: Stage) -> Migration:
    stage.tell("start.verify", *[Failed(name="TargetDoesNotStart", reason="no")] * 9)
    return _whole(stage)


def _parked(stage: Stage) -> Migration:
    stage.tell("fence.run", *[Failed(name="FenceFailed", reason="no")] * 9)
    return _whole(stage)


def _chosen(stage: Stage) -> Migration:
    migration = stage.play("check", "choose")
    stage.recipes["stream"] = (stage.step("check"), stage.step("copy"), stage.step("start", point_of_no_return=True))
    stage.tell("choose.run", *[Done({"method_reason": "small"}, continue_with="stream")] * 9)
    return migration


def _fallen_back(stage: Stage) -> Migration:
    migration = stage.play("check", "move")
    stage.recipes |= {"live": stage.recipes["dump"], "dump": (stage.step("archive"), stage.step("check"))}
    Migration.objects.update(method="live")
    stage.tell("move.run", *[Failed(name="LiveNotPossible", reason="no", fall_back=True)] * 9)
    return migration


def _whole(stage: Stage) -> Migration:
    return stage.play(
        "copy",
        stage.step("freeze", opens_freeze=True),
        stage.step("stop", may_wait_before=False),
        stage.step("start", may_wait_before=False, point_of_no_return=True),
        stage.step("unfreeze", may_wait_before=False, closes_freeze=True, reversible=False),
        stage.step("fence", reversible=False),
    )


PLAYS: dict[str, Callable[[Stage], Migration]] = {
    "done": _smooth,
    "rolled back": _broken,
    "parked": _parked,
    "chosen": _chosen,
    "fallen back": _fallen_back,
}


@pytest.mark.parametrize("play", PLAYS)
def test_it_ends_as_if_nobody_had_been_killed(play: str) -> None:
    undisturbed = _run(play, NEVER)
    for moment in itertools.count(1):
        stage, end, killed = _run(play, moment)
        if not killed:
            break
        assert end == undisturbed[1], f"killed at moment {moment}"
        doubled = [act for act, count in Counter(stage.done).items() if count > undisturbed[0].done.count(act)]
        assert doubled == [], f"killed at moment {moment}"
    assert moment > 30


NEVER = 10**9


def _run(play: str, kill_at: int) -> tuple[Stage, dict[str, Any], bool]:
    """Run a play from nothing to its end; the worker dies at the nth moment, and a new one goes on."""
    for model in (Migration, Container, Node):
        model.objects.all().delete()
    stage = Stage()
    migration = PLAYS[play](stage)
    moments = itertools.count(1)

    def moment() -> None:
        if next(moments) == kill_at:
            raise SimulatedKill

    stage.before_each = stage.after_each = moment
    try:
        with _dying_at_writes(moment):
            end = stage.tick_to_end(migration)
        killed = False
    except SimulatedKill:
        _leave_as_a_killed_worker_does(migration)
        end, killed = _go_on(stage, migration), True
    return stage, _facts(end), killed


def _go_on(stage: Stage, migration: Migration) -> Migration:
    try:
        return stage.tick_to_end(migration)
    except lease.LeaseTaken:  # it was killed after its last word
        migration.refresh_from_db()
        return migration


@contextmanager
def _dying_at_writes(moment: Callable[[], None]) -> Iterator[None]:
    """Count the time before every statement that changes a row; after it nothing differs until the next one."""

    def around(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("UPDATE", "INSERT", "DELETE")):
            moment()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(around):
        yield


def _leave_as_a_killed_worker_does(migration: Migration) -> None:
    """A real kill runs no ``finally``: the lease stays with a process that is no more, until somebody notices."""
    here, _, _ = lease.this_process().rsplit(":", 2)
    Migration.objects.filter(pk=migration.pk).update(lease_holder=f"{here}:1:0", lease_until="2999-01-01T00:00Z")
    with pytest.raises(lease.LeaseTaken), lease.held(migration.pk):
        pass
    assert lease.release_of_the_dead(migration.created_at) == 1


def _facts(migration: Migration) -> dict[str, Any]:
    """What must not differ; a step that was done when its worker died is found done by the next."""
    return {
        "state": migration.state,
        "failure": migration.failure,
        "method": migration.method,
        "point of no return": migration.point_of_no_return_at is not None,
        "frozen": migration.is_frozen,
        "freeze measured": migration.freeze_seconds is not None,
        "container on": migration.container.node_id - migration.source_id,
        "steps": list(migration.steps.values_list("position", "name", "attempt", "state")),
        "notices": Notice.objects.count(),
    }
