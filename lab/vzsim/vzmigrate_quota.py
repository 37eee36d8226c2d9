"""What vzmigrate does about disk quota where vz.conf does not say DISK_QUOTA=no."""

from __future__ import annotations

import os

from .vzmigrate_exits import COPY, QUOTA, Failed
from .vzmigrate_run import Run

DUMP_OPTIONS = "-U -G -T -F"


def begin(run: Run) -> None:
    ctid = run.ct.ctid
    run.say("Initializing remote quota")
    run.debug("Quota init")
    if run.link.tell(f"vzctl quotainit {ctid}", loud=True):
        raise Failed(QUOTA, "Failed to initialize quota")
    run.on_failure(lambda: run.link.tell(f"vzquota drop {ctid}"))
    run.debug("Turning remote quota on")
    if run.link.tell(f"vzctl quotaon {ctid}", loud=True):
        raise Failed(QUOTA, "Failed to turn quota on")
    run.on_failure(lambda: run.link.tell(f"vzquota off {ctid}"))


def carry(run: Run) -> None:
    """Take the quotas of the users inside along."""
    ctid = run.ct.ctid
    file = f"/var/tmp/quotadump.{ctid}"
    run.say("Syncing 2nd level quota")
    run.debug("Dumping 2nd level quota")
    if os.system(f"vzdqdump {ctid} {DUMP_OPTIONS} >{file}"):
        raise Failed(QUOTA, "Failed to dump 2nd level quota")
    run.debug("Copying 2nd level quota")
    if run.link.copy(file, to=file):
        raise Failed(COPY, "Failed to copy 2nd level quota dump")
    run.debug("Loading 2nd level quota")
    if run.link.tell(f"(vzdqload {ctid} {DUMP_OPTIONS} <{file} && vzquota reload2 {ctid})", loud=True):
        raise Failed(QUOTA, "Failed to load 2nd level quota")


def end(run: Run) -> None:
    run.say("Turning quota off")
    if run.link.tell(f"vzquota off {run.ct.ctid}"):
        raise Failed(QUOTA, "failed to turn quota off")
