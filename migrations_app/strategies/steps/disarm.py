"""Keep the source's copy from starting by itself when its node restarts in the wrong moment."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import CtConfig
from migrations_app.vz.ops import SetOnboot


class Disarm(Step):
    name = "disarm"
    title = "Keep the source's copy from starting at boot"

    def run(self, ctx: StepContext) -> RunOutcome:
        ctx.must(ctx.source, SetOnboot(onboot=False))
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        return Done({"onboot_now": ctx.ask(ctx.source, CtConfig(ctx.order.ctid)).onboot})

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Put back what the pre-check saw; absent means «started if it ran», for which yes stands in."""
        ctx.must(ctx.source, SetOnboot(onboot=ctx.evidence_of("preflight").get("onboot") is not False))
        return Done()
