"""The way forward: open the migration when it is due, then one step after another."""

from __future__ import annotations

from django.db import transaction

from migrations_app.execution import handover, recorder, rollback, states
from migrations_app.execution.outcome import (
    AlreadyDone,
    Blocked,
    Done,
    Evidence,
    Failed,
    Objection,
    Ready,
    Repeat,
    RunOutcome,
    Waiting,
)
from migrations_app.execution.step import OpFailed, Step, StepContext
from migrations_app.execution.walk import Walk
from migrations_app.models import Migration, StepRun

BACKOFF_SECONDS = (1, 5, 15, 60)
REPEAT_SECONDS = 1.0


def open_when_due(walk: Walk) -> float | None:
    """Begin, unless it is too early, too late, or no longer wanted."""
    migration, now = walk.migration, walk.now
    if migration.wish == Migration.Wish.CANCEL:
        with transaction.atomic():
            states.cancel_unstarted(migration, now=now, token=walk.lease.token)
            handover.give_back(migration, now=now)
            walk.announce(migration, "failed", now)
        return None
    if migration.not_before > now:
        return (migration.not_before - now).total_seconds()
    if _window_has_closed(walk):
        return None
    with transaction.atomic():
        states.start(migration, token=walk.lease.token, now=now)
        walk.announce(migration, "started", now)
    return 0


def step_on(walk: Walk) -> float | None:
    """Take the next step of the plan, or finish when there is none left."""
    run = states.unfinished(walk.migration)
    if run is None:
        _finish(walk)
        return None
    step = walk.step_of(run)
    ctx = walk.context(run)
    if (held := _wish(walk, run, step, ctx)) is not False:
        return held
    if run.state == StepRun.State.RUNNING:
        return _act(walk, run, step, ctx)
    return _ask_then_act(walk, run, step, ctx)


def _finish(walk: Walk) -> None:
    migration, now = walk.migration, walk.now
    if migration.state == Migration.State.RETIRING:
        states.end_retirement(migration, token=walk.lease.token, now=now)
        states.tell(migration, f"The copy on {migration.source} is removed.", at=now)
        return
    with transaction.atomic():
        states.finish(migration, token=walk.lease.token, now=now)
        states.tell(migration, f"Done: {migration.ctid} runs on {migration.target}.", at=now)
        walk.announce(migration, "finished", now)


def _wish(walk: Walk, run: StepRun, step: Step, ctx: StepContext) -> float | bool | None:
    """Obey a pause, a cancel or a closed window where nothing is harmed by it; False: there is nothing to obey."""
    migration = walk.migration
    if migration.point_of_no_return_at is not None or migration.is_frozen:
        return False
    under_way = run.state == StepRun.State.RUNNING
    if migration.wish == Migration.Wish.CANCEL and (not under_way or step.may_interrupt(ctx)):
        rollback.begin(walk, failure="Cancelled", detail="A person cancelled the migration.")
        return 0
    if (under_way and not step.only_waits) or not step.may_wait_before:
        return False
    if migration.wish == Migration.Wish.PAUSE:
        states.pause(migration, token=walk.lease.token)
        states.tell(migration, f"Paused before: {step.title}.", at=walk.now)
        return None
    return None if _window_has_closed(walk) else False


def _window_has_closed(walk: Walk) -> bool:
    ends_at = walk.migration.window_ends_at
    if ends_at is None or walk.now < ends_at:
        return False
    walk.park(
        failure="WindowClosed",
        detail=f"The window ended at {ends_at:%Y-%m-%d %H:%M} UTC before this could be done. "
        "Nothing was interrupted. Retry in a new window, or roll back.",
    )
    return True


def _ask_then_act(walk: Walk, run: StepRun, step: Step, ctx: StepContext) -> float | None:
    match step.check(ctx):
        case AlreadyDone(evidence=evidence):
            return _pass_over(walk, run, step, evidence)
        case Blocked(reasons=reasons):
            return _block(walk, run, reasons)
        case Failed() as failure:
            return _fail(walk, run, step, failure)
        case Ready(notes=notes):
            _note(walk, notes)
    with transaction.atomic():
        if isinstance(admitted := step.admit(ctx), Repeat):
            return _repeat(walk, run, admitted)
        recorder.begin(run, walk.lease, now=walk.now, opens_freeze=step.opens_freeze)
        states.tell(walk.migration, step.title, at=walk.now, step=step.name)
    return _act(walk, run, step, ctx)


