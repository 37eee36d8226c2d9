"""Make the container's configuration on the target: stopped, without an address, not started at boot."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import remote
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz.facts import CtConfig, CtStatus
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Define


class DefineOnTarget(OneJob):
    name = "define"
    title = "Create the container on the target node, stopped and without an address"
    works_on = "target"

    def run(self, ctx: StepContext) -> RunOutcome:
        config = ctx.ask(ctx.source, CtConfig(ctx.order.ctid))
        op = Define(migration_id=ctx.order.migration_id, config_text=config.text)
        match remote.finished(ctx, ctx.target, self.name, op, stage="Creating"):
            case JobStatus(exit_code=0):
                return Done()
            case JobStatus() as job:
                return Failed(name="DefineFailed", reason=job.error_tail[-500:])
            case not_yet:
                return not_yet

    def verify(self, ctx: StepContext) -> RunOutcome:
        return stopped_and_bare(ctx)


def stopped_and_bare(ctx: StepContext) -> RunOutcome:
    """Check that the target's copy is there, does not run, has no address and does not start at boot."""
    state, config = ctx.ask_all(ctx.target, CtStatus(ctx.order.target_ctid), CtConfig(ctx.order.target_ctid))
    if not state.exists or state.running:
        seen = "is not there" if not state.exists else "runs"
        return Failed(name="CopyNotAtRest", reason=f"The copy on {ctx.target.name} {seen}.")
    if config.addresses or config.onboot:
        return Failed(
            name="CopyNotAtRest",
            reason=f"The copy on {ctx.target.name} has addresses {list(config.addresses)} and onboot {config.onboot}.",
        )
    return Done()
