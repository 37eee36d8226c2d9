"""vzmigrate makes room on the other node and copies what can be copied beforehand."""

from __future__ import annotations

import os

from . import vzmigrate_quota
from .vzmigrate_exits import APPLY_CONFIG, COPY, Failed
from .vzmigrate_run import Run

ACTION_SCRIPTS = ("start", "stop", "mount", "umount", "premount", "postumount")
UNKNOWN_PARAMETER = (20, 21)
VANISHED_FILES = 24


def prepare(run: Run) -> None:
    run.say("Preparing remote node")
    _copy_config(run)
    _copy_scripts(run)
    if run.suspended:
        _copy_suspended_state(run)
    run.debug("Creating remote container root dir")
    if run.link.tell(f"mkdir -p {run.remote_root}"):
        raise Failed(COPY, "Failed to make container root directory")
    run.debug("Creating remote container private dir")
    if not run.options.keep_dst:
        run.on_failure(lambda: run.link.tell(_remove_private(run.remote_private)))
    run.on_failure(lambda: run.link.tell(f"rm -rf {run.remote_root}"))
    if run.link.tell(_make_private(run)):
        raise Failed(COPY, "Failed to make container private area directory")
    if run.has_quota:
        vzmigrate_quota.begin(run)


def _copy_config(run: Run) -> None:
    ctid, conf = run.ct.ctid, run.ct.conf
    run.debug("Copying config file")
    if run.link.copy(conf, to=conf):
        raise Failed(COPY, "Failed to copy config file")
    run.on_failure(
        lambda: run.link.tell(f"vzctl set {ctid} --name '' --save > /dev/null"),
        lambda: run.link.tell(f"rm -f {conf}"),
    )
    run.link.tell(f"vzctl set {ctid} --private {run.remote_private} --root {run.remote_root} --save")
    code = run.link.tell(f"vzctl set {ctid} --applyconfig_map name --save")
    if code and code not in UNKNOWN_PARAMETER:
        raise Failed(APPLY_CONFIG, "Failed to apply config on destination node")


def _copy_scripts(run: Run) -> None:
    folder = os.path.dirname(run.ct.conf)
    candidates = [f"{folder}/{run.ct.ctid}.{suffix}" for suffix in ACTION_SCRIPTS]
    scripts = [path for path in candidates if os.path.isfile(path)]
    if scripts:
        run.debug("Copying action scripts")
        if run.link.copy(*scripts, to=f"{folder}/"):
            raise Failed(COPY, "Failed to copy action scripts")
        run.on_failure(lambda: run.link.tell(f"rm -f {' '.join(scripts)}"))


def _copy_suspended_state(run: Run) -> None:
    run.debug("Copying dump file")
    if run.link.copy(run.ct.dump_file, to=f"{run.remote['DUMPDIR']}/"):
        raise Failed(COPY, "Failed to copy dump file")
    run.on_failure(lambda: run.link.tell(f"rm -f {run.remote['DUMPDIR']}/Dump.{run.ct.ctid}"))


def _make_private(run: Run) -> str:
    if os.path.islink(run.ct.private):
        area = os.path.realpath(run.ct.private)
        return f"mkdir -p {area} && ln -s {area} {run.remote_private} && mkdir -p {run.remote_private}"
    return f"mkdir -p {run.remote_private}"


def _remove_private(private: str) -> str:
    return f'if [ -L {private} ]; then rm -rf "$(readlink -f {private})" && rm -f {private}; else rm -rf {private}; fi'


def first_pass(run: Run) -> None:
    run.say("Syncing private")
    code = run.link.sync(run.ct.private, run.remote_private, *([] if run.ct.is_ploop else ["--sparse"]))
    if code not in (0, VANISHED_FILES):
        raise Failed(COPY, "Failed to sync container private areas")
