"""The detached jobs of a pretend node, by key."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.fakes.container_jobs import CONTAINER_JOBS
from tests.fakes.job import Job, JobFailed
from tests.fakes.transfer_jobs import TRANSFER_JOBS

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode
    from tests.fakes.work import Fault

JOB_OPS = CONTAINER_JOBS | TRANSFER_JOBS
FOREVER_SECONDS = 10**8


class FakeJobs:
    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.by_key: dict[str, Job] = {}

    def start(self, key: str, ctid: str, op: str, args: list[str], stdin: bytes) -> str:
        if key in self.by_key:
            return "adopted"
        world = self.node.world
        world.effects.append((self.node.name, ctid, " ".join((op, *args))))
        now = world.clock()
        job = Job(node=self.node, key=key, ctid=ctid, op=op, args=args, stdin=stdin, started_at=now, wakes_at=now)
        job.work = _faulty(job, self.node.due_fault(op))
        self.by_key[key] = job
        return "started"

    def status(self, key: str, *, wait_seconds: float) -> Job | None:
        """Return the job once it has ended, or as it is when the wait is over; the waiting takes time."""
        job = self.by_key.get(key)
        if job is None:
            return None
        clock = self.node.world.clock
        give_up = clock() + timedelta(seconds=wait_seconds)
        while job.runs and clock() < give_up:
            clock.set(max(clock(), min(job.wakes_at, give_up)))
            self.node.world.settle()
        return job

    def cancel(self, key: str) -> str:
        job = self.by_key.get(key)
        if job is None:
            return "absent"
        if job.state not in ("running", "lost"):
            return job.state
        job.die(self.node.world.clock(), exit_code=143)
        return "cancelled"

    def forget(self, key: str) -> str:
        return "absent" if self.by_key.pop(key, None) is None else "forgotten"

    def lose(self, key: str) -> None:
        """Kill a runner so that it cannot write how its tool ended.

        The tool dies with it, apart from vzmigrate: that one goes on, and its job shows as running until it ends.
        """
        job = self.by_key[key]
        job.is_lost = True
        if job.op != "vzmigrate":
            job.die(self.node.world.clock(), exit_code=None)

    def kill(self, key: str) -> None:
        """Kill the tool of a job, as a power cut would: it cleans nothing."""
        self.by_key[key].die(self.node.world.clock(), exit_code=137)

    def crash(self) -> None:
        for job in self.by_key.values():
            if job.runs:
                job.is_lost = True
                job.die(self.node.world.clock(), exit_code=None)

    def settle(self) -> None:
        """Carry every job on to now."""
        if not self.node.is_up:
            return
        now = self.node.world.clock()
        for job in list(self.by_key.values()):
            while job.runs and job.wakes_at <= now:
                job.go_on()
                self.node.world.moment()


def _faulty(job: Job, fault: Fault | None) -> Generator[float, None, int]:
    """Do the op's work, or what a fault makes of it."""
    if fault is not None and fault.hangs and job.op == "stop":
        yield float(job.argument(0))  # the gate gives up then, and the container still runs
        raise JobFailed(124)
    if fault is not None and fault.hangs:
        yield FOREVER_SECONDS
    if fault is None or fault.takes_effect:
        code = yield from JOB_OPS[job.op](job)
    if fault is not None and fault.source_too:
        container = job.node.container(job.ctid)
        container.configs[""] = container.configs.pop(".migrated")
        container.state = "running"
    if fault is not None:
        yield 0.1
        raise JobFailed(fault.exit_code, fault.error)
    return code
