"""Compare every file by checksum, and put right what differs, while the container runs."""

from __future__ import annotations

from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Ready, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import sync
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz.gate import JobStatus


class CrossCheck(OneJob):
    """Times and sizes do not show a flipped byte, nor what a rehearsal wrote into a file of the same size."""

    name = "cross_check"
    title = "Compare the copy with the original by checksum"
    public_phrase = "copying"

    def check(self, ctx: StepContext) -> CheckOutcome:
        if "left_out" in ctx.evidence_of("rehearse"):
            return AlreadyDone({"left_out": "nothing was rehearsed"})
        return Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        match sync.pass_over(ctx, self.name, "checksum", stage="Comparing by checksum"):
            case JobStatus() as job:
                return Done({**sync.sent(job), "seconds": job.took_seconds})
            case not_yet:
                return not_yet
