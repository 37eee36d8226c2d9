"""Start the copy once without any address, see its services come up, stop it again."""

from __future__ import annotations

from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import listening, remote
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import RehearsalDrop, RehearseStart, RehearseStop

# A rehearsal bears a number of its own, so that no tool and no person takes it for the container.
REHEARSAL_CTID_BASE = 1_900_000_000
LONGEST_START_SECONDS = 120
START_JOB, STOP_JOB = "rehearse_start", "rehearse_stop"


class Rehearse(Step):
    """The copy shares the private area with what will be started for good; what the rehearsal writes there is
    overwritten by the passes that follow, the first of which compares by checksum."""

    name = "rehearse"
    title = "Start the copy once without an address, and stop it again"

    def check(self, ctx: StepContext) -> CheckOutcome:
        if not ctx.order.rehearse:
            return AlreadyDone({"left_out": "not asked for"})
        if not listening.was_running(ctx):
            return AlreadyDone({"left_out": "the container does not run"})
        return Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        started = remote.finished(ctx, ctx.target, START_JOB, _start(ctx), stage="Rehearsing the start")
        if not isinstance(started, JobStatus):
            return started
        if started.exit_code != 0:
            return Failed(name="RehearsalFailed", reason=f"The copy does not start: {started.error_tail[-500:]}")
        if not remote.was_begun(ctx, ctx.target, STOP_JOB) and (not_yet := _wait_until_listening(ctx, started)):
            return not_yet
        stopped = remote.finished(ctx, ctx.target, STOP_JOB, _stop(ctx), stage="Ending the rehearsal")
        if not isinstance(stopped, JobStatus):
            return stopped
        if stopped.exit_code != 0:
            return Failed(name="RehearsalFailed", reason=f"The copy does not stop: {stopped.error_tail[-500:]}")
        return Done({"start_seconds": started.took_seconds, "stop_seconds": stopped.took_seconds})

    def undo(self, ctx: StepContext) -> RunOutcome:
        stage, attempt = "Ending the rehearsal", ctx.undo_attempt
        stopped = remote.finished(ctx, ctx.target, STOP_JOB, _stop(ctx), stage=stage, attempt=attempt)
        if isinstance(stopped, Waiting):
            return stopped
        ctx.must(ctx.target, RehearsalDrop(migration_id=ctx.order.migration_id, rehearsal_ctid=rehearsal_ctid(ctx)))
        return Done()


def rehearsal_ctid(ctx: StepContext) -> str:
    return str(REHEARSAL_CTID_BASE + ctx.order.migration_id % 200_000_000)


def _wait_until_listening(ctx: StepContext, started: JobStatus) -> Waiting | Failed | None:
    """Return None once the ports that listen in the original listen in the copy."""
    missing = listening.missing(ctx, ctx.target, rehearsal_ctid(ctx))
    if not missing:
        return None
    if started.age_seconds < LONGEST_START_SECONDS:
        return Waiting(0.5)
    return Failed(
        name="RehearsalFailed",
        reason=f"Ports {listening.spelled(missing)} listen in the original, but not in the copy "
        f"after {LONGEST_START_SECONDS} s.",
    )


def _start(ctx: StepContext) -> RehearseStart:
    return RehearseStart(migration_id=ctx.order.migration_id, rehearsal_ctid=rehearsal_ctid(ctx))


def _stop(ctx: StepContext) -> RehearseStop:
    return RehearseStop(migration_id=ctx.order.migration_id, rehearsal_ctid=rehearsal_ctid(ctx))
