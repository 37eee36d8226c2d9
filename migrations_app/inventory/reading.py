"""What one look at a node found, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from migrations_app.vz import facts
from migrations_app.vz.facts import FactUnreadable


@dataclass(frozen=True, kw_only=True)
class NodeReading:
    """What a node said of itself at one moment; None stands for every answer that could not be read."""

    asked_at: datetime
    kernel: facts.Kernel | None = None
    tools: facts.Tools | None = None
    service_runs: bool | None = None
    processors: facts.Processors | None = None
    memory: facts.MemoryUse | None = None
    disk: facts.DiskSpace | None = None
    ntp_client: str | None = None
    traffic: facts.Traffic | None = None
    link_mbps: int | None = None
    checkpointing: facts.CheckpointSupport | None = None
    modules: frozenset[str] | None = None
    containers: tuple[facts.ObservedContainer, ...] | None = None
    # Ids and states alone: what is left when a customer's text makes the full list unreadable.
    bare_containers: tuple[facts.ObservedContainer, ...] | None = None
    clock_offset_seconds: float | None = None  # the node's clock minus ours
    unreadable: tuple[FactUnreadable, ...] = ()
