"""Ask both nodes everything the rules look at, in one call each; a live move needs two short ones more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrations_app.execution.step import Order, StepContext
from migrations_app.ports.shell import Endpoint
from migrations_app.strategies.prechecks.facts import Facts, Side, SourceFacts, TargetFacts, Unread
from migrations_app.strategies.prechecks.severity import wants_live
from migrations_app.vz import facts, gate, names
from migrations_app.vz.facts import Answer, Fact, FactUnreadable

# A look is part of a tick, which the queue ends after 20 s.
ASK_SECONDS = 12.0
# Nobody answers for the address of a stopped container, and silence takes two seconds to be sure of.
MOST_ON_THE_WIRE = 3

Questions = Mapping[str, Fact[Any]]

_OF_BOTH: Questions = {
    "kernel": facts.KernelFact(),
    "tools": facts.ToolVersions(),
    "service_runs": facts.ServiceRunning(),
    "disk": facts.Disk(),
    "memory": facts.Memory(),
    "ntp_client": facts.NtpClient(),
    "conf": facts.NodeConfig(),
    "modules": facts.Modules(),
    "checkpointing": facts.Checkpointing(),
    "address_owners": facts.Veip(),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one node answered: values by field, and what was no answer."""

    values: Mapping[str, Any]
    unread: tuple[Unread, ...]
    clock_offset_seconds: float | None


def gather(ctx: StepContext) -> Facts:
    """Return what both nodes say now; a single unreadable answer spoils no other."""
    order = ctx.order
    here = tell(ctx, ctx.source, "source", {**_OF_BOTH, **_of_source(order)})
    there = tell(ctx, ctx.target, "target", {**_OF_BOTH, **_of_target(order), **_on_the_wire(order)})
    seen = Facts(
        order=order,
        at=ctx.now,
        source=SourceFacts(name=ctx.source.name, clock_offset_seconds=here.clock_offset_seconds, **here.values),
        target=TargetFacts(
            name=ctx.target.name, clock_offset_seconds=there.clock_offset_seconds, **_with_wire(order, there)
        ),
        unread=(*here.unread, *there.unread),
    )
    return _with_carrying(ctx, seen) if order.method == "live" else seen


def gather_again(ctx: StepContext) -> Facts:
    """Return what may have changed since: cheap questions only, the container's users are about to wait."""
    source, target = ctx.order.ctid, ctx.order.target_ctid
    both: Questions = {"service_runs": facts.ServiceRunning(), "conf": facts.NodeConfig()}
    ours: Questions = {"config": facts.CtConfig(source), "macs": facts.Macs()}
    here = tell(
        ctx, ctx.source, "source", {**both, **ours, "lock": facts.CtLock(source), "at_work": facts.CtJobs(source)}
    )
    there = tell(
        ctx,
        ctx.target,
        "target",
        {
            **both,
            "at_work": facts.CtJobs(target),
            "fence": facts.FenceState(target),
            "address_owners": facts.Veip(),
            "disk": facts.Disk(),
            **_on_the_wire(ctx.order),
        },
    )
    return Facts(
        order=ctx.order,
        at=ctx.now,
        source=SourceFacts(name=ctx.source.name, clock_offset_seconds=here.clock_offset_seconds, **here.values),
        target=TargetFacts(
            name=ctx.target.name,
            clock_offset_seconds=there.clock_offset_seconds,
            **_with_wire(ctx.order, there),
        ),
        unread=(*here.unread, *there.unread),
    )


