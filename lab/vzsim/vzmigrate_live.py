"""vzmigrate --live: freeze and dump here, undump and thaw there, and measure how long the container stood still."""

from __future__ import annotations

import os
import signal
import time

from . import spawn, vzmigrate_quota
from .vzmigrate_exits import COPY, START, STOP, Failed
from .vzmigrate_run import Run


class Clock:
    """How long each stage of the suspended time took."""

    def __init__(self) -> None:
        self._last = self._start = time.time()
        self._rows: list[tuple[str, float]] = []

    def lap(self, label: str) -> None:
        now = time.time()
        self._rows.append((label, now - self._last))
        self._last = now

    def table(self) -> str:
        lines = [f"  {label:>20s}: {seconds:6.2f}" for label, seconds in self._rows]
        total = f"  {'Total suspended time':>20s}: {self._last - self._start:6.2f}"
        return "\n".join(["", *lines, f"  {' ':>20s}  ------", total, ""])


class Dumps:
    """The memory image of the container, here and there."""

    def __init__(self, run: Run) -> None:
        name = f"tmp-dump.{run.ct.ctid}"
        self.here = f"{run.ct.path('DUMPDIR')}/{name}"
        # Unset on the other side, the dump lands in its root directory: so does the original's.
        self.there = f"{run.remote['DUMPDIR']}/{name}"

    def remove_here(self) -> None:
        if os.path.exists(self.here):
            os.unlink(self.here)


def carry(run: Run) -> Dumps:
    """Carry a running container over; the source is left frozen, for the caller to end."""
    run.say("Live migrating container...")
    run.link.make_ready()
    dumps, clock = Dumps(run), Clock()
    _suspend(run)
    # A frozen container changes no file: the second pass need not wait for the dump.
    second_pass = run.link.begin_sync(run.ct.private, run.remote_private)
    run.on_failure(lambda: _end(second_pass))
    _dump(run, dumps)
    clock.lap("Suspend + Dump")
    _copy_dump(run, dumps)
    run.settled()
    run.on_failure(lambda: run.link.tell(f"rm -f {dumps.there}"))
    clock.lap("Copy dump file")
    run.debug("Syncing private (2nd pass)")
    if spawn.wait(second_pass):
        raise Failed(COPY, "Failed to sync container private areas")
    clock.lap("Second rsync")
    if run.has_quota:
        vzmigrate_quota.carry(run)
    clock.lap("2nd level quota")
    _undump_and_resume(run, dumps)
    clock.lap("Undump + Resume")
    if run.options.times:
        print(clock.table(), flush=True)
    return dumps


def _suspend(run: Run) -> None:
    ctid = str(run.ct.ctid)
    run.debug("Suspending container")
    if run.vzctl("chkpnt", ctid, "--suspend"):
        raise Failed(STOP, "Failed to suspend container")
    run.on_failure(lambda: run.vzctl("chkpnt", ctid, "--resume"))


def _dump(run: Run, dumps: Dumps) -> None:
    run.debug("Dumping container")
    if run.vzctl("chkpnt", str(run.ct.ctid), "--dump", "--dumpfile", dumps.here):
        raise Failed(STOP, "Failed to dump container")


def _copy_dump(run: Run, dumps: Dumps) -> None:
    run.debug("Copying dumpfile")
    run.on_failure(dumps.remove_here)
    if run.link.copy(dumps.here, to=dumps.there):
        raise Failed(COPY, "Failed to copy dump")
    run.settled()


def _undump_and_resume(run: Run, dumps: Dumps) -> None:
    ctid = run.ct.ctid
    run.debug("Undumping container")
    if run.link.tell(f"vzctl restore {ctid} --undump --dumpfile {dumps.there} --skip_arpdetect"):
        raise Failed(START, "Failed to undump container")
    run.debug("Resuming container")
    run.on_failure(lambda: run.link.tell(f"vzctl restore {ctid} --kill"))
    if run.link.tell(f"vzctl restore {ctid} --resume"):
        raise Failed(START, "Failed to resume container")


def end_source(run: Run, dumps: Dumps) -> None:
    ctid = str(run.ct.ctid)
    run.debug("Killing container")
    run.vzctl("chkpnt", ctid, "--kill")
    run.vzctl("umount", ctid)
    run.debug("Removing dumpfiles")
    dumps.remove_here()
    run.link.tell(f"rm -f {dumps.there}")


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    spawn.wait(pid)
