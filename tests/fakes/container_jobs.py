"""Longer work on one container of a pretend node: what vzctl, vzdump, vzrestore and the gate itself do."""

from __future__ import annotations

from collections.abc import Callable, Generator

from tests.fakes import ops
from tests.fakes.job import Job, JobFailed
from tests.fakes.work import Archive

Work = Generator[float, None, int]


def refuse_unless_incoming(job: Job) -> None:
    refusal = ops.not_incoming(job.node, job.ctid, job.argument(0)) or ops.not_down(job.node, job.ctid)
    if refusal:
        raise JobFailed(refusal.code, refusal.error)


def start(job: Job) -> Work:
    container = job.node.container(job.ctid)
    if container.config is None and job.ctid in job.node.fences:
        raise JobFailed(105, f"container {job.ctid} is fenced on this node")
    if container.config is None:
        raise JobFailed(14, "Container config file does not exist")
    if container.area is None:
        raise JobFailed(43, f"Container private area /vz/private/{job.ctid} does not exist")
    if container.config.get("DISABLED") == "yes":
        raise JobFailed(105, "Container start disabled")
    if container.has_processes:
        raise JobFailed(32, "Container is already running")
    job.say("Starting container...", "Container is mounted")
    yield 0.4
    container.state = "running"
    container.area.write("var/log/boot.log", version=job.node.world.next_version())
    job.say(*(f"Adding IP address(es): {address}" for address in container.addresses), "Container start in progress...")
    return 0


def stop(job: Job) -> Work:
    container = job.node.container(job.ctid)
    if not container.has_processes:
        job.say("Unable to stop: container is not running")
        return 0
    job.say("Stopping container ...")
    yield 0.3
    container.state = "down"
    job.say("Container was stopped", "Container is unmounted")
    return 0


def rehearse_start(job: Job) -> Work:
    """Run the container's own private area under another number, without an address."""
    refuse_unless_incoming(job)
    original, rehearsal = job.node.container(job.ctid), job.node.container(job.argument(1))
    if rehearsal.config is not None and rehearsal.rehearses != job.ctid:
        raise JobFailed(9, f"container {rehearsal.ctid} exists here")
    if original.config is None or original.area is None:
        raise JobFailed(14, "Container config file does not exist")
    if original.has_processes:
        raise JobFailed(32, f"container {job.ctid} runs")
    private = job.node.private_of(job.ctid)
    rehearsal.configs[""] = original.config | {"IP_ADDRESS": "", "ONBOOT": "no", "VE_PRIVATE": private}
    rehearsal.area, rehearsal.rehearses, rehearsal.ports = original.area, job.ctid, original.ports
    yield 0.4
    rehearsal.state = "running"
    original.area.write("var/log/boot.log", version=job.node.world.next_version())
    return 0


def rehearse_stop(job: Job) -> Work:
    rehearsal = job.node.containers.get(job.argument(1))
    if rehearsal is None or rehearsal.rehearses != job.ctid:
        return 0
    yield 0.3
    del job.node.containers[rehearsal.ctid]
    return 0


def backup(job: Job) -> Work:
    container = job.node.container(job.ctid)
    if container.config is None:
        raise JobFailed(14, "Container config file does not exist")
    yield 2.0 if job.argument(1) == "full" else 0.1
    job.node.work_of(job.argument(0), job.ctid).backups[job.ctid] = dict(container.config)
    job.say(f"saved={job.ctid}.conf", *(["saved=backup.tar.gz"] if job.argument(1) == "full" else []))
    return 0


def define(job: Job) -> Work:
    yield 0.1
    answer = ops.define(job.node, job.ctid, job.args, job.stdin)
    if answer.code:
        raise JobFailed(answer.code, answer.error)
    return 0


def vzdump(job: Job) -> Work:
    """Archive the container; it is frozen only while the second sync runs."""
    container, node = job.node.container(job.ctid), job.node
    if not node.tools.get("vzdump"):
        raise JobFailed(127, "vzdump: not found")
    if container.config is None or container.area is None:
        # vzdump itself ends with 0 here; the gate reads its log.
        job.say(f"ERROR: Backup of VM {job.ctid} failed - no such container", "INFO: Backup job finished with errors")
        return 1
    path = f"/vz/dump/ovzpanel-m{job.argument(0)}/vzdump-openvz-{job.ctid}-2026_03_02-10_00_00"
    archive = Archive(name=f"{path.rpartition('/')[2]}.tgz", config=dict(container.config), area=container.area.copy())
    node.work_of(job.argument(0), job.ctid).archives[job.ctid] = archive
    was, running = container.state, container.state == "running"
    mode = job.argument(1) if running else "stop"
    job.say(
        "INFO: starting new backup job: vzdump --compress",
        f"INFO: Starting Backup of VM {job.ctid} (openvz)",
        f"INFO: status = CTID {job.ctid} {container.status_words}",
        f"INFO: backup mode: {mode}",
    )
    yield 0.5
    if running:
        job.say("INFO: suspend vm")
        container.state = "frozen"
        yield 0.2
        container.state = was
        job.say("INFO: resume vm", "INFO: vm is online again after 1 seconds")
    archive.area = container.area.copy()
    job.say(f"INFO: creating archive '{path}.tgz'")
    yield archive.area.size / node.link_bytes_per_second
    archive.is_whole = True
    job.say(
        f"INFO: archive file size: {archive.area.size // 1_048_576}MB",
        f"INFO: Finished Backup of VM {job.ctid} (00:00:01)",
        "INFO: Backup job finished successfuly",
        f"archive={archive.name}",
        f"bytes={archive.area.size}",
    )
    return 0


def restore(job: Job) -> Work:
    container, work = job.node.container(job.ctid), job.node.work_of(job.argument(0), job.ctid)
    refuse_unless_incoming(job)
    archive = work.archives.get(job.ctid)
    if archive is None or not archive.is_whole:
        raise JobFailed(2, f"the folder holds no archive of container {job.ctid}")
    name = archive.name
    if container.config is not None or container.area is not None:
        raise JobFailed(255, f"ERROR: restore openvz backup '{name}' failed - unable to restore VM '{job.ctid}'")
    job.say(f"INFO: restore openvz backup '{name}' using ID {job.ctid}", f"INFO: extracting archive '{name}'")
    yield archive.area.size / job.node.link_bytes_per_second
    # As the real one: only the paths are rewritten; address and onboot are still the source's.
    container.configs[""] = archive.config | {"VE_ROOT": "/vz/root/$VEID", "VE_PRIVATE": "/vz/private/$VEID"}
    container.area = archive.area.copy()
    job.say(f"INFO: restore openvz backup '{name}' successful")
    return 0


def install(job: Job) -> Work:
    yield 3.0
    match job.argument(0):
        case "ntp":
            job.node.ntp_client = "chronyd"
        case "vzdump":
            job.node.tools |= {"vzdump": "present", "vzrestore": "present"}
        case name:
            job.node.tools[name] = "3.4.1"
    job.say("Complete!")
    return 0


CONTAINER_JOBS: dict[str, Callable[[Job], Work]] = {
    work.__name__: work
    for work in (start, stop, rehearse_start, rehearse_stop, backup, define, vzdump, restore, install)
}
