"""What the pre-check knows of both nodes at one moment; None stands for "could not be read" and for "not asked"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from migrations_app.execution.step import Order
from migrations_app.vz import facts
from migrations_app.vz.facts import FactUnreadable

Side = Literal["source", "target"]


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """What is asked of both nodes."""

    name: str
    side: Side
    kernel: facts.Kernel | None = None
    tools: facts.Tools | None = None
    service_runs: bool | None = None
    disk: facts.DiskSpace | None = None
    memory: facts.MemoryUse | None = None
    ntp_client: str | None = None
    clock_offset_seconds: float | None = None  # the node's clock minus the panel's
    conf: facts.VzConf | None = None
    modules: frozenset[str] | None = None
    checkpointing: facts.CheckpointSupport | None = None
    address_owners: Mapping[str, str] | None = None  # container by address, as the kernel routes them
    state: facts.ContainerState | None = None
    scripts: tuple[str, ...] | None = None
    fence: facts.FenceRecord | None = None
    at_work: tuple[facts.ToolAtWork, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class SourceFacts(NodeFacts):
    side: Side = "source"
    config: facts.ContainerConfig | None = None
    size: facts.Size | None = None
    lock: facts.Lock | None = None
    resources: facts.Resources | None = None
    macs: tuple[str, ...] | None = None
    mounts: tuple[facts.Mount, ...] | None = None
    cpt_version: int | None = None
    can_restore_there: facts.Checked | None = None  # does the target's kernel read this one's images?
    can_live_there: facts.Checked | None = None  # does the target's processor have what the container uses?


@dataclass(frozen=True, kw_only=True)
class TargetFacts(NodeFacts):
    side: Side = "target"
    leftovers: tuple[facts.Leftover, ...] | None = None
    container_names: Mapping[str, str] | None = None  # container by name
    bridges: frozenset[str] | None = None
    ploop: facts.Checked | None = None
    cpt_caps: int | None = None
    on_the_wire: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # hardware addresses by address


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A question whose answer was none."""

    node: str
    side: Side
    fact: str
    refusal: FactUnreadable


@dataclass(frozen=True, kw_only=True)
class Facts:
    order: Order
    at: datetime
    source: SourceFacts
    target: TargetFacts
    unread: tuple[Unread, ...] = ()

    @property
    def ctid(self) -> str:
        return self.order.ctid

    @property
    def here(self) -> str:
        return self.source.name

    @property
    def there(self) -> str:
        return self.target.name

    @property
    def nodes(self) -> tuple[NodeFacts, NodeFacts]:
        return self.source, self.target

    @property
    def runs(self) -> bool:
        return self.source.state is not None and self.source.state.running

    @property
    def memory_held_mib(self) -> int:
        """What the container's processes hold now; 0 where it does not run or nobody knows."""
        held = (self.source.resources or {}).get("physpages")
        return held.held * 4 // 1024 if held and self.runs else 0
