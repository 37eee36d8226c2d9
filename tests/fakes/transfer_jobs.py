"""What goes from one pretend node to another over the migration's own ssh."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from tests.fakes.area import Area
from tests.fakes.container import FakeContainer
from tests.fakes.job import Job, JobFailed

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode

Work = Generator[float, None, int]
DELTA_SECONDS = 0.3
VZMIGRATE_PID = 4242


def measure(job: Job) -> Work:
    """Send 16 MiB, to know how fast the way to the destination is."""
    destination(job, refused=255)
    seconds = 16_777_216 / job.node.link_bytes_per_second
    yield seconds
    job.say("bytes=16777216", f"seconds={seconds:.3f}")
    return 0


def push_archive(job: Job) -> Work:
    """Send the archive, also while it is still being written; end when all of it is there."""
    migration = job.argument(1)
    target = destination(job, refused=255)
    while (archive := job.node.work_of(migration, job.ctid).archives.get(job.ctid)) is None or not archive.is_whole:
        if not any(other.runs and other.op == "vzdump" for other in job.node.jobs.by_key.values()):
            raise JobFailed(2, "no archive, and nobody writes one")
        yield 0.2
    yield transfer_seconds(job, archive.area.size, kib_per_second=job.argument(2))
    if fault := job.node.ssh_fault(job.argument(0), migration):
        raise JobFailed(255, fault)
    target.work_of(migration, job.ctid).archives[job.ctid] = archive
    job.extra = {"bytes_done": str(archive.area.size), "bytes_total": str(archive.area.size), "stage": "rest"}
    job.say(f"archive={archive.name}", f"bytes={archive.area.size}", f"digest={archive.area.digest}")
    return 0


def sync(job: Job) -> Work:
    """Do one rsync run from the private area here to the one there."""
    target, kind = destination(job, refused=255), job.argument(2)
    original = job.node.container(job.ctid)
    if original.area is None:
        raise JobFailed(23, f'rsync: change_dir "/vz/private/{job.ctid}" failed: No such file or directory (2)')
    copy = target.container(job.ctid)
    if copy.config is None:
        raise JobFailed(1, f"cannot tell where {job.argument(0)} keeps the private area of container {job.ctid}")
    missing = original.area.size - (copy.area.size if copy.area else 0)
    yield DELTA_SECONDS + transfer_seconds(job, max(missing, 0), kib_per_second=job.argument(3))
    if fault := job.node.ssh_fault(job.argument(0), job.argument(1)):
        raise JobFailed(255, f"{fault}\nrsync error: unexplained error (code 255) at io.c(231)")
    by_content = kind == "checksum"
    if kind == "verify":
        job.say(*(copy.area or Area(identity="")).itemized(original.area, by_content=by_content))
        report(job, original.area, sent_bytes=0, sent_files=0)
        return 0
    if copy.has_processes:
        job.node.world.forbid(f"sync into {target.name}/{job.ctid}, which runs")
    copy.area = copy.area or Area(identity="")
    sent_bytes, sent_files = copy.area.take_over(original.area, by_content=by_content)
    if damaged := target.damages.pop("sync", ""):
        copy.area.flip_a_byte(damaged)
    report(job, original.area, sent_bytes=sent_bytes, sent_files=sent_files)
    return 0


def report(job: Job, area: Area, *, sent_bytes: int, sent_files: int) -> None:
    """Print what rsync --stats prints."""
    total = sum(file.size for file in area.files.values())
    figures = {"bytes_done": sent_bytes, "bytes_total": sent_bytes, "percent": 100, "files_done": sent_files}
    figures |= {"files_left": 0, "files_total": len(area.files) + 2}
    job.extra = {name: str(figure) for name, figure in figures.items()}
    job.say(
        "",
        f"Number of files: {len(area.files) + 2:,} (reg: {len(area.files):,}, dir: 2)",
        "Number of created files: 0",
        "Number of deleted files: 0",
        f"Number of regular files transferred: {sent_files:,}",
        f"Total file size: {total:,} bytes",
        f"Total transferred file size: {sent_bytes:,} bytes",
        f"Literal data: {sent_bytes:,} bytes",
        "Matched data: 0 bytes",
        f"Total bytes sent: {sent_bytes + 120:,}",
        "Total bytes received: 60",
        "",
        f"sent {sent_bytes + 120:,} bytes  received 60 bytes  {sent_bytes + 180:,}.00 bytes/sec",
        f"total size is {total:,}  speedup is 1.00",
    )


def vzmigrate_check(job: Job) -> Work:
    yield 0.5
    container, live = job.node.container(job.ctid), job.argument(2) == "live"
    refuse_what_cannot_move(job, container, live=live)
    job.say(f"Locked CT {job.ctid}", f"Checking {'live ' * live}migration of CT {job.ctid} to {job.argument(0)}")
    return 0


def vzmigrate(job: Job) -> Work:
    container, live = job.node.container(job.ctid), job.argument(2) == "live"
    target = refuse_what_cannot_move(job, container, live=live)
    container.lock_pid, container.lock_alive = VZMIGRATE_PID, True
    try:
        yield from _move(job, container, target, live=live)
    except GeneratorExit:
        # Killed: it cleans nothing. The lock stays, and what is frozen stays frozen.
        container.lock_alive = False
        raise
    except JobFailed:
        target.container(job.ctid).configs.pop("", None)  # --keep-dst keeps the private area only
        container.lock_pid = None
        raise
    container.lock_pid = None
    return 0


def _move(job: Job, container: FakeContainer, target: FakeNode, *, live: bool) -> Generator[float, None, None]:
    assert container.area is not None
    assert container.config is not None
    running, execs = container.state == "running", container.execs
    copy = target.container(job.ctid)
    job.say(f"Locked CT {job.ctid}", f"Starting {'live ' * live}migration of CT {job.ctid} to {job.argument(0)}")
    job.say("Preparing remote node", "Initializing remote quota", "Syncing private")
    copy.configs[""] = dict(container.config)
    copy.area = copy.area or Area(identity="")
    yield transfer_seconds(job, container.area.size, kib_per_second=job.argument(3))
    copy.area.take_over(container.area, by_content=False)
    if running:
        job.say("Live migrating container..." if live else "Stopping container")
        if live and container.execs != execs:
            job.complain("Error: foreign process 1/1(cat) inside CT (e.g. vzctl enter or vzctl exec).")
            raise JobFailed(8, "Error: Failed to suspend container")
        job.say("   Suspending container", "   Dumping container")
        # Frozen processes and stopped ones look alike from outside here: nobody is answered, nobody refused.
        container.state = "frozen"
        yield 0.3
    copy.area.take_over(container.area, by_content=False)
    if running:
        job.say("   Undumping container", "   Resuming container")
        container.state = "down"
        copy.state = "running"
        job.say(*TIMES)
    job.say("Cleaning up")
    container.configs[".migrated"] = container.configs.pop("")


TIMES = (
    "  Suspend + Dump:       0.12",
    "  Copy dump file:       0.05",
    "  Second rsync:         0.08",
    "  2nd level quota:      0.00",
    "  Undump + Resume:      0.05",
    "  -------------------------",
    "  Total suspended time: 0.30",
)


def refuse_what_cannot_move(job: Job, container: FakeContainer, *, live: bool) -> FakeNode:
    """Make the checks of vzmigrate in its order; return the destination."""
    if live and "live" not in job.node.vzmigrate_options:
        raise JobFailed(1, "vzmigrate: unrecognized option '--live'")
    if container.lock_pid is not None:
        raise JobFailed(20, f"Error: CT {job.ctid} already locked by PID {container.lock_pid}")
    if not container.exists:
        raise JobFailed(10, f"Error: CT {job.ctid} doesn't exist")
    if live and container.state != "running":
        raise JobFailed(2, f"Error: Can't do live migration of stopped CT {job.ctid}")
    target = destination(job, refused=4)
    if not target.service_runs:
        raise JobFailed(14, "Error: OpenVZ is not running on destination node")
    if live and not (job.node.can_checkpoint and target.can_checkpoint):
        raise JobFailed(14, "Error: No checkpointing support on one of the nodes")
    if target.container(job.ctid).exists:
        raise JobFailed(9, f"Error: CT {job.ctid} already exists on destination node")
    if any(target.serving(address) for address in container.addresses):
        raise JobFailed(12, "Error: IP address already in use on destination node")
    return target


def destination(job: Job, *, refused: int) -> FakeNode:
    """Return the node that the job's first argument names, logged in with the migration's key."""
    if fault := job.node.ssh_fault(job.argument(0), job.argument(1)):
        raise JobFailed(refused, fault)
    target = job.node.world.node_at(job.argument(0))
    assert target is not None
    return target


def transfer_seconds(job: Job, size: int, *, kib_per_second: str) -> float:
    limit = int(kib_per_second or 0) * 1024
    return size / min(filter(None, (limit, job.node.link_bytes_per_second)))


TRANSFER_JOBS: dict[str, Callable[[Job], Work]] = {
    work.__name__: work for work in (measure, push_archive, sync, vzmigrate_check, vzmigrate)
}
