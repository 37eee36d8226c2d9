"""A detached process on a node: started once, adopted, polled."""

from __future__ import annotations

from migrations_app.ports.shell import Endpoint, Shell
from migrations_app.vz import gate
from migrations_app.vz.gate import JobStatus
from migrations_app.vz.ops import JobOp

__all__ = ["JobStatus", "start_or_adopt"]


def start_or_adopt(
    shell: Shell, node: Endpoint, *, key: str, ctid: str, token: int, op: JobOp, wait_seconds: float = 0
) -> JobStatus:
    """Make sure the job exists and return how it stands.

    One call does both: where a container waits, every way to the node and back counts.
    """
    return gate.job_run(shell, node, key=key, ctid=ctid, token=token, op=op, wait_seconds=wait_seconds)
