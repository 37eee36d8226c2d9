"""Pass the old addresses on to the new ones, for as long as anybody still comes there."""

from __future__ import annotations

from datetime import timedelta
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
from migrations_app.ports.shell import Endpoint
from migrations_app.vz.facts import ArpOwner, FactUnreadable, ForwardState
from migrations_app.vz.ops import Announce, DropAddresses, ForwardEnd, ForwardIn, ForwardOut, TunnelKinds
from migrations_app.vz.ops.short import ForwardKind, TunnelKind

TUNNELS: tuple[TunnelKind, ...] = ("gre", "vxlan")
POLL_SECONDS = 20.0
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
        kind = next((kind for kind in TUNNELS if kind in possible), None)
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
        kind = chosen_kind(ctx)
        refused = _put_up(ctx, kind)
        if refused and kind in TUNNELS:
            # Its users wait: the other way at once, and the reason is kept.
            kind, why = "nat", f"The {kind} tunnel was refused: {refused}. {HIDDEN}"
            refused = _put_up(ctx, kind)
        else:
            why = ""
        if refused:
            return Failed(name="ForwardFailed", reason=refused, again=True)
        for old, new in ctx.order.replaced:
            forwards.begin(ctx.order.migration_id, old=old, new=new, kind=kind, now=ctx.now)
        return Done({"kind": kind, **({"why": why} if why else {})})


class StayUntilQuiet(Step):
    """Names are cached for longer than anybody says, and addresses are written into programs."""

    name = "stay_until_quiet"
    title = "Pass on until nobody comes to the old addresses any more"
    public_phrase = "finishing"
    reversible = False

    def check(self, ctx: StepContext) -> CheckOutcome:
        return Ready() if forwards.of(ctx.order.migration_id) else AlreadyDone({"left_out": "nothing is passed on"})

    def run(self, ctx: StepContext) -> RunOutcome:
        for row in forwards.of(ctx.order.migration_id):
            seen = ctx.ask(_counting_node(ctx, row.kind), ForwardState(row.old))
            if not seen.wished or not seen.in_force:
                if refused := _put_up(ctx, cast(ForwardKind, row.kind)):
                    return Failed(name="ForwardFailed", reason=refused, again=True)
                forwards.mend(row)
            forwards.note(row, counter=seen.new_connections, callers=seen.callers, now=ctx.now)
        return self._judge(ctx)

    def _judge(self, ctx: StepContext) -> RunOutcome:
        rows = forwards.of(ctx.order.migration_id)
        arrived = sum(row.new_connections for row in rows)
        if ctx.order.forward_released:
            return Done({"new_connections": arrived, "released": "by a person"})
        settings = ctx.order.settings
        least = timedelta(seconds=max(settings["forward_least_seconds"], 10 * old_ttl_seconds(ctx)))
        quiet = timedelta(seconds=settings["forward_quiet_seconds"])
        began = min(row.began_at for row in rows)
        last = max((row.last_arrival_at for row in rows if row.last_arrival_at), default=began)
        until = max(began + least, last + quiet)
        if ctx.now >= until:
            return Done({"new_connections": arrived, "quiet_since": last.isoformat()})
        left = (until - ctx.now).total_seconds()
        progress = Progress(stage=f"{arrived} new connections came to the old address so far", seconds_left=left)
        return Waiting(min(POLL_SECONDS, max(left, 1.0)), progress)


class EndForward(Step):
    name = "end_forward"
    title = "Stop passing the old addresses on"
    public_phrase = "finishing"
    reversible = False

    def run(self, ctx: StepContext) -> RunOutcome:
        for row in forwards.of(ctx.order.migration_id):
            end = ForwardEnd(migration_id=ctx.order.migration_id, old=row.old)
            ctx.must(ctx.source, end)
            ctx.must(ctx.target, end)
            if row.kind != "nat":
                ctx.must(ctx.target, DropAddresses(addresses=(row.old,)))
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
    return cast(ForwardKind, kind) if kind in (*TUNNELS, "here") else "nat"


def addresses_on_target(ctx: StepContext) -> tuple[str, ...]:
    """Return what the container answers at on the target: the old addresses too, where they are passed on unchanged."""
    if not ctx.order.new_addresses:
        return ctx.order.addresses
    return ctx.order.new_addresses + (() if chosen_kind(ctx) == "nat" else ctx.order.addresses)


def old_ttl_seconds(ctx: StepContext) -> int:
    """Return the longest time that names of the old addresses were allowed to be remembered; 0 where none changed."""
    return int(ctx.evidence_of("lower_ttl").get("old_ttl_seconds", 0))


def _share_a_wire(ctx: StepContext) -> bool:
    try:
        for old in ctx.order.addresses:
            ctx.ask(ctx.target, ArpOwner(old))
    except FactUnreadable:
        return False
    return True


def _tunnels(ctx: StepContext, node: Endpoint) -> list[str]:
    return ctx.must(node, TunnelKinds()).split()


def counting_node(kind: str, *, lives_on: Endpoint, came_from: Endpoint) -> Endpoint:
    """Return the node where callers of the old address arrive."""
    return lives_on if kind == "here" else came_from


def _counting_node(ctx: StepContext, kind: str) -> Endpoint:
    return counting_node(kind, lives_on=ctx.target, came_from=ctx.source)


def _put_up(ctx: StepContext, kind: ForwardKind) -> str:
    """Say it on both nodes, the receiving end first; return why one refused, empty where none did."""
    number = ctx.order.migration_id
    for old, new in ctx.order.replaced:
        if kind in TUNNELS:
            inward = ForwardIn(migration_id=number, kind=kind, old=old, peer=ctx.source.address)
            if refused := _refusal(ctx, ctx.target, inward):
                return refused
        outward = ForwardOut(migration_id=number, kind=kind, old=old, new=new, peer=_peer(ctx, kind))
        if refused := _refusal(ctx, _counting_node(ctx, kind), outward):
            return refused
        if kind == "here" and ":" not in old:
            ctx.do(ctx.target, Announce(address=old, count=3))
    return ""


def _peer(ctx: StepContext, kind: ForwardKind) -> str:
    return ctx.source.address if kind == "here" else ctx.target.address


def _refusal(ctx: StepContext, node: Endpoint, op: ForwardIn | ForwardOut) -> str:
    result = ctx.do(node, op)
    if result.exit_code == 0:
        return ""
    return f"{node.name}: {(result.error or result.output).strip()[:300] or f'exit code {result.exit_code}'}"
