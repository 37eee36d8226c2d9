"""What a pretend node says of one container."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.fakes.container import FakeContainer, config_text

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode

Answered = tuple[int, str]
NOT_THERE: Answered = (2, "")


def found(node: FakeNode, ctid: str) -> FakeContainer:
    """Return the container without making a shape for it: asking changes nothing."""
    return node.containers.get(ctid) or FakeContainer(ctid=ctid)


def ct_status(node: FakeNode, ctid: str) -> str:
    return f"CTID {ctid} {found(node, ctid).status_words}\n"


def ct_config(node: FakeNode, ctid: str) -> str | Answered:
    config = found(node, ctid).config
    return NOT_THERE if config is None else config_text(config)


def ct_config_migrated(node: FakeNode, ctid: str) -> str:
    return "".join(f"conf{suffix}\n" for suffix in sorted(found(node, ctid).configs))


def ct_scripts(node: FakeNode, ctid: str) -> str:
    return "".join(f"{script}\n" for script in found(node, ctid).scripts)


def ct_lock(node: FakeNode, ctid: str) -> str:
    container = found(node, ctid)
    if container.lock_pid is None:
        return "none\n"
    return f"{'alive' if container.lock_alive else 'dead'}\n{container.lock_pid}\n"


def ct_leftovers(node: FakeNode, ctid: str) -> str:
    container = found(node, ctid)
    lines = [f"conf{suffix} /etc/vz/conf/{ctid}.conf{suffix}" for suffix in sorted(container.configs)]
    lines += [f"private /vz/private/{ctid}", f"root /vz/root/{ctid}"] if container.area is not None else []
    lines += [f"lock /vz/lock/{ctid}.lck"] if container.lock_pid is not None else []
    lines += [f"incoming /var/lib/ovzgate/incoming/{ctid}"] if container.incoming_for else []
    lines += [f"retained /var/lib/ovzgate/retained/{ctid}"] if ctid in node.fences else []
    return "".join(f"{line}\n" for line in lines)


def ct_size(node: FakeNode, ctid: str) -> str | Answered:
    area = found(node, ctid).area
    return NOT_THERE if area is None else f"kib={area.size // 1024}\nfiles={len(area.files)}\n"


def ct_churn(node: FakeNode, ctid: str) -> str | Answered:
    container = found(node, ctid)
    if container.area is None:
        return NOT_THERE
    return f"bytes={container.churn_bytes}\nfiles={container.churn_files}\nwindow_seconds=60\n"


def ct_mounts(node: FakeNode, ctid: str) -> str | Answered:
    container = node.containers.get(ctid)
    if container is None or not container.has_processes:
        return 31, ""
    container.execs += 1
    return "".join(f"{kind} /{kind if kind != 'simfs' else ''} {kind} rw 0 0\n" for kind in container.mounts)


def ct_listen(node: FakeNode, ctid: str) -> str | Answered:
    container = node.containers.get(ctid)
    if container is None or not container.has_processes:
        return 31, ""
    container.execs += 1
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    rows = (f"   0: 00000000:{port:04X} 00000000:0000 0A 00000000:00000000\n" for port in container.ports)
    return head + "".join(rows)


def ct_resources(node: FakeNode, ctid: str) -> str | Answered:
    container = found(node, ctid)
    if not container.has_processes:
        return NOT_THERE
    return f"            physpages  {container.memory_pages} {container.memory_pages} 0 131072 0\n"


def ct_jobs(node: FakeNode, ctid: str) -> str:
    """Say which tools work on exactly this container, those that no job of the gate started included."""
    tools = ("vzmigrate", "vzdump", "vzrestore")
    jobs = (job for job in node.jobs.by_key.values() if job.runs and job.ctid == ctid and job.op in tools)
    return "".join(f"4242 {job.op}\n" for job in jobs) + "".join(
        f"4343 {name}\n" for name in node.strangers.get(ctid, ())
    )


def fence_state(node: FakeNode, ctid: str) -> str:
    lines = [f"token={node.tokens.get(ctid, '')}"]
    if incoming := found(node, ctid).incoming_for:
        lines.append(f"incoming_migration={incoming}")
    if fence := node.fences.get(ctid):
        lines += [f"retained_migration={fence.migration}", f"retained_until={fence.retain_until}"]
        lines += [f"retained_state={fence.state}"]
    return "".join(f"{line}\n" for line in lines)


def beancounters(node: FakeNode) -> str:
    head = "Version: 2.5\n       uid  resource     held maxheld barrier limit failcnt\n"
    rows = (
        f"{ct.ctid:>10}:  physpages {ct.memory_pages} {ct.memory_pages} 0 131072 0\n"
        for ct in node.containers.values()
        if ct.has_processes
    )
    return head + f"{0:>10}:  physpages 1 1 0 {2**63 - 1} 0\n" + "".join(rows)


CONTAINER_FACTS: dict[str, Callable[..., str | Answered]] = {
    fact.__name__: fact
    for fact in (
        *(ct_status, ct_config, ct_config_migrated, ct_scripts, ct_lock, ct_leftovers, ct_size, ct_churn),
        *(ct_mounts, ct_listen, ct_resources, ct_jobs, fence_state, beancounters),
    )
}
