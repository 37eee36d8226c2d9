"""Let the source reach the target with a key pair made for this migration only."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import SshTo
from migrations_app.vz.ops import TrustAccept, TrustDrop, TrustMake, TrustPin


class Trust(Step):
    name = "trust"
    title = "Let the source node reach the target node, for this migration only"

    def run(self, ctx: StepContext) -> RunOutcome:
        number = ctx.order.migration_id
        public_key = ctx.must(ctx.source, TrustMake(migration_id=number)).strip()
        ctx.must(ctx.target, TrustAccept(migration_id=number, address=ctx.source.address, public_key=public_key))
        ctx.must(ctx.source, TrustPin(migration_id=number, address=ctx.target.address, public_key=ctx.target.host_key))
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        """Connect as the tools will, from the source: this tries the key, the host key and the way between."""
        seen = ctx.ask(ctx.source, SshTo(ctx.target.address, ctx.order.migration_id))
        if seen.ok:
            return Done()
        return Failed(
            name="NodesDoNotConnect",
            reason=f"{ctx.source.name} does not reach {ctx.target.name} by ssh: {seen.reason}",
            again=True,
        )

    def undo(self, ctx: StepContext) -> RunOutcome:
        drop(ctx)
        return Done()


class Untrust(Step):
    name = "untrust"
    title = "Remove the migration's key from both nodes"
    public_phrase = "finishing"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        drop(ctx)
        return Done()


def drop(ctx: StepContext) -> None:
    for node in (ctx.source, ctx.target):
        ctx.must(node, TrustDrop(migration_id=ctx.order.migration_id))
