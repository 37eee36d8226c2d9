"""Copy the private area while the container runs."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import sync
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz.gate import JobStatus


class FirstCopy(OneJob):
    name = "first_copy"
    title = "Copy the data while the container runs"
    public_phrase = "copying"

    def run(self, ctx: StepContext) -> RunOutcome:
        match sync.pass_over(ctx, self.name, "first", stage="Copying the data"):
            case JobStatus() as job:
                return Done({**sync.sent(job), "seconds": job.took_seconds})
            case not_yet:
                return not_yet
