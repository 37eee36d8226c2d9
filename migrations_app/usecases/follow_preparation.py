"""Take an accepted preparation a step further: start its job on the node, look how it stands, see what it brought."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from django.db import transaction

from migrations_app.audit import trail
from migrations_app.execution import context, remote_job
from migrations_app.execution.outside import Outside
from migrations_app.execution.remote_job import JobStatus
from migrations_app.models import Node, Preparation
from migrations_app.ports.shell import Endpoint, ShellError
from migrations_app.vz import facts, gate
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import NODE_ITSELF, GateError
from migrations_app.vz.names import clean_text
from migrations_app.vz.ops import Install
from migrations_app.vz.ops.long import Need

State = Preparation.State

LOOK_AGAIN = timedelta(seconds=2)
NODE_AWAY = timedelta(seconds=15)
CLAIM = timedelta(seconds=30)
JOB_WAIT_SECONDS = 1.0
LONGEST_INSTALLATION_SECONDS = 900
# Fencing orders those who act for one container. Work on the node itself has no such order: its key keeps it single.
TOKEN = 1


def follow_preparation(*, preparation_id: int, outside: Outside) -> None:
    """Any number of workers may call this at any moment; the job's key makes sure that it runs once per yes."""
    preparation = Preparation.objects.select_related("node").get(pk=preparation_id)
    now = outside.clock()
    if preparation.state != State.ACCEPTED:
        return
    _write(preparation, now, next_look_at=now + CLAIM)
    try:
        _look(preparation, outside)
    except ShellError as trouble:
        _write(
            preparation, outside.clock(), detail=f"{trouble}. Trying again.", next_look_at=outside.clock() + NODE_AWAY
        )
    except (GateError, FactUnreadable) as refusal:
        _end(preparation, outside.clock(), State.FAILED, str(refusal))


def _look(preparation: Preparation, outside: Outside) -> None:
    node = context.endpoint(preparation.node)
    key = f"n{preparation.node_id}-install_{preparation.need}-a{preparation.attempt}"
    job = remote_job.start_or_adopt(
        outside.shell,
        node,
        key=key,
        ctid=NODE_ITSELF,
        token=TOKEN,
        op=Install(need=cast("Need", preparation.need)),
        wait_seconds=JOB_WAIT_SECONDS,
    )
    now = outside.clock()
    match job:
        case JobStatus(state="running", age_seconds=age) if age > LONGEST_INSTALLATION_SECONDS:
            gate.job_cancel(outside.shell, node, key=key, ctid=NODE_ITSELF, token=TOKEN)
            _end(preparation, now, State.FAILED, f"Ended after {LONGEST_INSTALLATION_SECONDS} s. {_said(job)}")
        case JobStatus(state="running" | "absent"):
            _write(preparation, now, detail=_said(job) or "The node is at work.", next_look_at=now + LOOK_AGAIN)
        case JobStatus(state="done", exit_code=0) if _is_there(preparation.need, node, outside):
            _end(preparation, now, State.DONE, "Installed, and found on the node.")
        case JobStatus(state="done", exit_code=0):
            _end(preparation, now, State.FAILED, f"The node says it is done, but it is still missing. {_said(job)}")
        case JobStatus(state="done"):
            _end(preparation, now, State.FAILED, f"It ended with exit code {job.exit_code}. {_said(job)}")
        case _:
            _end(preparation, now, State.FAILED, f"It was cut off on the node (a reboot, perhaps). {_said(job)}")


def _is_there(need: str, node: Endpoint, outside: Outside) -> bool:
    """Ask as the scan does: what counts is not what the package tool says."""
    tools, client = gate.ask(outside.shell, node, facts.ToolVersions(), facts.NtpClient())
    return bool(client) if need == "ntp" else bool(tools.has(need))


def _said(job: JobStatus) -> str:
    return clean_text(job.error_tail or job.output_tail, limit=1_000).strip()[-600:]


def _write(preparation: Preparation, now: datetime, **values: Any) -> bool:
    """Write while it is still this attempt that counts. Return whether it is."""
    current = Preparation.objects.filter(pk=preparation.pk, state=State.ACCEPTED, attempt=preparation.attempt)
    return bool(current.update(updated_at=now, **values))


@transaction.atomic
def _end(preparation: Preparation, now: datetime, state: Preparation.State, detail: str) -> None:
    if _write(preparation, now, state=state, detail=detail, next_look_at=None):
        Node.objects.filter(pk=preparation.node_id).update(next_scan_at=now)
        trail.record(
            f"preparation_{state}",
            str(preparation.node),
            actor=None,
            now=now,
            need=preparation.need,
            detail=detail[:500],
        )
