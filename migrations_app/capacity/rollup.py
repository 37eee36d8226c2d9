"""Roll raw readings up: an hour into slots of five minutes, a day into its hours and itself.

Everything is made anew from what lies below it, so doing it twice gives the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import ceil, isfinite

from migrations_app.capacity import chunks, rates
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.metrics import STATISTICS, Point
from migrations_app.capacity.packing import Grid, KeptReading, Unreadable, unpack_reading
from migrations_app.capacity.spans import DAY, FIVE_MINUTES, HOUR, Grain, midnight, span_at
from migrations_app.models import Reading

SLOTS_PER_HOUR = HOUR // FIVE_MINUTES
HOURS_PER_DAY = DAY // HOUR
Summary = tuple[float, float, float, float]
Points = Iterator[tuple[datetime, Subject, Point]]


def points(node_id: int, since: datetime, until: datetime, *, longest_seconds: float) -> Points:
    """Yield what is known of the node and its containers at each reading of the time."""
    begin = since - timedelta(seconds=longest_seconds)
    rows = Reading.objects.filter(node_id=node_id, at__gte=begin, at__lt=until).order_by("at").values_list("at", "body")
    before: KeptReading | None = None
    for at, body in rows:
        try:
            kept = unpack_reading(bytes(body))
        except Unreadable:
            before = None
            continue
        if at >= since:
            yield from _points_of(node_id, at, before, kept, longest_seconds)
        before = kept


def _points_of(node_id: int, at: datetime, before: KeptReading | None, kept: KeptReading, longest: float) -> Points:
    former = before.use if before else None
    yield at, Subject(Kind.NODE, node_id), rates.node_point(former, kept.use, longest_seconds=longest)
    for ctid, point in rates.container_points(former, kept.use, longest_seconds=longest).items():
        if (row := kept.container_rows.get(ctid)) is not None:
            yield at, Subject(Kind.CONTAINER, row), point


def roll_up_hour(node_id: int, hour: datetime, *, longest_seconds: float) -> set[Subject]:
    """Write the hour's slots of the node and its containers, and return of whom there were any."""
    span = span_at(Grain.FIVE_MINUTES, hour.date())
    seen: dict[Subject, dict[int, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for at, subject, point in points(node_id, hour, hour + HOUR, longest_seconds=longest_seconds):
        seen[subject][span.slot_of(at)].append(point)
    grids = chunks.open_all(seen, span, for_update=True)
    first = span.slot_of(hour)
    for subject, slots in seen.items():
        _write_slots(grids[subject], slots, range(first, first + SLOTS_PER_HOUR))
    chunks.write_all(grids, span)
    return set(seen)


def _write_slots(grid: Grid, slots: Mapping[int, Sequence[Point]], cleared: range) -> None:
    grid.clear(cleared)
    for slot, found in slots.items():
        for metric in grid.metrics:
            if numbers := [point[metric] for point in found if metric in point]:
                grid.put(metric, slot, summary(numbers))


def fold_day(subjects: Iterable[Subject], day: date) -> None:
    """Write the day's 24 hours and the day itself from its slots of five minutes."""
    fine = chunks.open_all(subjects, span_at(Grain.FIVE_MINUTES, day))
    for grain, slots_each in ((Grain.HOUR, SLOTS_PER_HOUR), (Grain.DAY, SLOTS_PER_HOUR * HOURS_PER_DAY)):
        span = span_at(grain, day)
        grids = chunks.open_all(fine, span, for_update=True)
        for subject, grid in grids.items():
            fold(fine[subject], grid, first_slot=span.slot_of(midnight(day)), slots_each=slots_each)
        chunks.write_all(grids, span)


def fold(fine: Grid, coarse: Grid, *, first_slot: int, slots_each: int) -> None:
    """Sum up every so many slots of one grid in one slot of another."""
    coarse.clear(range(first_slot, first_slot + fine.slots // slots_each))
    for metric in coarse.metrics:
        columns = {name: fine.column(metric, name) for name in STATISTICS}
        for place in range(fine.slots // slots_each):
            part = slice(place * slots_each, (place + 1) * slots_each)
            if found := _folded({name: known(column[part]) for name, column in columns.items()}):
                coarse.put(metric, first_slot + place, found)


def _folded(columns: Mapping[str, Sequence[float]]) -> Summary | None:
    means = columns["mean"]
    if not means:
        return None
    return min(columns["min"]), sum(means) / len(means), max(columns["max"]), percentile(columns["p95"], 95)


def summary(numbers: Sequence[float]) -> Summary:
    return min(numbers), sum(numbers) / len(numbers), max(numbers), percentile(numbers, 95)


def percentile(numbers: Sequence[float], percent: float) -> float:
    """Return the smallest of the numbers that so many percent of them do not exceed."""
    ordered = sorted(numbers)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


def known(numbers: Iterable[float]) -> list[float]:
    return [number for number in numbers if isfinite(number)]
