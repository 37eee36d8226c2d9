"""Pass the old addresses on to the new ones, for as long as anybody still comes there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from migrations_app.execution import forwards
from migrations_app.execution.outcome import (
    AlreadyDone,
    CheckOutcome,
    Done,
    Failed,
    Progress,
    Ready,
    RunOutcome,
    Waiting,
)
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Forward, Publication
from migrations_app.ports.shell import Endpoint
from migrations_app.strategies.steps import passing_on
from migrations_app.strategies.steps.freeze import unfreeze
from migrations_app.strategies.steps.names import newest
from migrations_app.vz.facts import ArpOwner, FactUnreadable, ForwardState
from migrations_app.vz.ops import DropAddresses, ForwardEnd, TunnelKinds, Unfreeze
from migrations_app.vz.ops.short import ForwardKind

HIDDEN = "Until the old addresses are quiet, the container sees its old node as the caller of what comes that way."


class ChooseForward(Step):
    """A tunnel keeps the caller's address, which logs, limits and mail filters live by; rewriting hides it."""

    name = "choose_forward"
    title = "See how the old addresses can be passed on"
    public_phrase = "copying"

    def run(self, ctx: StepContext) -> RunOutcome:
        if _share_a_wire(ctx):
            return Done({"kind": "here", "why": "Both nodes are on the old address's wire: it comes along."})
        possible = set(_tunnels(ctx, ctx.source)) & set(_tunnels(ctx, ctx.target))
        kind = next((kind for kind in passing_on.TUNNELS if kind in possible), None)
        if kind is not None:
            return Done({"kind": kind, "why": f"Both nodes make {kind} tunnels: callers keep their address."})
        return Done({"kind": "nat", "why": f"No tunnel that both nodes can make. {HIDDEN}"})


class ForwardOldAddresses(Step):
    """Stands in the freeze, right after the start: what is let in afterwards finds its way at either address."""

    name = "forward"
    title = "Pass the old addresses on to the new ones"
    public_phrase = "switching"
    may_wait_before = False
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        """Let callers in at the new addresses first: the old node may be gone, and nothing else stands in their way.

        The services listen there, the source still holds both, and nobody is told of the new ones yet. Where the target
        refuses, it is asked again after this, and a person is called then.
        """
        ctx.do(ctx.target, Unfreeze(addresses=ctx.order.new_addresses))
        if ctx.order.forward_released:
            return Done({"left_out": "released by a person"})
        kind = chosen_kind(ctx)
        refused = _put_up_all(ctx, kind)
        if refused and kind in passing_on.TUNNELS:
            # Its users wait: the other way at once, and the reason is kept.
            kind, why = "nat", f"The {kind} tunnel was refused: {refused}. {HIDDEN}"
            refused = _put_up_all(ctx, kind)
        else:
            why = ""
        if refused:
            return Failed(name="ForwardFailed", reason=refused, again=True)
        for old, new in ctx.order.replaced:
            forwards.begin(ctx.order.migration_id, old=old, new=new, kind=kind, now=ctx.now)
        return Done({"kind": kind, **({"why": why} if why else {})})


def _put_up_all(ctx: StepContext, kind: ForwardKind) -> str:
    """Return why a node refused, empty where none did."""
    number, way = ctx.order.migration_id, passing_on.there(ctx)
    rows = [Forward(migration_id=number, old=old, new=new, kind=kind) for old, new in ctx.order.replaced]
    return next((refused for row in rows if (refused := passing_on.put_up(ctx, way, row))), "")


class StayUntilQuiet(Step):
    """Names are cached for longer than anybody says, and addresses are written into programs."""

    name = "stay_until_quiet"
    title = "Pass on until nobody comes to the old addresses any more"
    public_phrase = "finishing"
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if forwards.of(ctx.order.migration_id) else AlreadyDone({"left_out": "nothing is passed on"})

    def run(self, ctx: StepContext) -> RunOutcome:
        return passing_on.look_after(ctx) or self._judge(ctx)

    def _judge(self, ctx: StepContext) -> RunOutcome:
        rows = forwards.of(ctx.order.migration_id)
        arrived = sum(row.new_connections for row in rows)
        if ctx.order.forward_released:
            return Done({"new_connections": arrived, "released": "by a person"})
        settings = ctx.order.settings
        least = timedelta(seconds=max(settings["forward_least_seconds"], 10 * old_ttl_seconds(ctx)))
        quiet = timedelta(seconds=settings["forward_quiet_seconds"])
        began = _told_at(ctx, rows)
        seen = [at for row in rows for at in (row.last_arrival_at, row.last_packet_at) if at]
        last = max(seen, default=began)
        until = max(began + least, last + quiet)
        if ctx.now >= until:
            return Done({"new_connections": arrived, "quiet_since": last.isoformat()})
        left = (until - ctx.now).total_seconds()
        progress = Progress(stage=f"{arrived} new connections came to the old address so far", seconds_left=left)
        return Waiting(min(passing_on.POLL_SECONDS, max(left, 1.0)), progress)


class EndForward(Step):
    name = "end_forward"
    title = "Stop passing the old addresses on"
    public_phrase = "finishing"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        """By the order, not by what was noted: a forward that a person gave up may be half there."""
        for old, _ in ctx.order.replaced:
            end = ForwardEnd(migration_id=ctx.order.migration_id, old=old)
            ctx.must(ctx.source, end)
            ctx.must(ctx.target, end)
            if old in addresses_on_target(ctx):
                ctx.must(ctx.target, DropAddresses(addresses=(old,)))
        if ctx.evidence_of("unfreeze").get("left_frozen"):
            unfreeze(ctx, ctx.source)
        for row in forwards.of(ctx.order.migration_id):
            forwards.end(row, now=ctx.now)
        return Done()

    def verify(self, ctx: StepContext) -> RunOutcome:
        left = [
            f"{old} on {node.name}"
            for node in (ctx.source, ctx.target)
            for old, _ in ctx.order.replaced
            if ctx.ask(node, ForwardState(old)).wished
        ]
        if left:
            return Failed(name="ForwardFailed", reason=f"Still passed on: {', '.join(left)}.", again=True)
        return Done()


def chosen_kind(ctx: StepContext) -> ForwardKind:
    kind = ctx.evidence_of("choose_forward").get("kind", "nat")
    return cast(ForwardKind, kind) if kind in (*passing_on.TUNNELS, "here") else "nat"


def addresses_on_target(ctx: StepContext) -> tuple[str, ...]:
    """Return what the container answers at on the target: the old addresses too, where they are passed on unchanged."""
    if not ctx.order.new_addresses:
        return ctx.order.addresses
    return ctx.order.new_addresses + (() if chosen_kind(ctx) == "nat" else ctx.order.addresses)


def old_ttl_seconds(ctx: StepContext) -> int:
    """Return the longest time that names of the old addresses were allowed to be remembered; 0 where none changed."""
    return int(ctx.evidence_of("lower_ttl").get("old_ttl_seconds", 0))


def _told_at(ctx: StepContext, rows: Sequence[Forward]) -> datetime:
    """Return since when callers can know better: what names said before is remembered from their publication on."""
    switch = newest(ctx, Publication.Kind.SWITCH)
    began = min(row.began_at for row in rows)
    return max(began, switch.published_at) if switch and switch.published_at else began


def _share_a_wire(ctx: StepContext) -> bool:
    try:
        for old in ctx.order.addresses:
            ctx.ask(ctx.target, ArpOwner(old))
    except FactUnreadable:
        return False
    return True


def _tunnels(ctx: StepContext, node: Endpoint) -> list[str]:
    return ctx.must(node, TunnelKinds()).split()
