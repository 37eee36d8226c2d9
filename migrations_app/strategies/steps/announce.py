"""Repeat to the network segment where the addresses live now."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import forward, services
from migrations_app.vz.ops import Announce


class AnnounceAddresses(Step):
    name = "announce"
    title = "Announce the addresses from the target node"
    public_phrase = "verifying"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        if services.was_running(ctx):
            for address in announceable(ctx):
                ctx.must(ctx.target, Announce(address=address, count=3))
        return Done()


def announceable(ctx: StepContext) -> tuple[str, ...]:
    """Return the addresses of IPv4: those of IPv6 have no ARP, and their neighbours look anew by themselves."""
    return tuple(address for address in forward.addresses_on_target(ctx) if ":" not in address)
