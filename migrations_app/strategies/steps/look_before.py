"""See what the container's services show to their users, so that it can be compared when they are somewhere else."""

from __future__ import annotations

from migrations_app.execution import services
from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.ports.probe import Service
from migrations_app.strategies import likeness
from migrations_app.strategies.steps.probe_outside import LOOK_SECONDS, answered_before, spelled
from migrations_app.zones import shelf

MOST_NAMES = 4


class LookBefore(Step):
    """Two looks, one right after the other: what is not the same in both proves nothing afterwards."""

    name = "look_before"
    title = "See from outside what the services show"
    public_phrase = "copying"
    grows_stale = True

    def check(self, ctx: StepContext) -> CheckOutcome:
        if ctx.passed_point_of_no_return:
            return AlreadyDone({"left_out": "the container has moved: what it shows now is not from before"})
        if not answered_before(ctx):
            return AlreadyDone({"left_out": "no service answered from outside before the move"})
        return Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        names = names_of(ctx)
        asked = [Service(address=address, port=port, names=names) for address, port in answered_before(ctx)]
        probe = ctx.outside.probe
        looks = [probe.look(asked, timeout_seconds=LOOK_SECONDS) for _ in range(2)]
        kinds = {}
        for service, first, second in zip(asked, *looks, strict=True):
            if first.answers and second.answers:
                unsteady = likeness.unlike(first, second)
                place = service.address, service.port
                services.keep_before(ctx.order.migration_id, *place, look=second, unsteady=unsteady)
                kinds[spelled(*place)] = second.kind
        return Done({"kinds": kinds})


def names_of(ctx: StepContext) -> tuple[str, ...]:
    """Return the names by which it is asked for: its own, then those that our zones give its addresses."""
    found = [ctx.order.hostname, *shelf.names_at(ctx.order.addresses)]
    return tuple(dict.fromkeys(name for name in found if name))[:MOST_NAMES]
