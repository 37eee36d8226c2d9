"""Run other programs without the weight of `subprocess`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import NamedTuple

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

FIRST = -15
#: kernels that share the processor out by session look at this, not at the priority of single processes
SESSION_PRIORITY = "/proc/self/autogroup"


class Finished(NamedTuple):
    argv: list[str]
    code: int
    output: str
    errors: str


class SpawnFailed(Exception):
    """A program that cannot fail in a healthy node has failed."""

    def __init__(self, finished: Finished) -> None:
        super().__init__(f"{finished.argv[0]} ended with {finished.code}: {finished.errors.strip()}")
        self.finished = finished


def environment() -> dict[str, str]:
    return {"PATH": PATH, "LC_ALL": "C", **os.environ}


def keep_to_ourselves() -> None:
    """Let no descriptor our caller left open reach what we start: a container would be tied to it."""
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and os.path.exists(f"/proc/self/fd/{name}"):
            os.set_inheritable(descriptor, False)


def go_first() -> None:
    """Put this session before all others of the machine.

    While a container stands still, the original works in the kernel of a machine of its own; ours competes with
    whatever else runs on the machine that plays all the nodes.
    """
    os.setpriority(os.PRIO_PROCESS, 0, FIRST)
    # a session that belongs to the machine's first group has no share of its own to raise: the kernel says EINVAL
    with contextlib.suppress(OSError), open(SESSION_PRIORITY, "w") as file:
        file.write(str(FIRST))


def start(argv: list[str], *, stdin: int, stdout: int, stderr: int) -> int:
    """Start a program on three descriptors of ours and return its process id."""
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, stdout, 1),
        (os.POSIX_SPAWN_DUP2, stderr, 2),
    ]
    return os.posix_spawnp(argv[0], argv, environment(), file_actions=actions)


def into(init: int) -> list[str]:
    """Return the words that put a command into the container whose process 1 this is, without any environment."""
    spaces = ["-m", "-u", "-i", "-n", "-p", "-r", "-w"]
    return ["nsenter", "-t", str(init), *spaces, "--", "/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/root"]


def run(argv: list[str], *, stdin: str = "") -> Finished:
    """Run a program to its end; what it says is held in memory files, so it can never block on us."""
    files = [os.memfd_create(name) for name in ("in", "out", "err")]
    try:
        os.write(files[0], stdin.encode())
        os.lseek(files[0], 0, os.SEEK_SET)
        code = wait(start(argv, stdin=files[0], stdout=files[1], stderr=files[2]))
        return Finished(argv, code, _text(files[1]), _text(files[2]))
    finally:
        for file in files:
            os.close(file)


def must(argv: list[str], *, stdin: str = "") -> str:
    """Run a program that has to succeed and return what it said."""
    finished = run(argv, stdin=stdin)
    if finished.code:
        raise SpawnFailed(finished)
    return finished.output


def wait(pid: int) -> int:
    """Return the exit code as a shell would: 128 and more for death by a signal."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def wait_until(condition: Callable[[], bool], *, seconds: float, beat_seconds: float = 0.002) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(beat_seconds)
    return True


def _text(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0).decode(errors="replace")
