"""Misbehave on demand: what /run/vzsim/faults.json says of a tool happens to it.

    {"vzmigrate": {"exit": 7, "stderr": "no"}, "vzctl start": {"hang_seconds": 600},
     "vzmigrate@Copying dumpfile": {"signal": 9}, "vzctl start 101": {"times": 1, "exit": 50}}

The key is a tool, with a verb and a CTID if wanted; after an @ stands the message at which it happens.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from . import paths


def strike(*words: str, at: str = "") -> None:
    """Do what is planned for a tool called with these words, the longest key first."""
    if not os.path.exists(paths.FAULTS):
        return
    plans = _read()
    moment = f"@{at}" if at else ""
    for length in range(len(words), 0, -1):
        key = " ".join(words[:length]) + moment
        if key in plans and _is_due(plans, key):
            _happen(plans[key])
            return


def _read() -> dict[str, dict[str, Any]]:
    import json

    with open(paths.FAULTS) as file:
        plans: dict[str, dict[str, Any]] = json.load(file)
    return plans


def _is_due(plans: dict[str, dict[str, Any]], key: str) -> bool:
    times = plans[key].get("times")
    if times is None:
        return True
    if times < 1:
        return False
    import json

    plans[key]["times"] = times - 1
    draft = f"{paths.FAULTS}.{os.getpid()}"
    with open(draft, "w") as file:
        json.dump(plans, file)
    os.replace(draft, paths.FAULTS)
    return True


def _happen(plan: dict[str, Any]) -> None:
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        if text := plan.get(name):
            stream.write(f"{text}\n")
            stream.flush()
    time.sleep(plan.get("hang_seconds", 0))
    if number := plan.get("signal"):
        os.kill(os.getpid(), number)
    if "exit" in plan:
        os._exit(plan["exit"])
