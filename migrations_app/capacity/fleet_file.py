"""The fleet as a file that `manage.py propose` reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.capacity import picture
from migrations_app.capacity.picture import Picture
from migrations_app.models import Node
from migrations_app.placement.fleet import NO_GROUP


def told(*, settings: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the fleet as ``fleet/1``; nodes that are to be empty are drained, those in trouble are left out.

    A file has one limit for all nodes, so each node's own is worked into its size.
    """
    emptied = Node.objects.filter(state=Node.State.READY).exclude(duty=Node.Duty.IN_SERVICE)
    seen = picture.take(settings=settings, now=now, emptied=set(emptied.values_list("pk", flat=True)))
    limits = {
        "cpu": settings["cpu_limit_percent"] / 100,
        "mem": settings["memory_limit_percent"] / 100,
        "disk": settings["disk_limit_percent"] / 100,
    }
    return {
        "format": "fleet/1",
        "mode": "evacuate",
        "level": None,
        "resources": list(seen.fleet.resources),
        "limits": limits,
        "nodes": _nodes(seen, limits),
        "containers": _containers(seen),
    }


def _nodes(seen: Picture, limits: Mapping[str, float]) -> list[dict[str, Any]]:
    fleet = seen.fleet
    sizes = fleet.room / [limits[name] for name in fleet.resources]
    return [
        {
            "name": node.name,
            **dict(zip(fleet.resources, sizes[row].round(3).tolist(), strict=True)),
            "nic_bps": node.nic_bps,
            "tags": sorted(node.tags),
            "drained": bool(fleet.drained[row]),
        }
        for row, node in enumerate(seen.rooms)
    ]


def _containers(seen: Picture) -> list[dict[str, Any]]:
    fleet = seen.fleet
    return [
        {
            "name": name,
            "node": fleet.node_names[fleet.home[row]],
            **dict(zip(fleet.resources, fleet.demand[row].round(3).tolist(), strict=True)),
            "move_bytes": int(fleet.move_bytes[row]),
            "requires": sorted(fleet.kinds[fleet.kind[row]]),
            "group": fleet.groups[fleet.group[row]] if fleet.group[row] != NO_GROUP else None,
            "pinned": bool(fleet.pinned[row]),
        }
        for row, name in enumerate(fleet.names)
    ]
