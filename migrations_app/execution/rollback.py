"""The way back: what was done is undone, last first, until the source is as it was."""

from __future__ import annotations

from django.db import transaction

from migrations_app.execution import handover, recorder, states
from migrations_app.execution.outcome import Done, Failed, RunOutcome, Waiting
from migrations_app.execution.step import OpFailed, Step, StepContext
from migrations_app.execution.walk import Walk
from migrations_app.models import Migration, StepRun

UNDO_RETRY_LIMIT = 5
RETRY_SECONDS = 3


def begin(walk: Walk, *, failure: str, detail: str, next_method: str = "") -> None:
    with transaction.atomic():
        states.roll_back(
            walk.migration,
            token=walk.lease.token,
            now=walk.now,
            failure=failure,
            detail=detail[:4000],
            next_method=next_method,
        )
        level = "info" if failure == "Cancelled" else "error"
        states.tell(walk.migration, f"Going back. {failure}: {detail}", at=walk.now, level=level)


def step_back(walk: Walk) -> float | None:
    """Undo the last step that touched anything, or end when there is none."""
    run = recorder.last_touched(walk.migration)
    if run is None:
        return _end(walk)
    step = walk.step_of(run)
    if not step.reversible:
        recorder.undo(run, walk.lease, now=walk.now, closes_freeze=step.opens_freeze)
        return 0
    match _undo(step, walk.context(run)):
        case Waiting(seconds=seconds):
            return seconds
        case Failed() as failure:
            return _fail(walk, run, step, failure)
        case Done():
            recorder.undo(run, walk.lease, now=walk.now, closes_freeze=step.opens_freeze)
            states.tell(walk.migration, f"Taken back: {step.title}.", at=walk.now, step=step.name)
    return 0


def _undo(step: Step, ctx: StepContext) -> RunOutcome:
    try:
        return step.undo(ctx)
    except OpFailed as refusal:
        return Failed(name="OperationFailed", reason=str(refusal), again=True)


def _end(walk: Walk) -> float | None:
    migration, now = walk.migration, walk.now
    with transaction.atomic():
        recorder.close_plan(migration)
        if migration.next_method and migration.wish != Migration.Wish.CANCEL:
            _go_on_with_next_method(walk)
            return 0
        states.end_rollback(migration, token=walk.lease.token, now=now)
        handover.give_back(migration, now=now)
        states.tell(migration, f"Everything taken back; {migration.ctid} is on {migration.source} as before.", at=now)
        walk.announce(migration, "failed", now)
    return None


def _go_on_with_next_method(walk: Walk) -> None:
    migration, method = walk.migration, walk.migration.next_method
    reason = f"{migration.get_method_display()} was not possible ({migration.failure}), so: {method}."
    states.try_next_method(migration, token=walk.lease.token, now=walk.now, reason=reason)
    recorder.write_plan(migration, walk.recipe_of(method))
    states.tell(migration, reason, at=walk.now, level="warning")


def _fail(walk: Walk, run: StepRun, step: Step, failure: Failed) -> float | None:
    if failure.again and run.retries < UNDO_RETRY_LIMIT:
        recorder.try_undo_again(run, walk.lease, reason=failure.reason)
        return RETRY_SECONDS
    walk.park(failure=failure.name, detail=f"Taking back «{step.title}»: {failure.reason}")
    return None
