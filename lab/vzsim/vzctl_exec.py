"""vzctl exec, exec2 and enter: a command of the node's inside the container."""

from __future__ import annotations

import os

from . import spawn
from .call import Call
from .exits import COMMAND_FAILED, NOT_RUNNING, VzError


def exec_(call: Call) -> int:
    code = exec2(call)
    return COMMAND_FAILED if code else 0


def exec2(call: Call) -> int:
    """Run the words as one shell command line, without any environment."""
    return _inside(call, ["/bin/bash", "-c", " ".join(call.options)])


def enter(call: Call) -> int:
    return _inside(call, ["/bin/bash", "--login"])


def _inside(call: Call, words: list[str]) -> int:
    group = call.ct.group
    init = group.init()
    if not init:
        raise VzError(NOT_RUNNING, "Container is not running")
    if not os.path.exists(f"/proc/{init}/root/bin/bash"):
        words = ["/bin/sh", *words[1:]]
    # The command belongs to the container from its first moment: it is frozen and ended with it.
    join = ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', group.path]
    return spawn.wait(spawn.start([*join, *spawn.into(init), *words], stdin=0, stdout=1, stderr=2))
