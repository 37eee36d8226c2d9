"""Carry over what changed meanwhile, again and again, until the forecast freeze fits the budget."""

from __future__ import annotations

from string import ascii_lowercase

from migrations_app.execution.outcome import Done, Failed, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.forecast import PRIOR_START_SECONDS, PRIOR_STOP_SECONDS, FreezeParts
from migrations_app.strategies.steps import remote, sync
from migrations_app.strategies.steps.both_nodes import states
from migrations_app.vz.gate import JobStatus

SAMPLES = 3


class DeltaPasses(Step):
    name = "delta"
    title = "Carry over changes until the freeze will be short enough"
    public_phrase = "copying"
    grows_stale = True

    def run(self, ctx: StepContext) -> RunOutcome:
        """Each pass is a job of its own; the ones before are met again and only read."""
        forecast = 0.0
        moved = 0
        for number in range(ctx.order.settings["max_delta_passes"]):
            outcome = sync.pass_over(ctx, _job_name(number), "warm", stage=f"Carrying over changes, pass {number + 1}")
            if not isinstance(outcome, JobStatus):
                return outcome
            moved += sync.sent(outcome).get("bytes_moved", 0)
            forecast = _forecast(ctx, outcome, call_seconds=_call_seconds(ctx))
            if forecast <= ctx.order.freeze_budget_seconds:
                return Done({"freeze_forecast_seconds": forecast, "passes": number + 1, "bytes_moved": moved})
        return Failed(
            name="FreezeTooLong",
            reason=f"After {ctx.order.settings['max_delta_passes']} passes the freeze would still take {forecast} s, "
            f"more than the budget of {ctx.order.freeze_budget_seconds} s: the container changes faster than that. "
            "Try again at a quieter hour, or go back and schedule it with a larger budget.",
            park=True,
        )

    def undo(self, ctx: StepContext) -> RunOutcome:
        for number in range(ctx.order.settings["max_delta_passes"]):
            remote.cancel(ctx, ctx.source, _job_name(number))
        return Done()


def _job_name(number: int) -> str:
    return f"delta_{ascii_lowercase[number]}"


def _call_seconds(ctx: StepContext) -> float:
    """Ask both nodes what they will be asked while the container stands still, and return how long an answer takes."""
    began = ctx.now
    for _ in range(SAMPLES):
        states(ctx)
    return (ctx.now - began).total_seconds() / (2 * SAMPLES)


def _forecast(ctx: StepContext, last_pass: JobStatus, *, call_seconds: float) -> float:
    """The last pass and the empty check are taken to need as long as this pass did: both walk the same trees."""
    rehearsal = ctx.evidence_of("rehearse")
    took = last_pass.took_seconds or last_pass.age_seconds
    return FreezeParts(
        stop_seconds=rehearsal.get("stop_seconds") or PRIOR_STOP_SECONDS,
        last_pass_seconds=took,
        check_seconds=took,
        start_seconds=rehearsal.get("start_seconds") or PRIOR_START_SECONDS,
        call_seconds=call_seconds,
    ).total_seconds
