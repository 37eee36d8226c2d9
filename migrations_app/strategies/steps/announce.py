"""Repeat to the network segment where the addresses live now."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import forward, listening
from migrations_app.vz.ops import Announce


class AnnounceAddresses(Step):
    name = "announce"
    title = "Announce the addresses from the target node"
    public_phrase = "verifying"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        if listening.was_running(ctx):
            for address in announceable(ctx):
                ctx.must(ctx.target, Announce(address=address, count=3))
        return Done()


def announceable(ctx: StepContext) -> tuple[str, ...]:
    """Return those of IPv4 on the target's wire: IPv6 has no ARP, and its neighbours look anew by themselves."""
    on_its_wire = ctx.order.addresses_there
    if ctx.order.new_addresses and forward.chosen_kind(ctx) == "here":
        on_its_wire += ctx.order.addresses
    return tuple(address for address in on_its_wire if ":" not in address)