def tell(ctx: StepContext, node: Endpoint, side: Side, questions: Questions) -> Told:
    # The clock is asked first and last: comparing both moments with the call's two ends takes the call's own length
    # out of the result.
    clock = facts.ClockReading()
    began = ctx.now
    answers = gate.answers(ctx.outside.shell, node, clock, *questions.values(), clock, timeout_seconds=ASK_SECONDS)
    ended = ctx.now
    values, unread = _understood(node, side, questions, answers[1:-1])
    try:
        ahead = [clock.read(answers[0]) - began.timestamp(), clock.read(answers[-1]) - ended.timestamp()]
    except FactUnreadable as refusal:
        unread.append(Unread(node=node.name, side=side, fact=clock.name, refusal=refusal))
        return Told(values=values, unread=tuple(unread), clock_offset_seconds=None)
    return Told(values=values, unread=tuple(unread), clock_offset_seconds=sum(ahead) / len(ahead))


def wire_addresses(order: Order) -> tuple[str, ...]:
    """Return the addresses whose owner is looked for on the wire: usable ones, a few."""
    return tuple(address for address in order.addresses_there if is_usable(address))[:MOST_ON_THE_WIRE]


def _on_the_wire(order: Order) -> Questions:
    return {address: facts.ArpOwner(address) for address in wire_addresses(order)}


def _with_wire(order: Order, told: Told) -> dict[str, Any]:
    """Return what the target said, with the answers about addresses in a field of their own."""
    wire = wire_addresses(order)
    answered = {address: told.values[address] for address in wire if address in told.values}
    return {field: value for field, value in told.values.items() if field not in wire} | {"on_the_wire": answered}


def is_usable(address: str) -> bool:
    """Return whether a container could be given this address by the panel at all."""
    try:
        return names.checked_address(address) == address
    except names.BadValue:
        return False


def _of_source(order: Order) -> Questions:
    ctid = order.ctid
    always: Questions = {
        "state": facts.CtStatus(ctid),
        "config": facts.CtConfig(ctid),
        "size": facts.CtSize(ctid),
        "lock": facts.CtLock(ctid),
        "scripts": facts.CtScripts(ctid),
        "resources": facts.CtResources(ctid),
        "at_work": facts.CtJobs(ctid),
        "fence": facts.FenceState(ctid),
        "macs": facts.Macs(),
    }
    if not wants_live(order):
        return always
    return {**always, "mounts": facts.CtMounts(ctid), "cpt_version": facts.CptVersion()}


def _of_target(order: Order) -> Questions:
    ctid = order.target_ctid
    always: Questions = {
        "state": facts.CtStatus(ctid),
        "leftovers": facts.CtLeftovers(ctid),
        "scripts": facts.CtScripts(ctid),
        "at_work": facts.CtJobs(ctid),
        "fence": facts.FenceState(ctid),
        "container_names": facts.Names(),
        "bridges": facts.Bridges(),
        "ploop": facts.Ploop(),
    }
    return {**always, "cpt_caps": facts.CptCaps()} if wants_live(order) else always


def _with_carrying(ctx: StepContext, seen: Facts) -> Facts:
    """Ask each node about the other one's numbers, which only the answers before could tell."""
    source, unread = seen.source, list(seen.unread)
    version, caps = source.cpt_version, seen.target.cpt_caps
    if version is not None:
        told = tell(ctx, ctx.target, "target", {"can_restore_there": facts.CptVersionOk(version)})
        source, unread = replace(source, **told.values), [*unread, *told.unread]
    if caps is not None and seen.runs:
        told = tell(ctx, ctx.source, "source", {"can_live_there": facts.CptCapsOk(ctx.order.ctid, caps)})
        source, unread = replace(source, **told.values), [*unread, *told.unread]
    return replace(seen, source=source, unread=tuple(unread))


def _understood(
    node: Endpoint, side: Side, questions: Questions, answers: tuple[Answer, ...]
) -> tuple[dict[str, Any], list[Unread]]:
    values: dict[str, Any] = {}
    unread: list[Unread] = []
    for (field, fact), answer in zip(questions.items(), answers, strict=True):
        try:
            values[field] = fact.read(answer)
        except FactUnreadable as refusal:
            unread.append(Unread(node=node.name, side=side, fact=fact.name, refusal=refusal))
    return values, unread
