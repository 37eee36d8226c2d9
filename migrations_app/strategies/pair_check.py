"""What a check of a pair does on nodes, with the pieces a real live move is made of; nothing is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from migrations_app.compatibility import causes
from migrations_app.compatibility.causes import Cause
from migrations_app.execution.outcome import Failed, Objection
from migrations_app.execution.step import OpFailed, StepContext
from migrations_app.ports.shell import Endpoint, ShellError
from migrations_app.strategies.prechecks import survey
from migrations_app.strategies.steps.trust import Trust
from migrations_app.vz import gate
from migrations_app.vz.facts import KernelFact
from migrations_app.vz.gate import Fenced, GateError, JobStatus, OpResult
from migrations_app.vz.ops import ForgetWork, Op, TrustDrop, VzmigrateCheck

T = TypeVar("T")

JOB = "check_live"
ANSWER_SECONDS = 2.0
LONGEST_JOB_SECONDS = 90.0


def ask(ctx: StepContext) -> tuple[Cause, ...]:
    """Ask both nodes what a live move's pre-check asks; nothing is changed."""
    return tuple(_cause(objection) for objection in survey(ctx))


def _cause(found: Objection) -> Cause:
    return Cause(
        id=found.check_id,
        text=found.text,
        way_out=found.way_out,
        command=found.command,
        severity=found.severity,
        about=causes.about_finding(found.check_id),
    )


def trust(ctx: StepContext) -> tuple[Cause, ...]:
    """Let the source reach the target with a key of this check alone; return what stands in the way."""
    step = Trust()
    try:
        outcome = step.run(ctx), step.verify(ctx)
    except OpFailed as refusal:
        way_out = "A real move would stop here too: see the node's gate.conf (peers) and its disk."
        return (Cause(id="trust-refused", text=str(refusal), way_out=way_out),)
    failed = [one for one in outcome if isinstance(one, Failed)]
    way_out = f"Try it by hand on {ctx.source.name}; see the runbook, nodes-do-not-connect."
    return tuple(Cause(id="nodes-do-not-connect", text=one.reason, way_out=way_out) for one in failed)


def look(ctx: StepContext) -> tuple[Cause, ...] | None:
    """Start vzmigrate's own check or adopt it; return what it found, None while it is at work."""
    op = VzmigrateCheck(destination=ctx.target.address, migration_id=ctx.order.migration_id, live=True)
    job = ctx.job(ctx.source, JOB, op, wait_seconds=ANSWER_SECONDS)
    match job:
        case JobStatus(state="running") if job.age_seconds > LONGEST_JOB_SECONDS:
            return (_hangs(ctx, job),)
        case JobStatus(state="running" | "absent"):
            return None
        case JobStatus(state="done", exit_code=int(exit_code)):
            family = ctx.ask(ctx.source, KernelFact()).family
            return causes.of_end(exit_code, job.output_tail, job.error_tail, family=family)
    return (
        Cause(
            id="job-lost",
            text=f"The check on {ctx.source.name} ended without a word: killed, or the node restarted.",
            way_out="Nothing: the next check tries again.",
            about="doubt",
        ),
    )


def _hangs(ctx: StepContext, job: JobStatus) -> Cause:
    return Cause(
        id="check-hangs",
        text=f"vzmigrate's check on {ctx.source.name} did not end within {LONGEST_JOB_SECONDS:.0f} s; it was ended.",
        way_out="Run it by hand and see where it stops.",
        command=f"vzmigrate --check-only --live {ctx.target.address} {ctx.order.ctid}",
        about="doubt",
    )


def withdraw(ctx: StepContext) -> tuple[str, ...]:
    """End the job and take the key and all else of this check off both nodes; return why that did not go all the way.

    The target comes first: there stands the line that lets somebody in. Each node is tried whatever the other does.
    """
    return tuple(_troubles(ctx))


def _troubles(ctx: StepContext) -> Iterator[str]:
    for node in (ctx.target, ctx.source):
        try:
            yield from _clean(ctx, node)
        except (ShellError, GateError) as trouble:
            yield str(trouble)


def _clean(ctx: StepContext, node: Endpoint) -> Iterator[str]:
    shell, ctid, number = ctx.outside.shell, ctx.order.ctid, ctx.order.migration_id
    if node == ctx.source:
        key = ctx.job_key(JOB)
        _whoever_is_newest(ctx, lambda token: gate.job_cancel(shell, node, key=key, ctid=ctid, token=token))
    ops: tuple[Op, ...] = (TrustDrop(migration_id=number), ForgetWork(migration_id=number))
    for op in ops:
        result = _whoever_is_newest(ctx, partial(_do, ctx, node, op))
        if not result.ok:
            yield str(OpFailed(node.name, op, result))


def _do(ctx: StepContext, node: Endpoint, op: Op, token: int) -> OpResult:
    return gate.do(ctx.outside.shell, node, ctid=ctx.order.ctid, token=token, op=op)


def _whoever_is_newest(ctx: StepContext, act: Callable[[int], T]) -> T:
    """Act although somebody newer acts for the container: what is taken away is this check's own, and urgent."""
    try:
        return act(ctx.token)
    except Fenced as fenced:
        return act(fenced.newest)
