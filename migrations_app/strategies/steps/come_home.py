"""A container that comes back to where its old address is still passed on: that ends in the freeze, as it moves in."""

from __future__ import annotations

from typing import cast

from migrations_app.execution import forwards
from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Forward
from migrations_app.strategies.steps.passing_on import counting_node
from migrations_app.vz.facts import ForwardState
from migrations_app.vz.ops import ForwardEnd, ForwardIn, ForwardOut
from migrations_app.vz.ops.short import ForwardKind, TunnelKind


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
            if row.kind in (Forward.Kind.GRE, Forward.Kind.VXLAN):
                ctx.must(ctx.source, _inward(ctx, row))
            ctx.must(counting_node(row.kind, lives_on=ctx.source, came_from=ctx.target), _outward(ctx, row))
            forwards.resume(row)
        return Done()


def _inward(ctx: StepContext, row: Forward) -> ForwardIn:
    kind = cast(TunnelKind, str(row.kind))
    return ForwardIn(migration_id=row.migration_id, kind=kind, old=row.old, peer=ctx.target.address)


def _outward(ctx: StepContext, row: Forward) -> ForwardOut:
    peer = ctx.target if row.kind == Forward.Kind.HERE else ctx.source
    kind = cast(ForwardKind, str(row.kind))
    return ForwardOut(migration_id=row.migration_id, kind=kind, old=row.old, new=row.new, peer=peer.address)
