"""What the container did before it moved, and whether a copy does the same."""

from __future__ import annotations

from collections.abc import Iterable

from migrations_app.execution.step import StepContext
from migrations_app.ports.shell import Endpoint
from migrations_app.vz.facts import CtListen


def was_running(ctx: StepContext) -> bool:
    """Return whether the container ran when the pre-check looked: one that was stopped stays so."""
    return bool(ctx.evidence_of("preflight").get("was_running", True))


def ports_before(ctx: StepContext) -> frozenset[int]:
    """Return the TCP ports that listened in the container when the pre-check looked."""
    return frozenset(ctx.evidence_of("preflight").get("ports", ()))


def missing(ctx: StepContext, node: Endpoint, ctid: str) -> frozenset[int]:
    """Return those of the ports that do not listen in this copy."""
    wanted = ports_before(ctx)
    if not wanted:
        return wanted
    listening = ctx.ask(node, CtListen(ctid))
    return wanted - frozenset(listening)


def spelled(ports: Iterable[int]) -> str:
    return ", ".join(str(port) for port in sorted(ports))
