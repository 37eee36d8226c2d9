"""Read a zone, and keep what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migrations_app.execution.outside import Outside
from migrations_app.models import Zone
from migrations_app.zones import shelf


def read_zone(*, zone_id: int, outside: Outside, settings: Mapping[str, Any]) -> bool:
    """Read the zone if it changed; return whether that went well. What goes wrong is its fault, shown on its page."""
    zone = Zone.objects.select_related("primary", "key").get(pk=zone_id)
    return shelf.refresh(zone, outside.nameserver, now=outside.clock(), settings=settings)
