"""Let connections in again: at the container's new place."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.ports.shell import NodeUnreachable, ReplyLost
from migrations_app.strategies.steps.freeze import unfreeze


class UnfreezeAddresses(Step):
    name = "unfreeze"
    title = "Let connections in again"
    public_phrase = "switching"
    may_wait_before = False
    reversible = False
    closes_freeze = True

    def run(self, ctx: StepContext) -> RunOutcome:
        """The start has announced the addresses once already; that is repeated when nobody waits for it any more."""
        # The target first: it is where they are to arrive.
        unfreeze(ctx, ctx.target)
        try:
            unfreeze(ctx, ctx.source)
        except (NodeUnreachable, ReplyLost):
            if not ctx.order.forward_released:
                raise
            # A person gave the old addresses up: nobody comes by the source, and the names need not wait for it.
            return Done({"left_frozen": ctx.source.name})
        return Done()
