"""A container that comes back to where its old address is still passed on: that ends in the freeze, as it moves in."""

from __future__ import annotations

from migrations_app.execution import forwards
from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import passing_on
from migrations_app.vz.facts import ForwardState
from migrations_app.vz.ops import ForwardEnd


class EndOldForward(Step):
    """Between the certificate and the start: nobody is let in at either address, so nobody meets the gap."""

    name = "end_old_forward"
    title = "Stop passing the address on that comes home"
    public_phrase = "switching"
    may_wait_before = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        if ctx.order.returns is not None and forwards.taken_over(ctx.order.migration_id):
            return Ready()
        return AlreadyDone({"left_out": "nothing is passed on to it"})

    def run(self, ctx: StepContext) -> RunOutcome:
        for row in forwards.taken_over(ctx.order.migration_id):
            end = ForwardEnd(migration_id=row.migration_id, old=row.old)
            ctx.must(ctx.target, end)
            ctx.must(ctx.source, end)
            forwards.end(row, now=ctx.now)
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        """The target's route must be gone: with it, the container could not be given the address."""
        for row in forwards.taken_over(ctx.order.migration_id):
            if ctx.ask(ctx.target, ForwardState(row.old)).wished:
                return Failed(name="ForwardFailed", reason=f"{ctx.target.name} still passes {row.old} on.", again=True)
        return Done()

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Pass on again, as before: the way of the first move, whose source is this one's target."""
        for row in forwards.taken_over(ctx.order.migration_id):
            if refused := passing_on.put_up(ctx, passing_on.back(ctx), row):
                return Failed(name="ForwardFailed", reason=refused, again=True)
            forwards.resume(row)
        return Done()
