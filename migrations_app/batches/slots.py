"""Slots: how many may be under way at once, in all, at a node, between two nodes, and of one customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Caps:
    at_once: int
    per_node: int
    per_link: int
    per_customer: int


@dataclass(frozen=True, kw_only=True)
class Trip:
    """What a move takes up while it is under way."""

    source_id: int
    target_id: int
    customer_id: int | None = None
    apart_group: str = ""

    @property
    def node_ids(self) -> tuple[int, int]:
        return self.source_id, self.target_id

    @property
    def link(self) -> frozenset[int]:
        return frozenset(self.node_ids)


class Slots:
    """Who is under way now."""

    def __init__(self, caps: Caps, taken: Iterable[Trip] = ()) -> None:
        self._caps = caps
        self._in_all = 0
        self._nodes: Counter[int] = Counter()
        self._links: Counter[frozenset[int]] = Counter()
        self._customers: Counter[int] = Counter()
        self._groups: Counter[str] = Counter()
        for trip in taken:
            self.take(trip)

    @property
    def are_full(self) -> bool:
        return self._in_all >= self._caps.at_once

    def take(self, trip: Trip) -> None:
        self._count(trip, 1)

    def give_back(self, trip: Trip) -> None:
        self._count(trip, -1)

    def keep_apart_from(self, apart_group: str) -> None:
        """Let nobody of this group begin, though the one that is concerned takes no slot."""
        self._groups[apart_group] += 1

    def objection(self, trip: Trip) -> str:
        """Return what the move has to wait for; empty: there is a slot for it."""
        caps = self._caps
        if self.are_full:
            return f"Waits for a slot: {caps.at_once} may be under way at once."
        for node_id, end in ((trip.source_id, "source"), (trip.target_id, "target")):
            if self._nodes[node_id] >= caps.per_node:
                return f"Waits for a slot: {caps.per_node} may be under way at its {end}."
        if self._links[trip.link] >= caps.per_link:
            return f"Waits for a slot: {caps.per_link} may be under way between its two nodes."
        if trip.customer_id is not None and self._customers[trip.customer_id] >= caps.per_customer:
            return f"Waits: {caps.per_customer} of the same customer may be under way."
        if trip.apart_group and self._groups[trip.apart_group]:
            return f"Waits: another one of the group {trip.apart_group} is under way."
        return ""

    def _count(self, trip: Trip, one: int) -> None:
        self._in_all += one
        for node_id in trip.node_ids:
            self._nodes[node_id] += one
        self._links[trip.link] += one
        if trip.customer_id is not None:
            self._customers[trip.customer_id] += one
        if trip.apart_group:
            self._groups[trip.apart_group] += one
