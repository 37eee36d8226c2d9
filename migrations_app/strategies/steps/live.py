"""Let vzmigrate check, and then move the container with its memory and its open connections."""

from __future__ import annotations

from typing import Any

from migrations_app.execution.outcome import AlreadyDone, CheckOutcome, Done, Failed, Ready, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.forecast import MIB, USUAL_BYTES_PER_SECOND, live_freeze_seconds
from migrations_app.strategies.steps import remote
from migrations_app.strategies.steps.announce import announceable
from migrations_app.strategies.steps.both_nodes import states
from migrations_app.strategies.steps.one_job import OneJob
from migrations_app.vz import gate, vzmigrate
from migrations_app.vz.facts import CtJobs, CtStatus
from migrations_app.vz.facts.node import Family
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import Announce, ClearStaleLock, Thaw, Vzmigrate, VzmigrateCheck

STAGES = {
    "checking": "Checking",
    "preparing": "Preparing the target",
    "copying": "Copying the data",
    "freezing": "Freezing",
    "dumping": "Saving memory",
    "copying_dump": "Copying memory",
    "copying_rest": "Copying the last changes",
    "starting": "Resuming on the target",
    "cleaning": "Cleaning up",
}

NOT_SPOKEN = "vzmigrate has no --live with --check-only, and the gate can say nothing else to it"
BEFORE_THE_FREEZE = frozenset({"checking", "preparing", "copying"})


class CheckLive(OneJob):
    name = "check_live"
    title = "Let vzmigrate check whether the container can move live"
    retry_limit = 1

    def run(self, ctx: StepContext) -> RunOutcome:
        if unspoken(ctx):
            return Failed(name="LiveNotPossible", reason=f"On {ctx.source.name} {NOT_SPOKEN}.", fall_back=True)
        op = VzmigrateCheck(destination=ctx.target.address, migration_id=ctx.order.migration_id, live=True)
        outcome = remote.finished(ctx, ctx.source, self.name, op, stage="Checking")
        if not isinstance(outcome, JobStatus):
            return outcome
        log = vzmigrate.read_log(outcome.output_tail, outcome.error_tail)
        if outcome.exit_code != 0:
            return _refused(ctx, outcome, log)
        if log.warnings:
            # It says so and ends with 0 when it could not check: that is not a yes.
            return Failed(name="LiveCheckIncomplete", reason="; ".join(log.warnings), fall_back=True)
        return Done({"freeze_forecast_seconds": _forecast(ctx)})


class MoveLive(Step):
    """vzmigrate does it all in one go and does not roll back when it is killed, so the truth is asked of both nodes."""

    name = "move_live"
    title = "Move the container live"
    public_phrase = "moving"
    may_wait_before = True
    point_of_no_return = True
    retry_limit = 1

    def check(self, ctx: StepContext) -> CheckOutcome:
        source, target = states(ctx)
        if target.running and not source.running:
            return AlreadyDone()
        return Ready()

    def run(self, ctx: StepContext) -> RunOutcome:
        op = Vzmigrate(
            destination=ctx.target.address,
            migration_id=ctx.order.migration_id,
            live=True,
            bandwidth_limit_kib=ctx.order.bandwidth_limit_kib,
        )
        job = ctx.job(ctx.source, self.name, op, wait_seconds=1.0)
        log = vzmigrate.read_log(job.output_tail, job.error_tail)
        if job.state == "running":
            return _follow(ctx, self.name, job, log)
        if job.state == "absent":
            return Waiting(0.5)
        if job.exit_code == 0:
            announce(ctx)
            return Done(_measured(log))
        return _look_at_both(ctx, job, log)

    def verify(self, ctx: StepContext) -> RunOutcome:
        """Ask both nodes: exactly one copy runs, and it is the target's."""
        source, target = states(ctx)
        if target.running and not source.running:
            return Done()
        return Failed(
            name="RunsOnBoth" if source.running and target.running else "RunsNowhere",
            reason=f"Source runs: {source.running}; target runs: {target.running}. A person must choose.",
            park=True,
        )

    def may_interrupt(self, ctx: StepContext) -> bool:
        """Only while it copies: a vzmigrate that is ended later leaves a frozen container, or two."""
        job = gate.job_status(ctx.outside.shell, ctx.source, key=ctx.job_key(self.name))
        stage = vzmigrate.read_log(job.output_tail, job.error_tail).stage
        return job.state == "running" and stage is not None and stage.name in BEFORE_THE_FREEZE

    def undo(self, ctx: StepContext) -> RunOutcome:
        return take_back(ctx, self.name)


def unspoken(ctx: StepContext) -> bool:
    """Return whether the source's vzmigrate was seen not to know the words in which the gate asks for a live move."""
    return ctx.evidence_of("preflight").get("knows_live") is False


