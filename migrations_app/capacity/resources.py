"""The resources a node can run out of, and how much of each may be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from migrations_app.capacity.metrics import Point


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource: the metric that tells its use, and its name among totals and promises."""

    name: str
    title: str
    metric: str
    unit: str
    setting: str  # of the share in percent that may be used


RESOURCES: Final = (
    Resource(name="cpu", title="CPU", metric="cpu_cores", unit="cores", setting="cpu_limit_percent"),
    Resource(name="memory", title="Memory", metric="memory_mib", unit="MiB", setting="memory_limit_percent"),
    Resource(name="disk", title="Disk", metric="disk_mib", unit="MiB", setting="disk_limit_percent"),
    Resource(name="inodes", title="Inodes", metric="inodes", unit="inodes", setting="disk_limit_percent"),
)
BY_NAME: Mapping[str, Resource] = {resource.name: resource for resource in RESOURCES}


def limits(settings: Mapping[str, Any]) -> dict[str, float]:
    """Return which share of each resource may be used, between 0 and 1; the rest is the reserve."""
    return {resource.name: settings[resource.setting] / 100 for resource in RESOURCES}


def shares(use: Point, total: Mapping[str, float]) -> dict[str, float]:
    """Return which part of each resource is in use; one that is not known is not there."""
    return {
        resource.name: use[resource.metric] / total[resource.name]
        for resource in RESOURCES
        if resource.metric in use and total.get(resource.name)
    }
