"""Keep the container's configuration, and all of it where that was asked for, before anything is touched."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import remote
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Backup


class BackUp(OneJob):
    name = "backup"
    title = "Back up the container's configuration"

    def run(self, ctx: StepContext) -> RunOutcome:
        op = Backup(migration_id=ctx.order.migration_id, full=ctx.order.full_backup)
        match remote.finished(ctx, ctx.source, self.name, op, stage="Backing up"):
            case JobStatus(exit_code=0) as job:
                return Done({"seconds": job.took_seconds})
            case JobStatus() as job:
                return Failed(name="BackupFailed", reason=job.error_tail[-500:], again=True)
            case not_yet:
                return not_yet