def _act(walk: Walk, run: StepRun, step: Step, ctx: StepContext) -> float | None:
    match _run(step, ctx):
        case Waiting(seconds=seconds, progress=progress):
            if progress is not None:
                recorder.show_progress(walk.lease, progress)
            return seconds
        case Failed() as failure:
            return _fail(walk, run, step, failure)
        case Repeat() as repeat:
            return _repeat(walk, run, repeat)
        case Done() as done:
            return _verify(walk, run, step, ctx, done)


def _repeat(walk: Walk, run: StepRun, repeat: Repeat) -> float:
    with transaction.atomic():
        recorder.repeat_since(run, walk.lease, first=repeat.since)
        states.tell(walk.migration, f"Once more: {repeat.reason}", at=walk.now, step=run.name, level="warning")
    return REPEAT_SECONDS


def _run(step: Step, ctx: StepContext) -> RunOutcome | Repeat:
    try:
        return step.run(ctx)
    except OpFailed as refusal:
        return Failed(name="OperationFailed", reason=str(refusal), again=True)


def _verify(walk: Walk, run: StepRun, step: Step, ctx: StepContext, done: Done) -> float | None:
    match step.verify(ctx):
        case Waiting(seconds=seconds):
            return seconds
        case Failed() as failure:
            return _fail(walk, run, step, failure)
        case Done(evidence=seen):
            return _complete(walk, run, step, done, {**done.evidence, **seen})


def _complete(walk: Walk, run: StepRun, step: Step, done: Done, evidence: Evidence) -> float:
    now = walk.now
    with transaction.atomic():
        recorder.finish(run, walk.lease, now=now, evidence=evidence)
        _mark(walk, step)
        if done.continue_with is not None:
            _continue_with(walk, done.continue_with)
    return 0


def _pass_over(walk: Walk, run: StepRun, step: Step, evidence: Evidence) -> float:
    with transaction.atomic():
        recorder.skip(run, walk.lease, now=walk.now, evidence=evidence)
        states.tell(walk.migration, f"{step.title}: was so already.", at=walk.now, step=step.name)
        _mark(walk, step)
    return 0


def _mark(walk: Walk, step: Step) -> None:
    if step.point_of_no_return:
        states.settle_on_target(walk.migration, now=walk.now)
        if walk.migration.wish == Migration.Wish.CANCEL:
            states.tell(walk.migration, "Too late to cancel: it runs on the target.", at=walk.now, level="warning")
    if step.closes_freeze:
        recorder.close_freeze(walk.lease, now=walk.now)


def _continue_with(walk: Walk, method: str) -> None:
    """Append what the chosen method has beyond the steps already planned."""
    planned = set(walk.migration.steps.exclude(state=StepRun.State.UNDONE).values_list("name", flat=True))
    rest = [step for step in walk.recipe_of(method) if step.name not in planned]
    walk.lease.rows().update(method=method)
    recorder.write_plan(walk.migration, rest)


def _note(walk: Walk, notes: tuple[Objection, ...]) -> None:
    """Keep what was noted; what stood in the way once does so no more."""
    if notes:
        recorder.keep_findings(walk.migration, notes, now=walk.now)
    else:
        recorder.forget_blockers(walk.migration)


def _block(walk: Walk, run: StepRun, reasons: tuple[Objection, ...]) -> float | None:
    """Reasons a person can clear: keep what was done and ask. While frozen nobody is asked: the container waits."""
    with transaction.atomic():
        recorder.keep_findings(walk.migration, reasons, now=walk.now)
        blockers = [reason.text for reason in reasons if reason.severity == "blocker"]
        detail = f"{run.title}: " + " ".join(blockers)
        if walk.migration.is_frozen:
            rollback.begin(walk, failure="Blocked", detail=detail)
            return 0
        walk.park(failure="Blocked", detail=detail)
    return None


def _fail(walk: Walk, run: StepRun, step: Step, failure: Failed) -> float | None:
    if failure.again and run.retries < step.retry_limit:
        walk.retry_later(run, failure.reason)
        return 0.5 if walk.migration.is_frozen else BACKOFF_SECONDS[min(run.retries - 1, len(BACKOFF_SECONDS) - 1)]
    with transaction.atomic():
        recorder.fail(run, walk.lease, now=walk.now, reason=failure.reason)
        if failure.park or walk.refresh().point_of_no_return_at is not None:
            walk.park(failure=failure.name, detail=f"{run.title}: {failure.reason}")
            return None
        next_method = "dump" if failure.fall_back and walk.migration.fall_back_to_dump else ""
        rollback.begin(walk, failure=failure.name, detail=f"{run.title}: {failure.reason}", next_method=next_method)
    return 0
