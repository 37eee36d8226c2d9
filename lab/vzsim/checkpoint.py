"""Suspend, dump, resume, undump: OpenVZ's checkpointing in its own small steps, done by CRIU.

Between a dump and what follows it, the container stands still and no packet reaches it. After an undump it stands
still too, but already answers for its addresses: the kernel takes what comes until the processes go on.
"""

from __future__ import annotations

import os
import signal

from . import holding_pen, lifecycle, network, paths, records, spawn
from .container import Container
from .exits import CHECKPOINT, RESTORE, VzError

FREEZE_WITHIN_SECONDS = 10.0
EMPTY_WITHIN_SECONDS = 2.0
USR = "usr"
NET = "venet"


def suspend(ct: Container) -> None:
    """Freeze every process, at a moment when no connection is half open."""
    _refuse_foreigners(ct)
    addresses = records.addresses(ct)
    holding_pen.hold_new_connections(ct, addresses)
    if not spawn.wait_until(lambda: _queues_are_empty(ct), seconds=EMPTY_WITHIN_SECONDS):
        holding_pen.release(ct, addresses)
        raise VzError(CHECKPOINT, "Error: suspend is impossible now.")
    if not ct.group.freeze(seconds=FREEZE_WITHIN_SECONDS):
        ct.group.thaw()
        holding_pen.release(ct, addresses)
        raise VzError(CHECKPOINT, f"Error: timed out ({FREEZE_WITHIN_SECONDS:.0f} seconds).")


def _refuse_foreigners(ct: Container) -> None:
    foreign = [
        f"Error: foreign process {pid}/{pid}({name}) inside CT (e.g. vzctl enter or vzctl exec)."
        for pid, name in ct.group.foreigners()
    ]
    if foreign:
        raise VzError(CHECKPOINT, *foreign, "Error: suspend is impossible now.")


def _queues_are_empty(ct: Container) -> bool:
    init = ct.group.init()
    return not any(_in_flight(f"/proc/{init}/net/{name}") for name in ("tcp", "tcp6"))


def _in_flight(table: str) -> bool:
    """Tell whether a socket table has a connection that CRIU could not carry."""
    try:
        with open(table) as file:
            rows = [line.split() for line in file.readlines()[1:]]
    except FileNotFoundError:  # no IPv6 here
        return False
    return any(_cannot_travel(row[3], *row[4].split(":")) for row in rows)


def _cannot_travel(state: str, unacknowledged: str, waiting: str) -> bool:
    match state:
        case "03":  # SYN_RECV: half open
            return True
        case "0A":  # LISTEN: connections nobody has accepted yet
            return int(waiting, 16) > 0
        case "04" | "0B" | "09":  # FIN_WAIT1, CLOSING, LAST_ACK: last words still on their way
            return int(unacknowledged, 16) > 0
    return False


def dump(ct: Container, dump_file: str) -> None:
    """Write a frozen container to one file; it stays frozen, and from here on no packet reaches it."""
    addresses = records.addresses(ct)
    if addresses:
        network.ip([*holding_pen.everything_lines(ct, addresses), *network.detach_lines(ct, addresses)])
    images = _fresh_images(ct)
    net = os.stat(f"{paths.NETNS_DIR}/{network.namespace(ct)}").st_ino
    words = ["--external", f"mnt[/usr]:{USR}", "--external", f"net[{net}]:{NET}", "--freeze-cgroup", ct.group.path]
    finished = spawn.run(["criu", "dump", "-t", str(ct.group.init()), *_both_ways(ct, images, "dump.log"), *words])
    if finished.code == 0:
        os.link(records.file(ct, "started_at"), f"{images}/started_at")
        finished = spawn.run(["tar", "-cf", dump_file, "-C", images, "."])
    if finished.code:
        if os.path.exists(dump_file):
            os.unlink(dump_file)
        raise VzError(CHECKPOINT, *_reasons(ct, "dump.log", finished))
    records.remove_folder(images)


def resume(ct: Container) -> None:
    """Let a frozen container go on: one that was suspended, dumped or undumped."""
    addresses = records.addresses(ct)
    network.attach(ct, addresses)
    _continue(ct)
    ct.group.thaw()
    holding_pen.release(ct, addresses)
    # The segment may have heard of another place meanwhile.
    network.announce(addresses)


def kill(ct: Container) -> None:
    """End a frozen container without a word to anybody it was talking to."""
    addresses = records.addresses(ct)
    if network.has_device(ct):
        # A dying process would close its connections; nobody shall hear of that.
        network.ip(network.detach_lines(ct, addresses), force=True)
    holding_pen.release(ct, addresses)
    lifecycle.kill(ct)
    lifecycle.close_network(ct)


def undump(ct: Container, dump_file: str) -> None:
    """Bring a container back from a file, frozen, and take its addresses over."""
    lifecycle.open_network(ct)
    try:
        _restore(ct, dump_file)
    except BaseException:
        lifecycle.kill(ct)
        lifecycle.close_network(ct)
        raise
    addresses = records.addresses(ct)
    network.attach(ct, addresses)
    network.announce(addresses)


def _restore(ct: Container, dump_file: str) -> None:
    images = _fresh_images(ct)
    finished = spawn.run(["tar", "-xf", dump_file, "-C", images])
    if finished.code:
        raise VzError(RESTORE, f"Error: {finished.errors.strip()}")
    net = os.open(f"{paths.NETNS_DIR}/{network.namespace(ct)}", os.O_RDONLY)
    os.set_inheritable(net, True)
    words = ["--external", f"mnt[{USR}]:/usr", "--inherit-fd", f"fd[{net}]:{NET}", "--root", ct.root, "-d"]
    criu = ["criu", "restore", *words, *_both_ways(ct, images, "restore.log")]
    finished = spawn.run(["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', ct.group.path, *criu])
    os.close(net)
    if finished.code:
        raise VzError(RESTORE, *_reasons(ct, "restore.log", finished))
    os.replace(f"{images}/started_at", records.file(ct, "started_at"))
    records.remove_folder(images)
    # CRIU leaves the processes stopped one by one; from here on they are frozen as a whole.
    ct.group.freeze(seconds=FREEZE_WITHIN_SECONDS)
    _continue(ct)


def _continue(ct: Container) -> None:
    for pid in ct.group.processes():
        os.kill(pid, signal.SIGCONT)


def _both_ways(ct: Container, images: str, log: str) -> list[str]:
    flags = ["--tcp-established", "--network-lock", "skip", "--manage-cgroups=ignore", "--file-locks"]
    return ["-D", images, "-o", records.file(ct, log), "-v2", "--leave-stopped", *flags]


def _fresh_images(ct: Container) -> str:
    images = records.file(ct, "images")
    records.remove_folder(images)
    os.makedirs(images, mode=0o700)
    return images


def _reasons(ct: Container, log: str, finished: spawn.Finished) -> list[str]:
    text = records.recall(ct, log)
    found = [line.partition("Error ")[2] for line in text.splitlines() if "Error " in line and "rlimit" not in line]
    words = found or finished.errors.splitlines() or [f"{finished.argv[0]} ended with {finished.code}"]
    return [f"Error: {word}" for word in words[:10]]
