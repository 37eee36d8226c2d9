"""Drop new connections on both nodes and let those that are open end their work."""

from __future__ import annotations

from datetime import timedelta

from migrations_app.execution.outcome import Done, Ready, Repeat, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.ports.shell import Endpoint
from migrations_app.strategies.steps import listening
from migrations_app.strategies.steps.approval import spent_or_again
from migrations_app.strategies.steps.start_source import start_again
from migrations_app.vz.facts import CtStatus, FactUnreadable
from migrations_app.vz.ops import Drained, Freeze, Unfreeze

# Requests that take longer than this are cut when the container stops, as at any shutdown.
LONGEST_DRAIN = timedelta(seconds=0.6)
LONGEST_WAIT_FOR_SERVICES = timedelta(seconds=60)


class FreezeAddresses(Step):
    """Dropped, never refused: a client's kernel asks again within the second and finds the container on its new node.
    On the target too, because a container answers before its services listen, and would refuse."""

    name = "freeze"
    title = "Hold new connections and let running requests finish"
    public_phrase = "switching"
    opens_freeze = True

    def admit(self, ctx: StepContext) -> Ready | Repeat:
        if not (ctx.order.new_addresses or ctx.order.new_hostname):
            return Ready()
        return spent_or_again(ctx) or Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        if not ctx.order.addresses:
            return Done({"left_out": "the container has no address"})
        ctx.must(ctx.target, Freeze(addresses=held_back(ctx)))
        ctx.must(ctx.source, Freeze(addresses=held_back(ctx)))
        busy = sum(_open_work(ctx, address) for address in ctx.order.addresses + ctx.order.passed_on)
        began = ctx.started_at or ctx.now
        if busy and ctx.now - began < LONGEST_DRAIN:
            return Waiting(0)
        return Done({"cut_short": busy})

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Let connections in again, once the source's services listen: they would be refused before.

        One that is down although nobody stopped it lost its node in this moment, and was told not to start at boot.
        """
        if not isinstance(started := start_again(ctx), Done):
            return started
        began = ctx.started_at or ctx.now
        if ctx.now - began < LONGEST_WAIT_FOR_SERVICES and not _serves_again(ctx):
            return Waiting(0)
        # The source first: it is the one that serves, and the target may be what failed.
        unfreeze(ctx, ctx.source, ctx.target)
        return Done()


def held_back(ctx: StepContext) -> tuple[str, ...]:
    """Return every address at which the container could be asked for, here or there."""
    return ctx.order.addresses + ctx.order.new_addresses


def unfreeze(ctx: StepContext, *nodes: Endpoint) -> None:
    """Let connections in again, in this order of nodes."""
    if ctx.order.addresses:
        for node in nodes:
            ctx.must(node, Unfreeze(addresses=held_back(ctx)))


def _serves_again(ctx: StepContext) -> bool:
    """A container that does not run is not waited for, and one that has no answer yet is still starting."""
    try:
        return not (
            ctx.ask(ctx.source, CtStatus(ctx.order.ctid)).running and listening.missing(ctx, ctx.source, ctx.order.ctid)
        )
    except FactUnreadable:
        return False


def _open_work(ctx: StepContext, address: str) -> int:
    said = ctx.must(ctx.source, Drained(address=address)).strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else 0
