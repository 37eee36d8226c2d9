"""The last pass with the source stopped, and the run that must find no difference."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import StepContext
from migrations_app.strategies.steps import sync
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz import rsync
from migrations_app.vz.gate import JobStatus


class FinalPass(OneJob):
    name = "final_pass"
    title = "Carry over the last changes, with the source stopped"
    public_phrase = "switching"
    may_wait_before = False

    def run(self, ctx: StepContext) -> RunOutcome:
        match sync.pass_over(ctx, self.name, "final", stage="Carrying over the last changes"):
            case JobStatus() as job:
                return Done({**sync.sent(job), "seconds": job.took_seconds})
            case not_yet:
                return not_yet


class Certify(OneJob):
    """The empty difference run is the proof that no write was lost; it is kept with the migration."""

    name = "certify"
    title = "Prove that both copies are the same"
    public_phrase = "switching"
    may_wait_before = False
    retry_limit = 1

    def run(self, ctx: StepContext) -> RunOutcome:
        match sync.pass_over(ctx, self.name, "verify", stage="Comparing"):
            case JobStatus() as job:
                return _judge(ctx, job)
            case not_yet:
                return not_yet


def _judge(ctx: StepContext, job: JobStatus) -> RunOutcome:
    try:
        certificate = rsync.empty_certificate(
            job.output_tail,
            output_bytes=job.output_bytes,
            exit_code=job.exit_code or 0,
            seconds=job.took_seconds or 0.0,
        )
    except rsync.NotIdentical as difference:
        return Failed(
            name="CopiesDiffer",
            reason=f"After the last pass, with the source stopped: {difference}. Somebody else writes there.",
        )
    return Done({"certificate": certificate.as_evidence(ctx.now)})
