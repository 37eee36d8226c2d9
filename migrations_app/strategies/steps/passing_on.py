"""What keeps an old address passed on: said on both nodes, and said again where a node has lost it."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Way:
    """The two nodes of an old address: where the container lives that it leads to, and where that came from."""

    lives_on: Endpoint
    came_from: Endpoint

    def counting_node(self, kind: str) -> Endpoint:
        """Return the node where callers of the old address arrive."""
        return self.lives_on if kind == "here" else self.came_from


def there(ctx: StepContext) -> Way:
    """Return the way of what this migration passes on."""
    return Way(lives_on=ctx.target, came_from=ctx.source)


def back(ctx: StepContext) -> Way:
    """Return the way of what a return trip was handed: the first move's source is its target."""
    return Way(lives_on=ctx.source, came_from=ctx.target)


def look_after(ctx: StepContext) -> Failed | None:
    """Note who still comes, and mend what a reboot or a firewall's reload took away; return why a node refused.

    What a person has released is left to itself, and so is what is being ended.
    """
    number, begun = ctx.order.migration_id, ctx.begun
    own = [] if ctx.order.forward_released or "end_forward" in begun else forwards.of(number)
    handed = [] if "end_old_forward" in begun else forwards.taken_over(number)
    looks = [_look(ctx, there(ctx), row) for row in own]
    looks += [_look(ctx, back(ctx), row) for row in handed if row.ended_at is None]
    return next((refused for refused in looks if refused), None)


def _look(ctx: StepContext, way: Way, row: Forward) -> Failed | None:
    seen = ctx.ask(way.counting_node(row.kind), ForwardState(row.old))
    if not seen.in_force or not _comes_in(ctx, way, row):
        if refused := put_up(ctx, way, row):
            return Failed(name="ForwardFailed", reason=refused, again=True)
        forwards.mend(row)
    forwards.note(row, counter=seen.new_connections, packets=seen.packets, callers=seen.callers, now=ctx.now)
    return None


def _comes_in(ctx: StepContext, way: Way, row: Forward) -> bool:
    """Return whether the container's own node takes part, where it has to: at the end of a tunnel."""
    return row.kind not in TUNNELS or ctx.ask(way.lives_on, ForwardState(row.old)).in_force


def put_up(ctx: StepContext, way: Way, row: Forward) -> str:
    """Say it on both nodes, the receiving end first; return why one refused, empty where none did."""
    number, kind = row.migration_id, cast(ForwardKind, row.kind)
    if kind in TUNNELS:
        inward = ForwardIn(migration_id=number, kind=kind, old=row.old, peer=way.came_from.address)
        if refused := _refusal(ctx, way.lives_on, inward):
            return refused
    peer = way.came_from if kind == "here" else way.lives_on
    outward = ForwardOut(migration_id=number, kind=kind, old=row.old, new=row.new, peer=peer.address)
    if refused := _refusal(ctx, way.counting_node(kind), outward):
        return refused
    if kind == "here" and ":" not in row.old:
        ctx.do(way.lives_on, Announce(address=row.old, count=3))
    return ""


def _refusal(ctx: StepContext, node: Endpoint, op: ForwardIn | ForwardOut) -> str:
    result = ctx.do(node, op)
    if result.exit_code == 0:
        return ""
    return f"{node.name}: {(result.error or result.output).strip()[:300] or f'exit code {result.exit_code}'}"
