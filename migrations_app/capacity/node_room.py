"""What a node offers to containers: how much of each resource they may take together, and its tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from migrations_app.models import Node

# As in fleet files.
RESOURCES: Final = ("cpu", "mem", "disk")
Amounts = tuple[float, float, float]

_PLOOP_SINCE = (2, 6, 32)
_COLUMNS = (
    *("pk", "name", "duty", "duty_note", "fault", "kernel", "architecture", "link_mbps", "tags"),
    *("cpu_count", "cpu_overcommit", "memory_total_mib", "memory_available_mib", "disk_total_mib", "disk_free_mib"),
    *("cpu_limit_percent", "memory_limit_percent", "disk_limit_percent"),
    *("standing__missed", "standing__total", "standing__now", "standing__week"),
)


@dataclass(frozen=True, kw_only=True)
class NodeRoom:
    """``has`` is what there is, processors times overcommit; ``used`` what is in use on it, whoever uses it.

    ``closed`` says why nothing is sent there; empty: it may be a target.
    """

    pk: int
    name: str
    closed: str
    is_on_duty: bool
    has: Amounts
    limits: Amounts
    used: Mapping[str, float]
    overcommit: float
    cores_week: float
    nic_bps: float | None
    tags: frozenset[str]
    needs: frozenset[str]  # what its containers need of another node, whatever their own wishes

    def room(self, held: Mapping[str, float]) -> Amounts:
        """Return what containers may take together.

        The reserve is for the node itself; what it uses beyond its reserve is no longer there for containers.

        :param held: what containers use of it now, by resource.
        """
        cpu, *others = (has * limit for has, limit in zip(self.has, self.limits, strict=True))
        rest = [has - max(0.0, self.used.get(name, 0.0) - held.get(name, 0.0)) for name, has in self._bodies()]
        mem, disk = (
            max(min(room, left), has / 100) for room, left, has in zip(others, rest, self.has[1:], strict=True)
        )
        return cpu, mem, disk

    def _bodies(self) -> list[tuple[str, float]]:
        return list(zip(RESOURCES, self.has, strict=True))[1:]


def read(settings: Mapping[str, Any]) -> tuple[list[NodeRoom], list[str]]:
    """Return every ready node whose size is known, by name, and the names of those whose is not; one query."""
    rows = Node.objects.filter(state=Node.State.READY).order_by("name").values(*_COLUMNS)
    found, unknown = [], []
    for row in rows.iterator(chunk_size=5_000):
        has = _has(row)
        if min(has) > 0:
            found.append(_node(row, has, settings))
        else:
            unknown.append(row["name"])
    return found, unknown


def _has(row: Mapping[str, Any]) -> Amounts:
    total = row["standing__total"] or {}
    cores = total.get("cpu") or row["cpu_count"] or 0
    mem = total.get("memory") or row["memory_total_mib"] or 0
    return cores * row["cpu_overcommit"], float(mem), float(total.get("disk") or row["disk_total_mib"] or 0)


def _node(row: Mapping[str, Any], has: Amounts, settings: Mapping[str, Any]) -> NodeRoom:
    tags = frozenset(word for word in row["tags"] if isinstance(word, str))
    here = _kind(row["architecture"], row["kernel"])
    cpu, mem, disk = (
        (row[name] or settings[name]) / 100
        for name in ("cpu_limit_percent", "memory_limit_percent", "disk_limit_percent")
    )
    return NodeRoom(
        pk=row["pk"],
        name=row["name"],
        closed=_closed(row),
        is_on_duty=row["duty"] == Node.Duty.IN_SERVICE,
        has=has,
        limits=(cpu, mem, disk),
        used=_used(row),
        overcommit=row["cpu_overcommit"],
        cores_week=float((row["standing__week"] or {}).get("cpu_cores", 0.0)),
        nic_bps=row["link_mbps"] * 1e6 if row["link_mbps"] else None,
        tags=tags | here | ({"layout:ploop"} if _has_ploop(row["kernel"]) else set()),
        needs=here,
    )


def _used(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what is in use by the last sample, else by the last scan; what nobody knows is not there."""
    now = row["standing__now"] or {}
    found = {"mem": now.get("memory_mib"), "disk": now.get("disk_mib")}
    for name, total, free in (
        ("mem", "memory_total_mib", "memory_available_mib"),
        ("disk", "disk_total_mib", "disk_free_mib"),
    ):
        if found[name] is None and row[total] is not None and row[free] is not None:
            found[name] = row[total] - row[free]
    return {name: float(amount) for name, amount in found.items() if amount is not None}


def _closed(row: Mapping[str, Any]) -> str:
    if row["duty"] != Node.Duty.IN_SERVICE:
        note = f" ({row['duty_note']})" if row["duty_note"] else ""
        return f"{row['name']} is {'in maintenance' if row['duty'] == Node.Duty.MAINTENANCE else 'draining'}{note}"
    if trouble := row["fault"] or row["standing__missed"]:
        return f"{row['name']} is in trouble: {trouble}"
    return ""


def _kind(architecture: str, kernel: str) -> frozenset[str]:
    """Return what both ends of a move have to share, as tags: the programs' machine and the line of OpenVZ."""
    line = "vz7" if ".vz7" in kernel else "legacy" if "stab" in kernel else ""
    words = (("arch", architecture), ("line", line))
    return frozenset(f"{name}:{word}" for name, word in words if word)


def _has_ploop(kernel: str) -> bool:
    return tuple(map(int, re.findall(r"\d{1,6}", kernel)[:3])) >= _PLOOP_SINCE
