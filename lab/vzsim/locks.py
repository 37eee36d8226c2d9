"""The lock file of a container: its first line is the holder's process id, as vzctl and vzmigrate both write it."""

from __future__ import annotations

import os

from . import spawn
from .exits import LOCKED, SYSTEM, VzError


def take(path: str) -> bool:
    """Create the lock file; False when somebody was first."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.close(descriptor)
    return True


def holder(path: str) -> int:
    """Return the process id in a lock file, 0 when it is gone or holds none."""
    try:
        with open(path) as file:
            first = file.readline().strip()
    except FileNotFoundError:
        return 0
    return int(first) if first.isdigit() else 0


def release(path: str) -> None:
    if holder(path) == os.getpid():
        os.unlink(path)


def take_for_vzctl(path: str) -> bool:
    """Take the lock as vzctl does; the result tells whether a stale one was removed for it.

    :raises VzError: a living process has it, or the lock cannot be written.
    """
    try:
        if take(path):
            return False
        pid = holder(path)
        if pid and os.path.exists(f"/proc/{pid}"):
            raise VzError(LOCKED, f"Locked by: pid {pid}, cmdline {_command_line(pid)}", "Container already locked")
        os.unlink(path)
        take(path)
    except OSError as error:
        raise VzError(SYSTEM, f"Unable to create lock file {path}: {error.strerror}") from error
    return True


def _command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().replace("\0", " ").strip()
    except OSError:
        return ""


def describe(pid: int) -> str:
    """Show the process as `ps -f` does."""
    return spawn.run(["ps", "-f", "-p", str(pid)]).output.rstrip("\n")
