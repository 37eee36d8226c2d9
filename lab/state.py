"""What a running lab says of itself in state.json: written whole by the supervisor, read by everybody else."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from lab.paths import RunPaths


@dataclass(frozen=True, kw_only=True)
class NodeState:
    name: str
    address: str
    host_key: str
    pid: int  # of the node's process 1, as the host sees it; 0 while the node is down


@dataclass(frozen=True, kw_only=True)
class LabState:
    run_id: str
    supervisor_pid: int
    places: dict[str, int]  # the process that holds each place's network
    nodes: tuple[NodeState, ...]
    checkpointing: bool
    detached: bool  # stays until `make lab-down`; others end with the process that started them


def write(paths: RunPaths, state: LabState) -> None:
    draft = paths.state.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state), indent=1))
    os.replace(draft, paths.state)


def read(paths: RunPaths) -> LabState:
    told: dict[str, Any] = json.loads(paths.state.read_text())
    nodes = tuple(NodeState(**node) for node in told.pop("nodes"))
    return LabState(**told, nodes=nodes)
