"""Take away what a run left: normally nothing but files, since everything else died with its supervisor."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab import cgroups
from lab.paths import DISKS, RUN_VARIABLE, STATE, RunPaths

GONE_WITHIN_SECONDS = 5.0


def sweep() -> list[str]:
    """Clear every run whose supervisor is gone; return their ids."""
    with alone():
        return clear_dead()


def clear_dead() -> list[str]:
    """Do the sweeping, for a caller who is alone."""
    dead = [run_id for run_id in known_runs() if not is_owned(RunPaths(run_id=run_id))]
    for run_id in dead:
        clear(RunPaths(run_id=run_id))
    return dead


@contextmanager
def alone() -> Iterator[None]:
    """Keep two starters apart: a run being born must not look like one that was left."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def known_runs() -> list[str]:
    groups = (path.name.removeprefix(cgroups.PREFIX) for path in cgroups.mount_point().glob(f"{cgroups.PREFIX}*"))
    folders = (path.name for place in (STATE, DISKS) if place.is_dir() for path in place.iterdir() if path.is_dir())
    return sorted({*groups, *folders})


def is_owned(paths: RunPaths) -> bool:
    """Ask the lock, not a process id: ids are used again, a lock ends with its holder."""
    try:
        with paths.owner.open("rb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def clear(paths: RunPaths) -> None:
    """Remove every process, mount, loop device and file of a run; nobody else's are touched."""
    _kill_processes(paths.run_id)
    cgroups.remove(cgroups.of_run(paths.run_id))
    _unmount_below(paths.disk_dir)
    _detach_loops_below(paths.disk_dir)
    for folder in (paths.disk_dir, paths.state_dir):
        shutil.rmtree(folder, ignore_errors=False, onerror=_already_gone)


def _already_gone(_function: object, _path: str, error: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]


def processes_of(run_id: str) -> Iterator[int]:
    """Find them by the run id in their environment, which survives renames and forks."""
    mark = f"{RUN_VARIABLE}={run_id}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def _kill_processes(run_id: str) -> None:
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while left := list(processes_of(run_id)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id}: processes {left} do not die")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _unmount_below(folder: Path) -> None:
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((place for place in places if Path(place).is_relative_to(folder)), reverse=True):
        subprocess.run(["umount", "-l", place], check=True)


def _detach_loops_below(folder: Path) -> None:
    listed = subprocess.run(["losetup", "-nO", "NAME,BACK-FILE"], capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        name, _, backing = line.strip().partition(" ")
        if Path(backing.strip().removesuffix(" (deleted)")).is_relative_to(folder):
            subprocess.run(["losetup", "-d", name], check=False)
