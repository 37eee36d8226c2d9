"""Start the container on its source again, on the way back."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import listening, remote
from migrations_app.vz.facts import CtStatus
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Start

STARTS_THE_COPY = "start_target"


def start_again(ctx: StepContext) -> RunOutcome:
    """Start the source if it ran before and does not now, but only where the target's copy is known not to run.

    A target that was never told to start it need not be asked: it may be what has died.
    """
    source = ctx.ask(ctx.source, CtStatus(ctx.order.ctid))
    if STARTS_THE_COPY in ctx.begun and ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid)).running:
        return Failed(
            name="RunsOnBoth" if source.running else "RunsOnTarget",
            reason=f"The copy on {ctx.target.name} runs; the one on {ctx.source.name} is not started beside it.",
            park=True,
        )
    if source.running or not listening.was_running(ctx):
        return Done()
    stage = "Starting the source again"
    match remote.finished(ctx, ctx.source, "start_source", Start(), stage=stage, attempt=ctx.undo_attempt):
        case JobStatus(exit_code=0) if ctx.ask(ctx.source, CtStatus(ctx.order.ctid)).running:
            return Done()
        case JobStatus() as job:
            return Failed(
                name="SourceDoesNotStart",
                reason=f"{ctx.order.ctid} does not start on {ctx.source.name} again: vzctl start ended with "
                f"{job.exit_code}. {job.error_tail[-500:]}".strip(),
                again=job.exit_code == 0,  # it came up and went down again
                park=True,
            )
        case not_yet:
            return not_yet
