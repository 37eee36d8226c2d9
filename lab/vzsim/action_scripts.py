"""The scripts that may accompany a container: CTID.mount and its like, and vps.mount for all of them."""

from __future__ import annotations

import os

from . import paths, spawn
from .container import Container
from .exits import ACTION_SCRIPT, VzError


def run_on_node(ct: Container, action: str) -> None:
    """Run vps.ACTION and CTID.ACTION, if they are there, with the container's number in their environment."""
    for name in ("vps", str(ct.ctid)):
        script = f"{paths.CONF_DIR}/{name}.{action}"
        if os.access(script, os.X_OK):
            _check(script, spawn.run(["env", f"VEID={ct.ctid}", f"VE_CONFFILE={ct.conf}", script]))


def run_inside(ct: Container, action: str) -> None:
    """Run CTID.ACTION in the running container; the script itself stays on the node."""
    script = f"{paths.CONF_DIR}/{ct.ctid}.{action}"
    init = ct.group.init()
    if init and os.access(script, os.X_OK):
        with open(script) as file:
            text = file.read()
        _check(script, spawn.run([*spawn.into(init), "/bin/sh", "-s"], stdin=text))


def _check(script: str, finished: spawn.Finished) -> None:
    print(finished.output, end="", flush=True)
    if finished.code:
        raise VzError(ACTION_SCRIPT, *finished.errors.splitlines(), f"Error executing script {script}")
