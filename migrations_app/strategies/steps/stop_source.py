"""Stop the container on the source node."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import remote, services
from migrations_app.vz.facts import CtStatus
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Start, Stop

STOP_SECONDS = 60
STARTS_THE_COPY = "start_target"


class StopSource(Step):
    name = "stop_source"
    title = "Stop the container on the source node"
    public_phrase = "switching"
    opens_freeze = False
    may_wait_before = False

    def run(self, ctx: StepContext) -> RunOutcome:
        """One that was down already stays so: nothing is asked before, because its users wait."""
        match remote.finished(ctx, ctx.source, self.name, Stop(timeout_seconds=STOP_SECONDS), stage="Stopping"):
            case JobStatus() as job:
                return Done({"seconds": job.took_seconds})
            case not_yet:
                return not_yet

    def verify(self, ctx: StepContext) -> RunOutcome:
        """Believe the state, not the exit code: vzctl stop ends with 0 whatever it had to do."""
        if ctx.ask(ctx.source, CtStatus(ctx.order.ctid)).running:
            return Failed(
                name="SourceDoesNotStop",
                reason=f"{ctx.order.ctid} still runs on {ctx.source.name} after {STOP_SECONDS} s.",
            )
        return Done()

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Start the source again, but only where the target's copy is known not to run.

        A target that was never told to start it need not be asked: it may be what has died.
        """
        source = ctx.ask(ctx.source, CtStatus(ctx.order.ctid))
        if STARTS_THE_COPY in ctx.begun and ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid)).running:
            return Failed(
                name="RunsOnBoth" if source.running else "RunsOnTarget",
                reason=f"The copy on {ctx.target.name} runs; the one on {ctx.source.name} is not started beside it.",
                park=True,
            )
        if source.running or not services.was_running(ctx):
            return Done()
        stage = "Starting the source again"
        match remote.finished(ctx, ctx.source, "start_source", Start(), stage=stage, attempt=ctx.undo_attempt):
            case JobStatus(exit_code=0):
                return Waiting(0)
            case JobStatus() as job:
                return Failed(
                    name="SourceDoesNotStart",
                    reason=f"{ctx.order.ctid} does not start on {ctx.source.name} again: {job.error_tail[-500:]}",
                    park=True,
                )
            case not_yet:
                return not_yet
