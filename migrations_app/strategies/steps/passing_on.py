"""What keeps an old address passed on: said on both nodes, and said again where a node has lost it."""

from __future__ import annotations

from typing import cast

from migrations_app.execution import forwards
from migrations_app.execution.outcome import Failed
from migrations_app.execution.step import StepContext
from migrations_app.models import Forward
from migrations_app.ports.shell import Endpoint
from migrations_app.vz.facts import ForwardState
from migrations_app.vz.ops import Announce, ForwardIn, ForwardOut
from migrations_app.vz.ops.short import ForwardKind, TunnelKind

TUNNELS: tuple[TunnelKind, ...] = ("gre", "vxlan")
POLL_SECONDS = 20.0


def look_after(ctx: StepContext) -> Failed | None:
    """Note who still comes, and mend what a reboot or a firewall's reload took away; return why a node refused.

    What a person has released is left to itself.
    """
    for row in [] if ctx.order.forward_released else forwards.of(ctx.order.migration_id):
        seen = ctx.ask(_where_counted(ctx, row.kind), ForwardState(row.old))
        if not seen.in_force or not _comes_in(ctx, row):
            if refused := put_up(ctx, cast(ForwardKind, row.kind)):
                return Failed(name="ForwardFailed", reason=refused, again=True)
            forwards.mend(row)
        forwards.note(row, counter=seen.new_connections, packets=seen.packets, callers=seen.callers, now=ctx.now)
    return None


def _comes_in(ctx: StepContext, row: Forward) -> bool:
    """Return whether the container's own node takes part, where it has to: at the end of a tunnel."""
    return row.kind not in TUNNELS or ctx.ask(ctx.target, ForwardState(row.old)).in_force


def counting_node(kind: str, *, lives_on: Endpoint, came_from: Endpoint) -> Endpoint:
    """Return the node where callers of the old address arrive."""
    return lives_on if kind == "here" else came_from


def _where_counted(ctx: StepContext, kind: str) -> Endpoint:
    return counting_node(kind, lives_on=ctx.target, came_from=ctx.source)


def put_up(ctx: StepContext, kind: ForwardKind) -> str:
    """Say it on both nodes, the receiving end first; return why one refused, empty where none did."""
    number = ctx.order.migration_id
    for old, new in ctx.order.replaced:
        if kind in TUNNELS:
            inward = ForwardIn(migration_id=number, kind=kind, old=old, peer=ctx.source.address)
            if refused := _refusal(ctx, ctx.target, inward):
                return refused
        outward = ForwardOut(migration_id=number, kind=kind, old=old, new=new, peer=_peer(ctx, kind))
        if refused := _refusal(ctx, _where_counted(ctx, kind), outward):
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
