"""Which nodes have used up what was to stay free on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from migrations_app.capacity.resources import BY_NAME, limits, shares
from migrations_app.models import Node, Standing

# Not the processors: copying itself keeps them busy, and a moment later they are free again.
LASTING: Final = ("memory", "disk", "inodes")


def used_up(nodes: Collection[Node], settings: Mapping[str, Any]) -> dict[int, Mapping[str, tuple[float, float]]]:
    """Return by node the resources of which more is in use than may be: {name: (share in use, share allowed)}."""
    by_pk = {node.pk: node for node in nodes}
    found: dict[int, Mapping[str, tuple[float, float]]] = {}
    for row in Standing.objects.filter(node__in=by_pk):
        allowed = limits(settings) | _own_limits(by_pk[row.node_id])
        used = shares(row.now, row.total)
        over = {name: (used[name], allowed[name]) for name in LASTING if used.get(name, 0.0) > allowed[name]}
        if over:
            found[row.node_id] = over
    return found


def _own_limits(node: Node) -> dict[str, float]:
    own = {name: getattr(node, BY_NAME[name].setting) for name in LASTING}
    return {name: percent / 100 for name, percent in own.items() if percent is not None}
