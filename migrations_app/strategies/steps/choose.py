"""Measure what decides, choose the method, and say why."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.choice import Measured, choose
from migrations_app.strategies.forecast import USUAL_BYTES_PER_SECOND
from migrations_app.strategies.steps import live, remote
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz import vzmigrate
from migrations_app.vz.facts import CtChurn, CtSize, FactUnreadable
from migrations_app.vz.facts.fact import key_values
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Measure, VzmigrateCheck


class MeasureLink(OneJob):
    name = "measure"
    title = "Measure the way between the two nodes"

    def run(self, ctx: StepContext) -> RunOutcome:
        op = Measure(destination=ctx.target.address, migration_id=ctx.order.migration_id)
        match remote.finished(ctx, ctx.source, self.name, op, stage="Measuring"):
            case JobStatus(exit_code=0) as job:
                return Done({"bytes_per_second": _speed(job)})
            case JobStatus():
                return Done({"bytes_per_second": USUAL_BYTES_PER_SECOND, "assumed": True})
            case not_yet:
                return not_yet


class ChooseMethod(OneJob):
    name = "choose"
    title = "Choose the method"

    def run(self, ctx: StepContext) -> RunOutcome:
        obstacles = _of_order(ctx)
        seen = ctx.evidence_of("preflight")
        if seen.get("was_running", True) and not obstacles:
            op = VzmigrateCheck(destination=ctx.target.address, migration_id=ctx.order.migration_id, live=True)
            outcome = remote.finished(ctx, ctx.source, self.name, op, stage="Asking vzmigrate")
            if not isinstance(outcome, JobStatus):
                return outcome
            obstacles = _obstacles(ctx, outcome)
        choice = choose(_measured(ctx, obstacles), ctx.order.settings)
        return Done({"method_reason": choice.reason}, continue_with=choice.method)


def _measured(ctx: StepContext, obstacles: tuple[str, ...]) -> Measured:
    seen = ctx.evidence_of("preflight")
    churn = ctx.ask(ctx.source, CtChurn(ctx.order.ctid))
    return Measured(
        running=bool(seen.get("was_running", True)),
        data_mib=_data_mib(ctx),
        memory_mib=int(seen.get("memory_mib") or 0),
        churn_bytes_per_second=churn.bytes / churn.window_seconds,
        link_bytes_per_second=float(ctx.evidence_of("measure")["bytes_per_second"]),
        live_obstacles=obstacles,
    )


def _data_mib(ctx: StepContext) -> int | None:
    """Return None where there are too many files to count within a question."""
    try:
        return ctx.ask(ctx.source, CtSize(ctx.order.ctid)).kib // 1024
    except FactUnreadable:
        return None


def _of_order(ctx: StepContext) -> tuple[str, ...]:
    """What vzmigrate cannot do on the way, or cannot be told to."""
    if live.unspoken(ctx):
        return (live.NOT_SPOKEN,)
    if ctx.order.new_addresses:
        return ("its address changes",)
    return ("its host name changes",) if ctx.order.new_hostname else ()


def _obstacles(ctx: StepContext, job: JobStatus) -> tuple[str, ...]:
    log = vzmigrate.read_log(job.output_tail, job.error_tail)
    if job.exit_code != 0:
        return (log.reason or vzmigrate.verdict(job.exit_code or 0, family=live.family_of(ctx)).sentence,)
    return log.warnings


def _speed(job: JobStatus) -> float:
    found = key_values(job.output_tail)
    try:
        return max(float(found["bytes"]) / max(float(found["seconds"]), 0.001), 1024.0)
    except (KeyError, ValueError):
        return USUAL_BYTES_PER_SECOND
