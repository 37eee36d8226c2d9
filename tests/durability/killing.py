"""Kill processes of the panel with -9, and start again what a supervisor would start again."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from lab.panel import Panel

# What a kill hits. "worker": the one process that is at the migration this moment; the others: whole parts.
GROUP_KINDS = ("cluster", "work", "panel")


def strike(panel: Panel, kind: str, *, worker_pid: int | None = None) -> None:
    match kind:
        case "worker" if worker_pid is not None:
            kill(worker_pid)
        case "cluster":
            kill_groups(panel)
        case "work":
            panel.kill()
            panel.start_worker()
        case "panel":
            kill_groups(panel)
            panel.kill(web=True)
            panel.start_worker()
        case _:
            raise ValueError(kind)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def kill_groups(panel: Panel) -> None:
    for group in groups(panel):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def groups(panel: Panel) -> list[int]:
    """Return the process groups of the queue's cluster, as the worker command has noted them."""
    notes = (panel.folder / "work").glob("*.group")
    return [int(note.stem.partition("-")[2]) for note in notes]


def members(group: int) -> dict[int, int]:
    """Return the processes of a group, each with its parent, eldest first."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, parent, its_group, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                found[int(entry.name)] = int(parent)
    return dict(sorted(found.items()))
