"""Where the container runs, by the word of both nodes."""

from __future__ import annotations

from migrations_app.execution.step import StepContext
from migrations_app.vz.facts import ContainerState, CtStatus


def states(ctx: StepContext) -> tuple[ContainerState, ContainerState]:
    """Ask the source, then the target."""
    return ctx.ask(ctx.source, CtStatus(ctx.order.ctid)), ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid))
