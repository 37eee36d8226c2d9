"""vzmigrate as of vzctl 4.11: its stages and words in order, its exit codes, and what each failure leaves behind."""

from __future__ import annotations

import os
import signal
import sys

from . import faults, locks, spawn, vzmigrate_checks, vzmigrate_live, vzmigrate_prepare, vzmigrate_stopped
from .container import Container, parse_ctid
from .exits import VzError
from .vzmigrate_exits import LOCKED, NOT_EXIST, USAGE, Failed
from .vzmigrate_options import USAGE as HELP
from .vzmigrate_options import BadUsage, parse
from .vzmigrate_run import Run

HELP_WORDS = {"-h", "--help", "--usage", "-?"}


def main(argv: list[str]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    spawn.keep_to_ourselves()
    if not argv or HELP_WORDS & set(argv):
        print(HELP)
        return 0
    try:
        options = parse(argv)
    except BadUsage as error:
        print(f"Invalid usage: {error}\n\nFor command line syntax, please check\n  vzmigrate --help\n  man vzmigrate\n")
        return USAGE
    faults.strike("vzmigrate", options.container)
    try:
        run = Run(options, Container(parse_ctid(options.container)))
    except VzError as error:
        print(f"Error: {error}", file=sys.stderr)
        return NOT_EXIST
    return _migrate(run)


def _migrate(run: Run) -> int:
    try:
        _lock(run)
        vzmigrate_checks.here(run)
        _say_start(run)
        vzmigrate_checks.both_sides(run)
        if not run.options.check_only:
            _move(run)
    except Failed as failed:
        for line in failed.lines:
            run.complain(line)
        run.undo_all()
        return failed.code
    run.undo_all()
    return 0


def _lock(run: Run) -> None:
    path, ctid = run.ct.lock_file, run.ct.ctid
    try:
        taken = locks.take(path)
    except OSError as error:
        raise Failed(USAGE, f"Can't lock CT {ctid}: {error.strerror}") from error
    if not taken:
        pid = locks.holder(path)
        print(f"vzmigrate: cannot create {path}: File exists", file=sys.stderr)
        print(locks.describe(pid), flush=True)
        raise Failed(LOCKED, f"CT {ctid} already locked by PID {pid}")
    run.say(f"Locked CT {ctid}")
    run.on_failure(lambda: locks.release(path), run.link.close)


def _say_start(run: Run) -> None:
    verb = "Checking" if run.options.check_only else "Starting"
    what = "live migration" if run.options.live else "migration"
    run.say(f"{verb} {what} of CT {run.ct.ctid} to {run.options.host}")


def _move(run: Run) -> None:
    vzmigrate_prepare.prepare(run)
    vzmigrate_prepare.first_pass(run)
    if run.options.live:
        dumps = vzmigrate_live.carry(run)
        run.committed()
        run.say("Cleaning up")
        vzmigrate_live.end_source(run, dumps)
    else:
        vzmigrate_stopped.carry(run)
        run.committed()
        run.say("Cleaning up")
    _give_up_source(run)


def _give_up_source(run: Run) -> None:
    if run.options.remove_area:
        run.debug("Destroying container")
        run.vzctl("destroy", str(run.ct.ctid))
    else:
        os.replace(run.ct.conf, f"{run.ct.conf}.migrated")
