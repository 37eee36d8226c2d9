"""vzctl chkpnt and restore, whole or in the small steps that vzmigrate and vzdump use."""

from __future__ import annotations

import os

from . import checkpoint, faults, kernel_counters, kernel_files, lifecycle, paths, spawn
from .call import Call
from .exits import CHECKPOINT, NOT_RUNNING, RESTORE, RUNNING, VzError

STEPS = ("--suspend", "--dump", "--undump", "--resume", "--kill")
FLAGS = (*STEPS, "--skip_arpdetect", "--keep_pages", "--unfreeze")
VALUED = ("--dumpfile", "--flags", "--context", "--ctid", "--cpu_flags")


def chkpnt(call: Call) -> int:
    spawn.go_first()
    options = call.parse(flags=FLAGS, valued=VALUED)
    if not call.ct.running:
        raise VzError(NOT_RUNNING, "Container is not running")
    if not os.path.exists(f"{paths.KERNEL_DIR}/cpt"):
        raise VzError(CHECKPOINT, "No checkpointing support, unable to open /proc/cpt: No such file or directory")
    dump_file = options.get("--dumpfile", call.ct.dump_file)
    step = next((name for name in STEPS if name in options), "")
    call.voice.say("Setting up checkpoint...")
    try:
        _chkpnt_step(call, step, dump_file)
    except VzError as error:
        for line in error.lines:
            call.voice.complain(line)
        raise VzError(CHECKPOINT, "Checkpointing failed") from error
    call.voice.say("Checkpointing completed successfully")
    if not step:
        lifecycle.umount(call.ct)
        call.voice.say("Container is unmounted")
    return 0


def _announce(call: Call, step: str) -> None:
    call.voice.say(f"\t{step}...")
    faults.strike("vzctl", call.verb, str(call.ct.ctid), at=step)


def _chkpnt_step(call: Call, step: str, dump_file: str) -> None:
    ct = call.ct
    match step:
        case "--suspend":
            _announce(call, "suspend")
            checkpoint.suspend(ct)
        case "--dump":
            _announce(call, "dump")
            checkpoint.dump(ct, dump_file)
        case "--resume":
            _announce(call, "resume")
            checkpoint.resume(ct)
        case "--kill":
            _announce(call, "kill")
            checkpoint.kill(ct)
            kernel_files.refresh()
        case _:
            _chkpnt_whole(call, dump_file)


def _chkpnt_whole(call: Call, dump_file: str) -> None:
    _chkpnt_step(call, "--suspend", dump_file)
    try:
        _chkpnt_step(call, "--dump", dump_file)
    except VzError:
        checkpoint.resume(call.ct)
        raise
    _chkpnt_step(call, "--kill", dump_file)


def restore(call: Call) -> int:
    spawn.go_first()
    options = call.parse(flags=FLAGS, valued=VALUED)
    if not os.path.exists(f"{paths.KERNEL_DIR}/rst"):
        raise VzError(RESTORE, "No checkpointing support, unable to open /proc/rst: No such file or directory")
    dump_file = options.get("--dumpfile", call.ct.dump_file)
    step = next((name for name in STEPS if name in options), "")
    call.voice.say("Restoring container ...")
    _restore_step(call, step, dump_file)
    if not step and "--dumpfile" not in options:
        os.unlink(dump_file)
    call.voice.say("Restoring completed successfully")
    return 0


def _restore_step(call: Call, step: str, dump_file: str) -> None:
    match step:
        case "--undump":
            _undump(call, dump_file)
        case "--resume":
            _need_running(call)
            _announce(call, "resume")
            checkpoint.resume(call.ct)
            faults.strike("vzctl", call.verb, str(call.ct.ctid), at="resumed")
            call.voice.say("Container start in progress...")
        case "--kill":
            _need_running(call)
            _announce(call, "kill")
            checkpoint.kill(call.ct)
            # Left mounted, its root would be emptied by the caller's own tidying up, and the private area with it.
            lifecycle.umount(call.ct)
            kernel_files.refresh()
        case _:
            _undump(call, dump_file)
            _restore_step(call, "--resume", dump_file)


def _need_running(call: Call) -> None:
    if not call.ct.running:
        raise VzError(NOT_RUNNING, "Container is not running")


def _undump(call: Call, dump_file: str) -> None:
    ct = call.ct
    if ct.running:
        raise VzError(RUNNING, "Container is already running")
    if not os.path.exists(dump_file):
        raise VzError(RESTORE, f"Unable to open {dump_file}: No such file or directory")
    mounted_before = ct.mounted
    if not mounted_before:
        lifecycle.mount(ct)
        call.voice.say("Container is mounted")
    _announce(call, "undump")
    try:
        checkpoint.undump(ct, dump_file)
    except VzError as error:
        if not mounted_before:
            lifecycle.umount(ct)
        raise VzError(RESTORE, "Restore error, undump failed: Invalid argument", *error.lines) from error
    kernel_files.refresh()
    kernel_counters.refresh()
