"""What steps that run a job on a node have in common: poll it, judge how it ended, notice when it hangs."""

from __future__ import annotations

from migrations_app.execution.outcome import Failed, Progress, Waiting
from migrations_app.execution.step import StepContext
from migrations_app.ports.shell import Endpoint
from migrations_app.vz import gate
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import JobOp

LONGEST_POLL_SECONDS, SHORTEST_POLL_SECONDS = 1.0, 0.1
# Short jobs are asked often and long ones seldom: a look that comes late adds little to what the job took.
POLL_SHARE = 0.05
# While the container is frozen the node is asked to answer the moment the job ends, so nobody waits for a poll.
ANSWER_AT_ONCE_SECONDS = 2.0
# Operations that speak all the time; the others are silent for long stretches of honest work.
TALKATIVE = frozenset({"sync", "measure", "vzmigrate_check"})
SILENT_FACTOR = 30


def finished(
    ctx: StepContext, node: Endpoint, name: str, op: JobOp, *, stage: str, attempt: int | None = None
) -> JobStatus | Waiting | Failed:
    """Return the job's end, or what the step has to answer until then."""
    status = ctx.job(node, name, op, wait_seconds=ANSWER_AT_ONCE_SECONDS if ctx.frozen else 0.2, attempt=attempt)
    match status.state:
        case "done":
            return status
        case "lost":
            return Failed(
                name="JobLost",
                reason=f"{stage} on {node.name} ended without a word (killed, or the node restarted).",
                again=True,
            )
        case "absent":
            return Waiting(LONGEST_POLL_SECONDS)
        case "running":
            return _still_running(ctx, node, name, op, status, stage, attempt)


def was_begun(ctx: StepContext, node: Endpoint, name: str) -> bool:
    """Return whether this attempt has started the job already."""
    return gate.job_status(ctx.outside.shell, node, key=ctx.job_key(name)).state != "absent"


def _still_running(
    ctx: StepContext, node: Endpoint, name: str, op: JobOp, status: JobStatus, stage: str, attempt: int | None
) -> Waiting | Failed:
    limit = _longest_silence_seconds(ctx, op)
    if status.quiet_seconds > limit:
        cancel(ctx, node, name, attempt=attempt)
        return Failed(
            name="TransferStalled",
            reason=f"{stage} on {node.name} said and moved nothing for {status.quiet_seconds:.0f} s "
            f"(limit {limit:.0f} s).",
            again=not ctx.frozen,  # the container waits: what hung once is not tried again at its expense
        )
    return Waiting(0 if ctx.frozen else _pause_seconds(status), progress(status, stage))


def _pause_seconds(status: JobStatus) -> float:
    return min(max(status.age_seconds * POLL_SHARE, SHORTEST_POLL_SECONDS), LONGEST_POLL_SECONDS)


def _longest_silence_seconds(ctx: StepContext, op: JobOp) -> float:
    stall_seconds: float = ctx.order.settings["stall_seconds"]
    if ctx.frozen:
        # Every part of a freeze was forecast to fit its budget, silent or not.
        return stall_seconds + ctx.order.freeze_budget_seconds
    return stall_seconds if op.name in TALKATIVE else stall_seconds * SILENT_FACTOR


def cancel(ctx: StepContext, node: Endpoint, name: str, *, attempt: int | None = None) -> None:
    """End the job of this attempt, if there is one."""
    ctid = ctx.order.ctid if node == ctx.source else ctx.order.target_ctid
    gate.job_cancel(ctx.outside.shell, node, key=ctx.job_key(name, attempt), ctid=ctid, token=ctx.token)


def progress(status: JobStatus, stage: str) -> Progress:
    """Return the job's own numbers, with the time left by the speed so far."""
    done, total = _number(status, "bytes_done"), _number(status, "bytes_total")
    seconds_left = None
    if done and total and total > done and status.age_seconds > 1:
        seconds_left = round((total - done) * status.age_seconds / done, 1)
    return Progress(
        stage=stage,
        bytes_done=done,
        bytes_total=total,
        files_done=_number(status, "files_done"),
        files_total=_number(status, "files_total"),
        seconds_left=seconds_left,
    )


def _number(status: JobStatus, key: str) -> int | None:
    text = status.extra.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
