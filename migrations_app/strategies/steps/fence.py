"""Make sure that the old copy cannot start again, and keep it for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.vz.facts import CtConfigFiles, CtStatus, FenceState
from migrations_app.vz.ops import AcceptIncoming, Fence, SetOnboot


class FenceSource(Step):
    name = "fence"
    title = "Fence the old copy and keep it"
    public_phrase = "finishing"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        began = ctx.started_at or ctx.now
        retire_after = began + timedelta(days=ctx.order.retention_days)
        fence = Fence(migration_id=ctx.order.migration_id, retain_until_epoch=int(retire_after.timestamp()))
        ctx.must(ctx.source, fence)
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        """The date is the node's: it keeps a copy longer than it is told where its own settings say so."""
        ctid = ctx.order.ctid
        state, files, record = ctx.ask_all(ctx.source, CtStatus(ctid), CtConfigFiles(ctid), FenceState(ctid))
        if state.running or "conf" in files or record.retained_for != ctx.order.migration_id:
            return Failed(name="FenceFailed", reason=f"{ctx.source.name} still could start {ctid}.", again=True)
        kept_until = datetime.fromtimestamp(record.retained_until_epoch or 0, UTC)
        return Done({"retire_after": kept_until.isoformat()})


class SettleTarget(Step):
    """Drop the mark of arrival and start at boot as the original did."""

    name = "settle"
    title = "Make the copy on the target node the container"
    public_phrase = "finishing"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        ctx.must(ctx.target, AcceptIncoming(migration_id=ctx.order.migration_id))
        ctx.must(ctx.target, SetOnboot(onboot=ctx.evidence_of("preflight").get("onboot") is not False))
        return Done()
