"""When each move of a batch is likely to be under way: slots, windows and the order played through beforehand."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from migrations_app.batches.slots import Caps, Slots, Trip


class Stretch(Protocol):
    @property
    def begins(self) -> datetime: ...

    @property
    def ends(self) -> datetime | None: ...


class Calendar(Protocol):
    """When a move may begin, and has time enough."""

    def fitting(
        self, now: datetime, seconds: float, *, node_ids: Collection[int], customer_id: int | None
    ) -> Stretch | None: ...


@dataclass(frozen=True, kw_only=True)
class Move:
    """``after``: keys of those that have to be done before; one that is not among the moves is done."""

    key: int
    trip: Trip
    seconds: float
    after: frozenset[int] = frozenset()
    is_canary: bool = False


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """``key`` None: a move of somebody else's, which takes up a slot all the same."""

    key: int | None
    trip: Trip
    ends_at: datetime
    is_canary: bool = False


@dataclass(frozen=True, kw_only=True)
class Planned:
    """``closes``: when the window ends in which it begins; None: never."""

    begins: datetime
    ends: datetime
    closes: datetime | None


def plan(
    moves: Sequence[Move], under_way: Iterable[UnderWay], *, caps: Caps, calendar: Calendar, now: datetime
) -> dict[int, Planned]:
    """Return when each move is likely to begin and to end, by its key; one that finds no time is left out."""
    return _Play(moves, under_way, caps=caps, calendar=calendar, now=now).run()


class _Play:
    def __init__(
        self,
        moves: Sequence[Move],
        under_way: Iterable[UnderWay],
        *,
        caps: Caps,
        calendar: Calendar,
        now: datetime,
    ) -> None:
        self._now = now
        self._calendar = calendar
        self._slots = Slots(caps)
        self._waiting = sorted(moves, key=lambda move: not move.is_canary)
        self._open = {move.key for move in moves}
        self._canaries = {move.key for move in moves if move.is_canary}
        self._ends: list[tuple[datetime, int, int | None, Trip]] = []
        self._found: dict[int, Planned] = {}
        for one in under_way:
            self._follow(one)

    def _follow(self, one: UnderWay) -> None:
        self._slots.take(one.trip)
        if one.key is not None:
            self._open.add(one.key)
            self._canaries |= {one.key} if one.is_canary else set()
        heapq.heappush(self._ends, (one.ends_at, len(self._ends), one.key, one.trip))

    def run(self) -> dict[int, Planned]:
        while self._waiting:
            openings = self._begin_what_may()
            moments = [*openings, *(end for end, *_ in self._ends[:1])]
            if not moments:
                break
            self._go_to(min(moments))
        return self._found

    def _begin_what_may(self) -> list[datetime]:
        """Begin all that may begin now; return when windows open for those that wait for nothing else."""
        openings, waiting = [], []
        for number, move in enumerate(self._waiting):
            if self._slots.are_full:
                waiting += self._waiting[number:]
                break
            if self._has_to_wait(move):
                waiting.append(move)
                continue
            trip = move.trip
            stretch = self._calendar.fitting(
                self._now, move.seconds, node_ids=trip.node_ids, customer_id=trip.customer_id
            )
            if stretch is not None and stretch.begins <= self._now:
                self._begin(move, stretch)
            elif stretch is not None:
                openings.append(stretch.begins)
                waiting.append(move)
        self._waiting = waiting
        return openings

    def _has_to_wait(self, move: Move) -> bool:
        if self._canaries and not move.is_canary:
            return True
        return not self._open.isdisjoint(move.after) or bool(self._slots.objection(move.trip))

    def _begin(self, move: Move, stretch: Stretch) -> None:
        ends = self._now + timedelta(seconds=move.seconds)
        self._found[move.key] = Planned(begins=self._now, ends=ends, closes=stretch.ends)
        self._slots.take(move.trip)
        heapq.heappush(self._ends, (ends, len(self._found) + len(self._open), move.key, move.trip))

    def _go_to(self, moment: datetime) -> None:
        self._now = max(self._now, moment)
        while self._ends and self._ends[0][0] <= self._now:
            _, _, key, trip = heapq.heappop(self._ends)
            self._slots.give_back(trip)
            if key is not None:
                self._open.discard(key)
                self._canaries.discard(key)
