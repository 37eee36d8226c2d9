"""Which nodes are alike, so that a check of two of them says something of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrations_app.models import Node

# A matrix of more classes nobody reads, and no night checks.
MOST_CLASSES = 40
TOOLS = ("vzctl", "vzmigrate", "vzcptcheck", "criu")
COLUMNS = ("kernel", "architecture", "tools", "can_checkpoint", "cpu_flags", "modules")


@dataclass(frozen=True, kw_only=True)
class NodeClass:
    """Nodes that are alike, under a short name."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def words(self) -> str:
        """What its nodes have in common, for people."""
        one = self.nodes[0]
        parts = [one.kernel or "kernel unknown", one.architecture]
        parts += [f"{tool} {one.tools[tool]}" for tool in TOOLS if one.tools.get(tool) not in (None, "", "present")]
        return ", ".join(part for part in (*parts, "" if one.can_checkpoint else "no checkpointing") if part)


def of(node: Node) -> str:
    """Return the fingerprint of all that a live move depends on: with another one, what was checked is outdated."""
    return _digest(_whole(node))


def classes(nodes: Sequence[Node]) -> list[NodeClass]:
    """Return the finest classes of which there are not too many, the largest first."""
    for view in _VIEWS:
        groups: dict[str, list[Node]] = {}
        for node in nodes:
            groups.setdefault(_digest(view(node)), []).append(node)
        if len(groups) <= MOST_CLASSES or view is _VIEWS[-1]:
            break
    by_size = sorted(groups.values(), key=lambda group: (-len(group), group[0].name))
    return [NodeClass(name=_letters(place), nodes=tuple(group)) for place, group in enumerate(by_size)]


def _kernel(node: Node) -> list[Any]:
    return [node.kernel, node.architecture]


def _programs(node: Node) -> list[Any]:
    return [*_kernel(node), [str(node.tools.get(tool, "")) for tool in TOOLS], node.can_checkpoint]


def _whole(node: Node) -> list[Any]:
    return [*_programs(node), sorted(map(str, node.cpu_flags)), sorted(map(str, node.modules))]


_VIEWS: tuple[Callable[[Node], list[Any]], ...] = (_whole, _programs, _kernel)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _letters(place: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    name = ""
    while place >= 0:
        name, place = chr(ord("A") + place % 26) + name, place // 26 - 1
    return name


def class_of(found: Sequence[NodeClass]) -> Mapping[int, NodeClass]:
    """Return each node's class, by the node's primary key."""
    return {node.pk: one for one in found for node in one.nodes}
