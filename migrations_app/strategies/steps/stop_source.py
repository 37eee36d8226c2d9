"""Stop the container on the source node."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import remote
from migrations_app.strategies.steps.start_source import start_again
from migrations_app.vz.facts import CtStatus
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Stop

STOP_SECONDS = 60


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
        return start_again(ctx)
