"""The django-q2 cluster as a process group that lives and dies with the worker command."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.conf import settings

log = logging.getLogger(__name__)
STOP_SECONDS = 25


@dataclass
class ClusterGroup:
    """Start, stop and replace the cluster; only whole groups are killed, because its parts survive each other."""

    run_dir: Path = field(default_factory=lambda: settings.STATE_DIR / "work")
    _process: subprocess.Popen[bytes] | None = None
    _record: IO[str] | None = None
    started_at: float = 0.0

    def start(self) -> None:
        """Start the cluster in a group of its own.

        It holds the reading end of a pipe: when this process dies, however it dies, the group ends itself.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, sys.argv[0], "queue"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        self.started_at = time.monotonic()
        self._note(self._process.pid, " ".join(command))

    def is_alive(self) -> bool:
        """The main process of the cluster may end with status 0 when another part of it was killed."""
        return self._process is not None and self._process.poll() is None

    def replace(self, why: str) -> None:
        log.warning("the queue's cluster is replaced: %s", why)
        self.kill()
        self.start()

    def stop(self) -> None:
        """Let running ticks end; they are short."""
        if self._process is not None and self.is_alive():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("the queue's cluster did not stop within %s s and is killed", STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        if self._process is not None:
            kill_group(self._process.pid)
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        if self._record is not None:
            Path(self._record.name).unlink(missing_ok=True)
            self._record.close()
            self._record = None

    def sweep(self) -> None:
        """Kill what a killed worker command left: its record is there, and nobody holds the record's lock."""
        for path in self.run_dir.glob("*.group"):
            with path.open("r") as record:
                try:
                    fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                _kill_recorded(record.read())
                path.unlink(missing_ok=True)

    def _note(self, pid: int, mark: str) -> None:
        """The mark is what was asked for: for a moment after its start a process shows no command line yet."""
        self._record = (self.run_dir / f"{os.getpid()}-{pid}.group").open("w")
        fcntl.flock(self._record, fcntl.LOCK_EX)
        self._record.write(f"{pid} {mark}")
        self._record.flush()


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        log.debug("group %s has ended by itself", pid)


def _kill_recorded(record: str) -> None:
    """Kill the group only if one of its processes is one of ours: numbers are given out again."""
    pid_text, _, mark = record.partition(" ")
    if not pid_text.isdigit() or not mark:
        return
    pid = int(pid_text)
    if any(_group_of(entry) == pid and _mark_of(int(entry.name)) == mark for entry in Path("/proc").glob("[0-9]*")):
        kill_group(pid)


def _group_of(entry: Path) -> int | None:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, IndexError, ValueError):
        return None


def _mark_of(pid: int) -> str:
    """Return the process's command line: that of the cluster is the same in all its parts."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
