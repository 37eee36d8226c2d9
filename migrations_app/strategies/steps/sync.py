"""Passes of rsync from the source's private area to the target's."""

from __future__ import annotations

from migrations_app.execution.outcome import Failed, Waiting
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import remote
from migrations_app.vz import rsync
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Sync
from migrations_app.vz.ops.long import Pass


def pass_over(ctx: StepContext, job_name: str, sync_pass: Pass, *, stage: str) -> JobStatus | Waiting | Failed:
    """Return the pass's job once it went well.

    Files that vanish while a living container is read are nothing; once it is stopped they are a failure.
    """
    op = Sync(
        destination=ctx.target.address,
        migration_id=ctx.order.migration_id,
        sync_pass=sync_pass,
        # A cap is for the long way; it must not lengthen the freeze.
        bandwidth_limit_kib=0 if ctx.frozen else ctx.order.bandwidth_limit_kib,
    )
    outcome = remote.finished(ctx, ctx.source, job_name, op, stage=stage)
    if not isinstance(outcome, JobStatus):
        return outcome
    verdict = rsync.verdict(outcome.exit_code or 0, frozen=sync_pass in ("final", "verify"))
    if verdict.ok:
        return outcome
    said = outcome.error_tail.strip()[-500:]
    reason = f"{stage}: {verdict.sentence}. {said}".strip()
    return Failed(name="CopyFailed", reason=reason, again=verdict.kind == "retry")


def sent(job: JobStatus) -> dict[str, int]:
    """Return what a pass carried, as evidence; figures rsync did not print are left out."""
    stats = rsync.read_stats(job.output_tail)
    figures = {
        "files_compared": stats.files,
        "files_sent": stats.files_transferred,
        "bytes_moved": stats.bytes_sent,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
