"""Mark the container's number on the target as arriving with this migration."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import CtStatus
from migrations_app.vz.ops import ClearIncoming, ForgetWork, Reserve


class ReserveTarget(Step):
    name = "reserve"
    title = "Reserve the container's number on the target node"

    def run(self, ctx: StepContext) -> RunOutcome:
        ctx.must(ctx.target, Reserve(migration_id=ctx.order.migration_id))
        return Done()

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Remove what arrived, archives and all; the gate refuses unless this migration's mark is on it and it does
        not run."""
        ctx.must(ctx.target, ClearIncoming(migration_id=ctx.order.migration_id))
        for node in (ctx.source, ctx.target):
            ctx.must(node, ForgetWork(migration_id=ctx.order.migration_id))
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        return Done({"existed": ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid)).exists})
