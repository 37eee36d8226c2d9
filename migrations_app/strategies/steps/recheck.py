"""Look once more at what may have changed while the data was copied, before the container's users are made to wait."""

from __future__ import annotations

from datetime import timedelta

from migrations_app.execution.outcome import Blocked, CheckOutcome, Done, Failed, Progress, Ready, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.prechecks import second_look

# What ends by itself: a nightly backup, a colleague at work.
PASSING = frozenset({"at-work-source", "at-work-target", "lock-held"})
# Somebody else has the address that the container would begin to serve at.
IN_USE = frozenset({"address-in-use", "address-answered-elsewhere", "address-taken-meanwhile"})
LONGEST_WAIT = timedelta(hours=3)
POLL_SECONDS = 15.0


class Recheck(Step):
    """Stands before the last passes: while it waits changes pile up, and those carry them over."""

    name = "recheck"
    title = "Look once more at both nodes"
    public_phrase = "copying"

    def check(self, ctx: StepContext) -> CheckOutcome:
        lasting = tuple(objection for objection in second_look(ctx) if objection.check_id not in PASSING)
        in_use = " ".join(objection.text for objection in lasting if objection.check_id in IN_USE)
        if in_use:
            return Failed(name="AddressInUse", reason=in_use, park=True)
        return Blocked(lasting) if lasting else Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        """Wait for others to end their work on the container."""
        found = second_look(ctx)
        if not found:
            return Done()
        if ctx.now - (ctx.started_at or ctx.now) < LONGEST_WAIT:
            return Waiting(POLL_SECONDS, Progress(stage=f"Waiting: {found[0].text}"))
        reasons = " ".join(objection.text for objection in found)
        return Failed(name="ContainerBusy", reason=f"{reasons} So it has been for {LONGEST_WAIT}.", park=True)
