"""Mount, start and stop: what an OpenVZ kernel does for vzctl, done with namespaces and a control group."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from . import network, paths, records, spawn
from .container import Container
from .exits import BAD_TEMPLATE, MOUNT_FAILED, RESOURCES, STOP_FAILED, UMOUNT_FAILED, VzError

START_WITHIN_SECONDS = 10.0
ASK_AGAIN_SECONDS = 0.5


def mount(ct: Container) -> None:
    os.makedirs(ct.root, exist_ok=True)
    if spawn.run(["mount", "--bind", ct.private, ct.root]).code:
        raise VzError(MOUNT_FAILED, f"Unable to mount {ct.private} to {ct.root}")


def umount(ct: Container) -> None:
    if spawn.run(["umount", ct.root]).code:
        raise VzError(UMOUNT_FAILED, f"Can't umount {ct.root}: Device or resource busy")


def start(ct: Container) -> None:
    if not os.path.lexists(f"{ct.root}/sbin/init"):
        raise VzError(BAD_TEMPLATE, "Unable to start init, probably incorrect template")
    open_network(ct)
    _launch(ct)
    network.attach(ct, ct.addresses)
    network.announce(ct.addresses)


def open_network(ct: Container) -> None:
    """Make the container's group and network anew; left-overs of a copy that died are swept first."""
    close_network(ct)
    records.remember_addresses(ct, ct.addresses)
    records.remember(ct, "started_at", str(time.time()))
    ct.group.make()
    network.create(ct, ct.addresses)


def close_network(ct: Container) -> None:
    network.destroy(ct, records.addresses(ct))
    ct.group.remove()
    records.forget(ct)


def _launch(ct: Container) -> None:
    space = f"--net={paths.NETNS_DIR}/{network.namespace(ct)}"
    words = ["nsenter", space, "unshare", "-mpui", "--fork", "--", "sh", paths.LAUNCHER]
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(records.file(ct, "launch.log"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    spawn.start(
        ["setsid", *words, ct.root, ct.hostname, ct.group.path],
        stdin=nothing,
        stdout=log,
        stderr=log,
    )
    os.close(nothing)
    os.close(log)
    if not spawn.wait_until(lambda: _is_launched(ct), seconds=START_WITHIN_SECONDS):
        _give_up(ct)


def _is_launched(ct: Container) -> bool:
    init = ct.group.init()
    # The launcher becomes init by exec: until then its command line names the launcher.
    return bool(init) and paths.LAUNCHER.encode() not in _command_line(init)


def _command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return paths.LAUNCHER.encode()


def _give_up(ct: Container) -> None:
    reason = records.recall(ct, "launch.log").strip()
    ct.group.kill()
    close_network(ct)
    raise VzError(RESOURCES, "Unable to start init, probably incorrect template", *([reason] if reason else []))


def stop(ct: Container, *, seconds: float) -> bool:
    """Ask process 1 to end; return whether it did so by itself within the time given."""
    init = ct.group.init()
    by_itself = bool(init) and seconds > 0 and not ct.group.frozen()
    if by_itself:
        by_itself = _ask_to_end(ct, init, deadline=time.monotonic() + seconds)
    return by_itself


def _ask_to_end(ct: Container, init: int, *, deadline: float) -> bool:
    """Ask again and again: a process 1 that has no handler yet does not even notice."""
    while (left := deadline - time.monotonic()) > 0:
        if ct.group.init() == init:
            with suppress(ProcessLookupError):
                os.kill(init, signal.SIGTERM)
        if ct.group.wait_until_empty(min(left, ASK_AGAIN_SECONDS)):
            return True
    return False


def kill(ct: Container) -> None:
    if ct.running and not ct.group.kill():
        raise VzError(STOP_FAILED, "Unable to stop container: operation timed out")
