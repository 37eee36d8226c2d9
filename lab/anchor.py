"""Processes that hold the lab's namespaces: each dies with the supervisor, and what it holds dies with it."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.paths import RUN_VARIABLE

CLONE_NEWNET = 0x40000000
PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def spawn(argv: Sequence[str], *, run_id: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a process that gets SIGKILL when the calling thread ends, however it ends."""
    environment = {**os.environ, RUN_VARIABLE: run_id}
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *argv],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
    )


def adopt_orphans() -> None:
    """Make the calling process the parent of what its children leave behind, so that it can bury that too."""
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise _last_error()


def bury_orphans() -> None:
    """Wait for every child there is; only for one who has ended all of them."""
    with suppress(ChildProcessError):
        while True:
            os.wait()


def network_of(pid: int) -> list[str]:
    """Return the words that put a command into the network of a process and into nothing else of it."""
    return ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]


@contextmanager
def inside_network_of(pid: int) -> Iterator[None]:
    """Put the calling thread into another network for a while."""
    with Path("/proc/thread-self/ns/net").open() as home, Path(f"/proc/{pid}/ns/net").open() as away:
        _setns(away.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise _last_error()


def _last_error() -> OSError:
    error = ctypes.get_errno()
    return OSError(error, os.strerror(error))
