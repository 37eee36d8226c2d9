"""What vzmigrate looks at before it changes anything, in its own order."""

from __future__ import annotations

import os
import shutil

from . import paths, spawn
from .vzmigrate_exits import (
    ADDRESS_IN_USE,
    CONNECT,
    CPT_VERSION,
    CPU,
    EXISTS,
    NOT_EXIST,
    OPENVZ_NOT_RUNNING,
    PLOOP,
    REMOTE_CONFIG,
    STOPPED,
    Failed,
)
from .vzmigrate_run import Run

CANNOT_GO_ON = "Can't continue migration"
CANNOT_GO_ON_LIVE = "Can't continue live migration"


def here(run: Run) -> None:
    if not run.ct.exists:
        raise Failed(NOT_EXIST, f"CT #{run.ct.ctid} doesn't exist")
    if run.options.live and not run.running:
        raise Failed(STOPPED, "Can't perform live migration of a stopped container")


def both_sides(run: Run) -> None:
    _connection(run)
    _openvz_runs(run)
    if run.options.live:
        _modules(run)
    if run.link.ask(f"vzctl --quiet status {run.ct.ctid}").output.split()[2:3] == ["exist"]:
        raise Failed(EXISTS, f"CT #{run.ct.ctid} already exists on destination node")
    if run.options.live or run.suspended:
        _checkpointing(run)
        _ipv6(run)
    _remote_settings(run)
    if run.ct.is_ploop and run.link.tell("ploop getdev >/dev/null"):
        raise Failed(PLOOP, "Destination node does not support ploop, can't migrate")
    _addresses(run)


def _connection(run: Run) -> None:
    run.link.open()
    if run.link.tell("/bin/true"):
        raise Failed(
            CONNECT,
            "Can't connect to destination address using public key",
            "Please put your public key to destination node",
        )


def _openvz_runs(run: Run) -> None:
    if run.link.tell("/etc/init.d/vz status"):
        raise Failed(OPENVZ_NOT_RUNNING, "OpenVZ is not running on the target machine", CANNOT_GO_ON)


def _modules(run: Run) -> None:
    if not os.path.isfile(f"{paths.KERNEL_DIR}/cpt"):
        raise Failed(OPENVZ_NOT_RUNNING, "vzcpt module is not loaded on the source node", CANNOT_GO_ON_LIVE)
    if run.link.tell(f"test -f {paths.KERNEL_DIR}/rst"):
        raise Failed(OPENVZ_NOT_RUNNING, "vzrst module is not loaded on the destination node", CANNOT_GO_ON_LIVE)


def _checkpointing(run: Run) -> None:
    if not shutil.which("vzcptcheck"):
        run.say("Warning: no vzcptcheck binary on local node,")
        run.say("skipping CPT version and CPU caps checks")
    elif run.link.ask("which vzcptcheck").code:
        run.say("Warning: no vzcptcheck binary on destination node,")
        run.say("skipping CPT version and CPU caps checks")
    else:
        _cpt_version(run)
        _cpu(run)


def _cpt_version(run: Run) -> None:
    run.debug("Checking for CPT version compatibility")
    version = spawn.run(["vzcptcheck", "version"])
    if version.code or not version.output.strip():
        run.say("Warning: can't get local CPT version, skipping check")
    elif run.link.tell(f"vzcptcheck version {version.output.strip()}", loud=True):
        raise Failed(
            CPT_VERSION,
            "CPT version check failed on destination node!",
            "Destination node kernel is too old, please upgrade",
            CANNOT_GO_ON_LIVE,
        )


def _cpu(run: Run) -> None:
    run.debug("Checking for CPU flags compatibility")
    caps = run.link.ask("vzcptcheck caps")
    if caps.code or not caps.output.strip():
        run.say("Warning: can't get remote CPU caps, skipping check")
        return
    check = spawn.run(["vzcptcheck", "caps", str(run.ct.ctid), caps.output.strip()])
    print(check.output, end="", flush=True)
    if check.code == 0:
        return
    reasons = [line.removeprefix("Error: ") for line in check.errors.splitlines()]
    failed = Failed(CPU, *reasons, "CPU capabilities check failed!", "Destination node CPU is not compatible")
    _unless_ignored(run, "cpu", Failed(CPU, *failed.lines, CANNOT_GO_ON_LIVE), failed.lines)


def _ipv6(run: Run) -> None:
    if os.path.isdir("/proc/sys/net/ipv6") and run.link.tell("test -d /proc/sys/net/ipv6"):
        failed = Failed(OPENVZ_NOT_RUNNING, "Module ipv6 is not loaded on the destination node")
        _unless_ignored(run, "ipv6", failed, failed.lines)


def _unless_ignored(run: Run, check: str, failed: Failed, lines: tuple[str, ...]) -> None:
    if check not in run.options.ignored:
        raise failed
    for line in lines:
        run.complain(line)
    run.say("Ignoring the above error (migration can fail)...")


def _remote_settings(run: Run) -> None:
    run.debug(f"Loading {run.ct.conf}")
    run.debug("Getting remote VE_ROOT and VE_PRIVATE")
    script = f"VEID={run.ct.ctid}; . {paths.GLOBAL_CONF} && echo $VE_ROOT && echo $VE_PRIVATE && echo $DUMPDIR"
    lines = [*run.link.ask(script).output.splitlines(), "", "", ""]
    run.remote = dict(zip(("VE_ROOT", "VE_PRIVATE", "DUMPDIR"), lines, strict=False))
    if not run.remote_root or not run.remote_private:
        raise Failed(REMOTE_CONFIG, "Failed to get remote VE_ROOT/VE_PRIVATE")
    for name, mine in (("VE_PRIVATE", run.ct.private), ("VE_ROOT", run.ct.root)):
        if mine != run.remote[name]:
            run.say(f"Remote {name} path differs from local {run.ct.ctid}.conf")
            run.say(f"Using {run.remote[name]} for syncing")


def _addresses(run: Run) -> None:
    if not run.ct.addresses:
        return
    run.debug(f"Checking IPs on destination node: {' '.join(run.ct.addresses)}")
    words = " ".join(f"-e {address}" for address in run.ct.addresses)
    found = run.link.ask(f"grep -cwF {words} {paths.KERNEL_DIR}/vz/veip").output.strip()
    if found not in ("", "0"):
        raise Failed(ADDRESS_IN_USE, "IP address(es) already in use on destination node")
