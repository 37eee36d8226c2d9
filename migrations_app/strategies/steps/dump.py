"""Dump the container into an archive while it runs, copy the archive, make the container from it."""

from __future__ import annotations

from migrations_app.execution import remote_job
from migrations_app.execution.outcome import Done, Failed, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import listening, remote
from migrations_app.strategies.steps.define import stopped_and_bare
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz import vzdump
from migrations_app.vz.facts import Digest
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import PushArchive, Restore, Strip, Vzdump

COPY_JOB = "copy_archive"


class DumpArchive(Step):
    name = "dump"
    title = "Dump the container into an archive while it runs"
    public_phrase = "copying"

    def run(self, ctx: StepContext) -> RunOutcome:
        """The copy starts with the dump and follows the growing archive, so it is nearly over when the dump is."""
        op = Vzdump(
            migration_id=ctx.order.migration_id,
            mode="suspend" if listening.was_running(ctx) else "stop",
            bandwidth_limit_kib=ctx.order.bandwidth_limit_kib,
        )
        outcome = remote.finished(ctx, ctx.source, self.name, op, stage="Dumping")
        if isinstance(outcome, Waiting):
            _start_following(ctx)
            return outcome
        if not isinstance(outcome, JobStatus):
            return outcome
        log = vzdump.read_dump(
            outcome.output_tail + outcome.error_tail, ctid=ctx.order.ctid, exit_code=outcome.exit_code or 0
        )
        if not log.ok:
            return Failed(name="DumpFailed", reason=log.reason, again=True)
        return Done({"mode": log.mode, "archive": log.archive_path.rpartition("/")[2], "seconds": outcome.took_seconds})

    def undo(self, ctx: StepContext) -> RunOutcome:
        for job in (self.name, COPY_JOB):
            remote.cancel(ctx, ctx.source, job)
        return Done()


class CopyArchive(Step):
    name = "copy_archive"
    title = "Copy the archive to the target node"
    public_phrase = "copying"

    def run(self, ctx: StepContext) -> RunOutcome:
        match remote.finished(ctx, ctx.source, COPY_JOB, _push(ctx), stage="Copying the archive"):
            case JobStatus(exit_code=0) as job:
                return Done({"seconds": job.took_seconds})
            case JobStatus() as job:
                return Failed(name="CopyFailed", reason=(job.error_tail or job.output_tail)[-500:], again=True)
            case not_yet:
                return not_yet

    def verify(self, ctx: StepContext) -> RunOutcome:
        """Trust digests, not exit codes."""
        question = Digest(ctx.order.migration_id, ctx.evidence_of("dump")["archive"])
        original, copy = ctx.ask(ctx.source, question), ctx.ask(ctx.target, question)
        if original == copy:
            return Done({"sha256": copy})
        return Failed(name="CopyFailed", reason="The archive's copy has another digest than the archive.", again=True)

    def undo(self, ctx: StepContext) -> RunOutcome:
        remote.cancel(ctx, ctx.source, COPY_JOB)
        return Done()


class RestoreArchive(OneJob):
    name = "restore"
    title = "Make the container from the archive, without an address"
    public_phrase = "copying"
    works_on = "target"

    def run(self, ctx: StepContext) -> RunOutcome:
        op = Restore(migration_id=ctx.order.migration_id)
        outcome = remote.finished(ctx, ctx.target, self.name, op, stage="Restoring")
        if not isinstance(outcome, JobStatus):
            return outcome
        log = vzdump.read_restore(outcome.output_tail + outcome.error_tail, exit_code=outcome.exit_code or 0)
        if not log.ok:
            return Failed(name="RestoreFailed", reason=log.reason)
        ctx.must(ctx.target, Strip())
        return Done({"seconds": outcome.took_seconds})

    def verify(self, ctx: StepContext) -> RunOutcome:
        return stopped_and_bare(ctx)


def _push(ctx: StepContext) -> PushArchive:
    return PushArchive(
        destination=ctx.target.address,
        migration_id=ctx.order.migration_id,
        bandwidth_limit_kib=ctx.order.bandwidth_limit_kib,
    )


def _start_following(ctx: StepContext) -> None:
    remote_job.start_or_adopt(
        ctx.outside.shell,
        ctx.source,
        key=ctx.job_key(COPY_JOB),
        ctid=ctx.order.ctid,
        token=ctx.token,
        op=_push(ctx),
    )
