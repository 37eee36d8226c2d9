"""Alternatives as pages show them: the figures side by side, the moves with their names, the nodes before and after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

from migrations_app.models import Alternative, Container, Node
from migrations_app.templatetags.drawn import percent
from migrations_app.templatetags.shown import count, size
from migrations_app.web import runbook

MOVES_PER_PAGE = 50
MOST_NODES_DRAWN = 40
MOST_BLOCKED_SHOWN = 50
TITLES = {"cpu": "CPU", "mem": "Memory", "disk": "Disk"}
CHANGED = 0.00005  # below what pressures are rounded to


@dataclass(frozen=True, kw_only=True)
class Column:
    """One alternative beside the others; figures are None until it is ready."""

    alternative: Alternative
    sums: Mapping[str, Any]
    peak_before: float | None
    peak_after: float | None
    blocked: int
    bounds: Sequence[str]
    runbook: object | None

    @property
    def body(self) -> Mapping[str, Any]:
        body: Mapping[str, Any] = self.alternative.body
        return body


def columns_of(alternatives: Iterable[Alternative]) -> list[Column]:
    return [_column(one) for one in alternatives]


def _column(one: Alternative) -> Column:
    # A full node that nothing happens to would hide what becomes of the others.
    everywhere = [list(shares.values()) for shares in one.pressures.values()]
    pairs = [pair for shares in everywhere if any(before != after for before, after in shares) for pair in shares]
    return Column(
        alternative=one,
        sums=one.body.get("sums", {}),
        peak_before=max((before for before, _ in pairs), default=None),
        peak_after=max((after for _, after in pairs), default=None),
        blocked=len(one.body.get("impossible", ())),
        bounds=_bounds(one.body.get("lower_bound", {})),
        runbook=runbook.find(one.failure) if one.failure else None,
    )


def _bounds(bounds: Mapping[str, float]) -> list[str]:
    """Say what no plan can beat."""
    words: Mapping[str, tuple[str, Callable[[object], str]]] = {
        "bytes": ("{} to be moved", size),
        "peak_recv": ("{} on receiving nodes", percent),
        "peak": ("{} on the fullest node", percent),
        "moves": ("{} moves", count),
        "nodes": ("{} nodes in use", count),
    }
    return [words[name][0].format(words[name][1](value)) for name, value in bounds.items() if name in words]


@dataclass(frozen=True, kw_only=True)
class ShownMove:
    number: int
    container: Container | None
    source: Node | None
    target: Node | None
    step: Mapping[str, Any]
    reason: str
    after: str  # the numbers of the moves it waits for


@dataclass(frozen=True, kw_only=True)
class ShownNode:
    """What of a node may be used and is: before and after, by resource."""

    node: Node | None
    bars: Sequence[tuple[str, float, float]]

    @property
    def is_changed(self) -> bool:
        return any(abs(after - before) > CHANGED for _, before, after in self.bars)

    @property
    def peak(self) -> float:
        return max(max(before, after) for _, before, after in self.bars)


class ShownAlternative:
    """One alternative in full; in as many queries for any number of moves and nodes."""

    def __init__(self, alternative: Alternative, page: str | None) -> None:
        self.alternative = alternative
        self.body: Mapping[str, Any] = alternative.body
        self.notes = self.body.get("notes", [])
        self.page: Page[Any] = Paginator(self.body.get("steps", []), MOVES_PER_PAGE).get_page(page)
        self.more_blocked = max(0, len(self.body.get("impossible", ())) - MOST_BLOCKED_SHOWN)

    @cached_property
    def _nodes(self) -> Mapping[int, Node]:
        return Node.objects.only("name").in_bulk([int(key) for key in self.alternative.pressures])

    @cached_property
    def _containers(self) -> Mapping[int, Container]:
        keys = {step["ct"] for step in self.page} | {one["ct"] for one in self._impossible}
        return Container.objects.only("ctid", "hostname").in_bulk(keys)

    @property
    def _impossible(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.body.get("impossible", [])[:MOST_BLOCKED_SHOWN]
        return found

    @property
    def moves(self) -> list[ShownMove]:
        first = self.page.start_index()
        reasons = self.body.get("reasons", {})
        return [
            ShownMove(
                number=number,
                container=self._containers.get(step["ct"]),
                source=self._nodes.get(step["source"]),
                target=self._nodes.get(step["node"]),
                step=step,
                reason=reasons.get(str(step["ct"]), ""),
                after=_numbers(step["after"]),
            )
            for number, step in enumerate(self.page, start=first)
        ]

    @property
    def blocked(self) -> list[tuple[Container | None, str]]:
        return [(self._containers.get(one["ct"]), one["why"]) for one in self._impossible]

    @cached_property
    def _all_nodes(self) -> list[ShownNode]:
        return [
            ShownNode(
                node=self._nodes.get(int(key)),
                bars=[(TITLES.get(name, name), *pair) for name, pair in shares.items()],
            )
            for key, shares in self.alternative.pressures.items()
        ]

    @property
    def nodes(self) -> list[ShownNode]:
        """Return the nodes that change, the fullest first; few enough to be drawn."""
        changed = [node for node in self._all_nodes if node.is_changed]
        return sorted(changed, key=lambda node: -node.peak)[:MOST_NODES_DRAWN]

    @property
    def others(self) -> int:
        return len(self._all_nodes) - len(self.nodes)

    @property
    def has_maps(self) -> bool:
        return len(self._all_nodes) > MOST_NODES_DRAWN

    @property
    def maps(self) -> list[tuple[str, list[float]]]:
        """Return the highest pressure of every node, before and after."""
        return [
            ("Before", [max(before for _, before, _ in node.bars) for node in self._all_nodes]),
            ("After", [max(after for _, _, after in node.bars) for node in self._all_nodes]),
        ]


def _numbers(after: Sequence[int]) -> str:
    """Return the numbers of moves as people count, the first three and how many more."""
    told = ", ".join(str(number + 1) for number in after[:3])
    return f"{told} and {len(after) - 3} more" if len(after) > 3 else told
