"""vzmigrate without --live: stop here, sync again, start there."""

from __future__ import annotations

from . import vzmigrate_quota
from .vzmigrate_exits import COPY, START, STOP, Failed
from .vzmigrate_run import Run


def carry(run: Run) -> None:
    ctid = str(run.ct.ctid)
    if run.running:
        run.say("Stopping container")
        if run.vzctl("stop", ctid):
            raise Failed(STOP, "Failed to stop container")
        run.on_failure(lambda: run.vzctl("start", ctid, loud=True))
        run.debug("Syncing private (2nd pass)")
        if run.link.sync(run.ct.private, run.remote_private):
            raise Failed(COPY, "Failed to sync container private areas")
        if run.has_quota:
            vzmigrate_quota.carry(run)
        run.say("Starting container")
        if run.link.tell(f"vzctl start {ctid}"):
            raise Failed(START, "Failed to start container")
    elif run.mounted:
        run.say("Unmounting container")
        if run.vzctl("umount", ctid):
            raise Failed(STOP, "Failed to umount container")
        run.on_failure(lambda: run.vzctl("mount", ctid, loud=True))
        run.say("Mounting container")
        if run.link.tell(f"vzctl mount {ctid}"):
            raise Failed(START, "Failed to mount container")
    elif run.has_quota:
        vzmigrate_quota.end(run)
