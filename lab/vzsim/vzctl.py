"""The door of vzctl: its flags, its lock, and the way to each verb."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module

from . import faults, locks, paths, spawn
from .call import Call
from .container import Container, parse_ctid
from .exits import BAD_PARAMETER, BAD_VALUE, NO_OPENVZ_KERNEL, SYSTEM, VzError
from .voice import Voice

VERSION = "4.11.1"
FLAGS = ("--quiet", "--verbose", "--skiplock")
#: verb -> module of this package and function in it; only the one asked for is loaded
VERBS = {
    "chkpnt": ("vzctl_checkpoint", "chkpnt"),
    "compact": ("vzctl_ploop", "refuse"),
    "console": ("vzctl_exec", "enter"),
    "convert": ("vzctl_ploop", "refuse"),
    "create": ("vzctl_create", "create"),
    "destroy": ("vzctl_create", "destroy"),
    "enter": ("vzctl_exec", "enter"),
    "exec": ("vzctl_exec", "exec_"),
    "exec2": ("vzctl_exec", "exec2"),
    "exec3": ("vzctl_exec", "exec2"),
    "mount": ("vzctl_run", "mount"),
    "quotainit": ("vzctl_run", "quota"),
    "quotaoff": ("vzctl_run", "quota"),
    "quotaon": ("vzctl_run", "quota"),
    "restart": ("vzctl_run", "restart"),
    "restore": ("vzctl_checkpoint", "restore"),
    "resume": ("vzctl_checkpoint", "restore"),
    "set": ("vzctl_set", "set_"),
    "snapshot": ("vzctl_ploop", "refuse"),
    "snapshot-delete": ("vzctl_ploop", "refuse"),
    "snapshot-list": ("vzctl_ploop", "refuse"),
    "snapshot-mount": ("vzctl_ploop", "refuse"),
    "snapshot-switch": ("vzctl_ploop", "refuse"),
    "snapshot-umount": ("vzctl_ploop", "refuse"),
    "start": ("vzctl_run", "start"),
    "status": ("vzctl_status", "status"),
    "stop": ("vzctl_run", "stop"),
    "suspend": ("vzctl_checkpoint", "chkpnt"),
    "umount": ("vzctl_run", "umount"),
}
NEED_NO_LOCK = ("console", "enter", "exec", "exec2", "exec3", "status")
NEED_NO_CONF = ("create", "set", "status")
USAGE = """\
vzctl version {version}
Usage: vzctl [options] <command> <ctid> [parameters]
vzctl create | destroy | mount | umount | start | stop | restart | status | set
vzctl chkpnt | suspend | restore | resume | exec | exec2 | enter | quotaon | quotaoff | quotainit"""


def main(argv: list[str]) -> int:
    spawn.keep_to_ourselves()
    flags, words = _split_flags(argv)
    voice = Voice("vzctl", quiet="--quiet" in flags)
    try:
        return _obey(flags, words, voice)
    except VzError as error:
        for line in error.lines:
            voice.complain(line)
        return error.code
    except (OSError, spawn.SpawnFailed) as error:
        voice.complain(f"System error: {error}")
        return SYSTEM


def _split_flags(argv: list[str]) -> tuple[list[str], list[str]]:
    for number, word in enumerate(argv):
        if word not in FLAGS:
            return argv[:number], argv[number:]
    return argv, []


def _obey(flags: list[str], words: list[str], voice: Voice) -> int:
    match words:
        case ["--version"]:
            print(f"vzctl version {VERSION}")
            return 0
        case [] | ["--help" | "help", *_]:
            print(USAGE.format(version=VERSION))
            return 0
        case [verb] if verb in VERBS:
            raise VzError(BAD_PARAMETER, "CT ID is not specified" if verb != "set" else "Invalid syntax")
        case [verb, name, *options] if verb in VERBS:
            return _run(verb, _ctid(name), options, voice, skip_lock="--skiplock" in flags)
    raise VzError(BAD_PARAMETER, f"Bad command: {words[0]}")


def _ctid(name: str) -> int:
    ctid = parse_ctid(name)
    if ctid == 0:
        raise VzError(BAD_VALUE, "Invalid CTID 0")
    return ctid


def _run(verb: str, ctid: int, options: list[str], voice: Voice, *, skip_lock: bool) -> int:
    faults.strike("vzctl", verb, str(ctid))
    if not os.path.isdir(f"{paths.KERNEL_DIR}/vz"):
        raise VzError(NO_OPENVZ_KERNEL, "Running kernel is not OpenVZ kernel.")
    voice.ctid = ctid
    ct = Container(ctid)
    if verb not in NEED_NO_CONF:
        ct.need_conf()
    module, function = VERBS[verb]
    action: Callable[[Call], int] = getattr(import_module(f".{module}", __package__), function)
    call = Call(verb, ct, options, voice)
    if skip_lock or verb in NEED_NO_LOCK:
        return action(call)
    return _locked(action, call)


def _locked(action: Callable[[Call], int], call: Call) -> int:
    lock = call.ct.lock_file
    if locks.take_for_vzctl(lock):
        call.voice.complain("Removing stale lock file " + lock)
    try:
        return action(call)
    finally:
        locks.release(lock)