def family_of(ctx: StepContext) -> Family:
    """Return whose table of exit codes the source's vzmigrate follows."""
    family: Family = ctx.evidence_of("preflight")["family"]
    return family


def _forecast(ctx: StepContext) -> float:
    speed = ctx.evidence_of("measure").get("bytes_per_second", USUAL_BYTES_PER_SECOND)
    memory_mib = ctx.evidence_of("preflight").get("memory_mib") or 0
    return live_freeze_seconds(memory_bytes=memory_mib * MIB, written_bytes=0, bytes_per_second=speed)


def announce(ctx: StepContext) -> None:
    """Once, at the earliest moment; whatever hinders it is no reason to take a move back that has been made."""
    for address in announceable(ctx):
        ctx.do(ctx.target, Announce(address=address, count=1))


def take_back(ctx: StepContext, job_name: str) -> RunOutcome:
    """Make the source run as before after a live move that failed, was killed, or hangs."""
    if in_the_way := _runs_on_target(ctx):
        return in_the_way
    remote.cancel(ctx, ctx.source, job_name)
    # What vzmigrate began over there outlives it, and may have started the copy since the first look.
    if in_the_way := _runs_on_target(ctx) or _at_work_on_target(ctx):
        return in_the_way
    ctx.do(ctx.source, ClearStaleLock())
    # A vzmigrate that was killed while the container was frozen leaves it so, and the status says «running».
    ctx.do(ctx.source, Thaw())
    if not ctx.ask(ctx.source, CtStatus(ctx.order.ctid)).running:
        return Failed(
            name="RunsNowhere", reason=f"{ctx.order.ctid} does not run on {ctx.source.name} any more.", park=True
        )
    return Done()


def _runs_on_target(ctx: StepContext) -> Failed | None:
    source, target = states(ctx)
    if not target.running:
        return None
    return Failed(
        name="RunsOnBoth" if source.running else "RunsOnTarget",
        reason=f"It runs on {ctx.target.name}; nothing is taken back beside a running copy.",
        park=True,
    )


def _at_work_on_target(ctx: StepContext) -> Failed | None:
    tools = ctx.ask(ctx.target, CtJobs(ctx.order.target_ctid))
    if not tools:
        return None
    names = ", ".join(sorted({tool.tool for tool in tools}))
    return Failed(
        name="ContainerBusy", reason=f"On {ctx.target.name} {names} is at work on the copy still.", again=True
    )


def _follow(ctx: StepContext, name: str, job: JobStatus, log: vzmigrate.Log) -> RunOutcome:
    stage = log.stage
    limit = ctx.order.settings["stall_seconds"]
    if job.quiet_seconds > limit:
        return Failed(
            name="LiveMoveStalled",
            reason=f"vzmigrate has said nothing for {job.quiet_seconds:.0f} s (limit {limit} s).",
            fall_back=True,
        )
    progress = remote.progress(job, STAGES[stage.name] if stage else "Starting")
    return Waiting(0.2 if stage and stage.frozen else 1.0, progress)


def _look_at_both(ctx: StepContext, job: JobStatus, log: vzmigrate.Log) -> RunOutcome:
    """After a failure only the nodes know: the exit code is about the tool, not about the container."""
    source, target = states(ctx)
    code = "no exit code" if job.exit_code is None else f"exit code {job.exit_code}"
    if target.running and source.running:
        return Failed(
            name="RunsOnBoth",
            reason=f"vzmigrate ended with {code} and the container runs on both nodes: {log.reason}",
            park=True,
        )
    if target.running:
        announce(ctx)
        # The original ends with 1 after a good move where it had no shared connection to close: its last test fails.
        told = f"vzmigrate ended with {code}, but the container runs on the target only."
        return Done({**_measured(log), "told": told})
    return _refused(ctx, job, log)


def _measured(log: vzmigrate.Log) -> dict[str, Any]:
    """Return how long it says it held the container, as evidence; nothing where it says nothing."""
    if log.suspended_seconds is None:
        return {}
    return {"freeze_seconds": log.suspended_seconds, "timings": dict(log.timings_seconds)}


def _refused(ctx: StepContext, job: JobStatus, log: vzmigrate.Log) -> Failed:
    if job.exit_code is None:
        return Failed(name="LiveMoveFailed", reason="vzmigrate was killed, or its node restarted.", fall_back=True)
    verdict = vzmigrate.verdict(job.exit_code, family=family_of(ctx))
    return Failed(
        name="LiveNotPossible" if verdict.kind == "not_live" else "LiveMoveFailed",
        reason=f"vzmigrate ended with {job.exit_code}: {verdict.sentence}. {log.reason}".strip(),
        again=verdict.kind == "retry" and not verdict.fall_back,
        fall_back=verdict.fall_back,
    )
