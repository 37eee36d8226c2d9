"""Who runs beside whom when several workers share the tests: those that judge times run alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Files that are there anyway: a lock writes nothing, and ends with its holder.
DOOR, ROOM = Path(__file__), Path(__file__).with_name("conftest.py")


@contextmanager
def turn(*, alone: bool, door: Path = DOOR, room: Path = ROOM) -> Iterator[None]:
    """Run beside others or with nobody else; who waits to be alone holds the door, so that nobody slips past."""
    with _locked(door, fcntl.LOCK_EX) as handle, _locked(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
        fcntl.flock(handle, fcntl.LOCK_UN)
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        # Unlocked, not only closed: a child that was forked meanwhile holds the same lock.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
