"""Ask the container's services from outside, as its users do."""

from __future__ import annotations

from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext

PROBE_SECONDS = 2.0
MOST_PORTS = 8


class ProbeOutside(Step):
    """Only what answered from outside before the move must answer after it: many ports are meant for inside."""

    name = "probe_outside"
    title = "See from outside that the services answer"
    public_phrase = "verifying"
    reversible = False
    retry_limit = 10

    def check(self, ctx: StepContext) -> CheckOutcome:
        if answered_before(ctx):
            return Ready()
        return AlreadyDone({"left_out": "no service answered from outside before the move"})

    def run(self, ctx: StepContext) -> RunOutcome:
        results = {
            f"{address}:{port}": ctx.outside.probe.connect(address, port, timeout_seconds=PROBE_SECONDS)
            for address, port in must_answer(ctx)
        }
        silent = {place: result.detail for place, result in results.items() if not result.answers}
        if silent:
            told = "; ".join(f"{place}: {detail}" for place, detail in silent.items())
            return Failed(name="ServicesDoNotAnswer", reason=f"From outside: {told}.", again=True)
        return Done({"answers_seconds": {place: round(result.seconds, 3) for place, result in results.items()}})


def answered_before(ctx: StepContext) -> list[tuple[str, int]]:
    """Return address and port pairs that the pre-check saw answer."""
    return [(address, int(port)) for address, port in ctx.evidence_of("preflight").get("answered", [])][:MOST_PORTS]


def must_answer(ctx: StepContext) -> list[tuple[str, int]]:
    """Return where they must answer now: at the new address, and at the old one by what passes it on."""
    new = dict(ctx.order.replaced)
    places = answered_before(ctx)
    return [*((new[address], port) for address, port in places if address in new), *places]
