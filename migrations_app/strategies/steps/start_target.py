"""Give the copy its address and start it: the point of no return."""

from __future__ import annotations

from migrations_app.execution.outcome import Done, Failed, RunOutcome, Waiting
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import forward, listening, remote
from migrations_app.strategies.steps.both_nodes import states
from migrations_app.vz.facts import ContainerState, CtStatus
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import SetAddresses, SetOnboot, Start, Stop, Strip

LONGEST_START_SECONDS = 90


class StartTarget(Step):
    name = "start_target"
    title = "Start the container on the target node"
    public_phrase = "switching"
    may_wait_before = False
    point_of_no_return = True

    def run(self, ctx: StepContext) -> RunOutcome:
        """Never beside a running source: both nodes are asked, and only a clear answer starts anything."""
        source, target = states(ctx)
        if source.running:
            return _refuse_a_second(ctx, target)
        if not listening.was_running(ctx):
            _give_addresses(ctx, onboot=False)
            return Done({"left_stopped": True})
        if not target.running:
            outcome = _start(ctx)
            if outcome is not None:
                return outcome
        return _wait_for_services(ctx)

    def verify(self, ctx: StepContext) -> RunOutcome:
        source, target = states(ctx)
        if source.running or (not target.running and listening.was_running(ctx)):
            return Failed(
                name="RunsOnBoth" if source.running else "TargetDoesNotStart",
                reason=f"Source runs: {source.running}; target runs: {target.running}.",
                park=source.running,
            )
        return Done()

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Stop the copy, and confirm it, before anybody thinks of starting the source."""
        if ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid)).running:
            stop = Stop(timeout_seconds=60)
            outcome = remote.finished(
                ctx, ctx.target, "stop_target", stop, stage="Stopping the copy", attempt=ctx.undo_attempt
            )
            if not isinstance(outcome, JobStatus):
                return outcome
            if ctx.ask(ctx.target, CtStatus(ctx.order.target_ctid)).running:
                return Failed(name="TargetDoesNotStop", reason="The copy still runs after its stop.", park=True)
        ctx.must(ctx.target, Strip())
        return Done()


def _start(ctx: StepContext) -> RunOutcome | None:
    """Return None once the start command has ended well."""
    # To start at boot is set before the start: a target that restarts right after the switch brings the container up
    # again by itself. The source was told earlier not to.
    _give_addresses(ctx, onboot=ctx.evidence_of("preflight").get("onboot") is not False)
    match remote.finished(ctx, ctx.target, "start_target", Start(), stage="Starting"):
        case JobStatus(exit_code=0):
            return None
        case JobStatus() as job:
            return Failed(
                name="TargetDoesNotStart",
                reason=f"vzctl start ended with {job.exit_code}: {(job.error_tail or job.output_tail)[-500:]}",
            )
        case not_yet:
            return not_yet


def _give_addresses(ctx: StepContext, *, onboot: bool) -> None:
    if addresses := forward.addresses_on_target(ctx):
        ctx.must(ctx.target, SetAddresses(addresses=addresses, onboot=onboot, host_name=ctx.order.new_hostname))
    else:
        ctx.must(ctx.target, SetOnboot(onboot=onboot))


def _wait_for_services(ctx: StepContext) -> RunOutcome:
    """``vzctl start`` returns before services are up; connections let in now would be refused."""
    missing = listening.missing(ctx, ctx.target, ctx.order.target_ctid)
    if not missing:
        return Done()
    began = ctx.started_at or ctx.now
    if (ctx.now - began).total_seconds() < LONGEST_START_SECONDS:
        return Waiting(0)
    return Failed(
        name="ServicesDoNotAnswer",
        reason=f"Ports {listening.spelled(missing)} listened on {ctx.source.name}, but not on {ctx.target.name} "
        f"{LONGEST_START_SECONDS} s after the start.",
    )


def _refuse_a_second(ctx: StepContext, target: ContainerState) -> Failed:
    """With no copy started, all can be taken back; with two, a person must choose."""
    return Failed(
        name="RunsOnBoth" if target.running else "RunsOnSource",
        reason=f"{ctx.order.ctid} runs on {ctx.source.name}; starting the copy would make two. "
        "Find out who started it.",
        park=target.running,
    )
