"""Delete the fenced copy on the source, after its retention and by a person's yes."""

from __future__ import annotations

from migrations_app.execution.outcome import Blocked, CheckOutcome, Done, Objection, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import CtStatus
from migrations_app.vz.ops import ForgetWork, Retire


class RetireSource(Step):
    name = "retire"
    title = "Delete the old copy on the source node"
    public_phrase = "finishing"
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        """The container must live somewhere while the old copy goes; back on the source, that copy was set aside."""
        if ctx.ask(ctx.home, CtStatus(ctx.order.target_ctid)).exists:
            return Ready()
        return Blocked(
            (
                Objection(
                    check_id="living-copy-missing",
                    text=f"{ctx.home.name} does not know {ctx.order.target_ctid}; "
                    f"the copy on {ctx.source.name} may be the only one.",
                    way_out="Find where the container lives now. Keep this copy until that is clear.",
                ),
            )
        )

    def run(self, ctx: StepContext) -> RunOutcome:
        number = ctx.order.migration_id
        ctx.must(ctx.source, Retire(migration_id=number, now_epoch=int(ctx.now.timestamp())))
        for node in (ctx.source, ctx.target):
            ctx.must(node, ForgetWork(migration_id=number))
        return Done()
