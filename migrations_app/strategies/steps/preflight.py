"""Look at the container and both nodes before anything is touched, and remember how the container was."""

from __future__ import annotations

from typing import Any

from migrations_app.execution.outcome import Blocked, CheckOutcome, Done, Ready, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.prechecks import survey
from migrations_app.vz.facts import CtConfig, CtListen, CtResources, CtStatus, FactUnreadable, KernelFact, ToolVersions

PROBE_SECONDS = 1.0
PAGE_BYTES = 4096
MIB = 1024 * 1024
MOST_PROBES = 8


class Preflight(Step):
    name = "preflight"
    title = "Check the container and both nodes"

    def check(self, ctx: StepContext) -> CheckOutcome:
        """All objections of all checks at once; what is no obstacle is kept beside the migration."""
        objections = survey(ctx)
        if any(objection.severity == "blocker" for objection in objections):
            return Blocked(objections)
        return Ready(objections)

    def run(self, ctx: StepContext) -> RunOutcome:
        ctid = ctx.order.ctid
        state, config, kernel = ctx.ask_all(ctx.source, CtStatus(ctid), CtConfig(ctid), KernelFact())
        running: dict[str, Any] = _while_running(ctx) if state.running else {"ports": [], "answered": []}
        return Done(
            {
                "was_running": state.running,
                "onboot": config.onboot,
                "family": kernel.family,
                "knows_live": _knows_live(ctx),
                **running,
            }
        )


def _while_running(ctx: StepContext) -> dict[str, Any]:
    ports = ctx.ask(ctx.source, CtListen(ctx.order.ctid))
    return {
        "ports": sorted(ports),
        "answered": _answering(ctx, sorted(ports)),
        "memory_mib": _memory_mib(ctx),
    }


def _knows_live(ctx: StepContext) -> bool | None:
    """Return None where the node does not tell: then vzmigrate says so itself."""
    try:
        return ctx.ask(ctx.source, ToolVersions()).knows_gates_live_words
    except FactUnreadable:
        return None


def _memory_mib(ctx: StepContext) -> int | None:
    """Return what it holds, None where the kernel does not count it: only the choice of method asks."""
    try:
        resources = ctx.ask(ctx.source, CtResources(ctx.order.ctid))
        return resources["physpages"].held * PAGE_BYTES // MIB
    except (FactUnreadable, KeyError):
        return None


def _answering(ctx: StepContext, ports: list[int]) -> list[tuple[str, int]]:
    """Return the places that answer from outside now, and so must afterwards."""
    places = [(address, port) for address in ctx.order.addresses for port in ports][:MOST_PROBES]
    probe = ctx.outside.probe
    return [place for place in places if probe.connect(*place, timeout_seconds=PROBE_SECONDS).answers]
