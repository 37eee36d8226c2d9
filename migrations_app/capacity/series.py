"""What a graph needs: times and numbers of some metrics between two moments, gaps left as gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import isfinite, nan

from migrations_app.capacity import chunks, rollup
from migrations_app.capacity.chunks import METRIC_NAMES, Subject
from migrations_app.capacity.metrics import STATISTICS
from migrations_app.capacity.packing import Grid
from migrations_app.capacity.rollup import SLOTS_PER_HOUR, summary
from migrations_app.capacity.spans import DAY, HOUR, WIDTH, Grain, Span, midnight, span_at, spans_between
from migrations_app.models import Chunk

LONGEST_FINE, LONGEST_HOURLY = timedelta(days=3), timedelta(days=62)
Columns = Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(frozen=True, kw_only=True)
class Series:
    """Evenly spaced slots from ``since``; a gap is a NaN."""

    since: datetime
    step: timedelta
    columns: Columns  # metric, then statistic

    @property
    def length(self) -> int:
        return len(next(iter(self.columns.values()))["mean"]) if self.columns else 0

    def times(self) -> list[datetime]:
        return [self.since + number * self.step for number in range(self.length)]

    def is_empty(self) -> bool:
        return not any(isfinite(number) for columns in self.columns.values() for number in columns["mean"])

    def thinned(self, most: int) -> Series:
        """Return the same time in at most so many slots, each the summary of those it stands for."""
        every = -(-self.length // most) if most else 1
        if every <= 1:
            return self
        columns = {metric: _merged(found, every) for metric, found in self.columns.items()}
        return replace(self, step=self.step * every, columns=columns)


def grain_for(since: datetime, until: datetime) -> Grain:
    """Return the finest grain that still gives a graph of a size one can look at."""
    length = until - since
    if length <= LONGEST_FINE:
        return Grain.FIVE_MINUTES
    return Grain.HOUR if length <= LONGEST_HOURLY else Grain.DAY


@dataclass(frozen=True, kw_only=True)
class Recent:
    """Where samples are that have not been rolled up: the node that reads them, and since when."""

    node_id: int
    rolled_up_until: datetime | None
    longest_seconds: float


def read(subject: Subject, since: datetime, until: datetime, *, recent: Recent, grain: Grain | None = None) -> Series:
    """Return all metrics of a node or container; three queries, however long the time."""
    grain = grain or grain_for(since, until)
    spans = list(spans_between(grain, since, until))
    grids = _open_spans(subject, spans)
    if grain == Grain.FIVE_MINUTES:
        _add_samples(grids, subject, since, until, recent)
    else:
        _add_unfolded_days(grids, subject, grain, until)
    width = WIDTH[grain]
    begin = since - (since - spans[0].starts_at) % width
    columns = {
        metric: {statistic: _cut(grids, metric, statistic, begin, until) for statistic in STATISTICS}
        for metric in METRIC_NAMES[subject.kind]
    }
    return Series(since=begin, step=width, columns=columns)


def _open_spans(subject: Subject, spans: Sequence[Span]) -> dict[Span, Grid]:
    """Return every span's grid, empty where there is no row."""
    bodies = _bodies(subject, spans)
    return {
        span: chunks.opened(bodies[span.starts_on], subject.kind, span)
        if span.starts_on in bodies
        else chunks.empty(subject.kind, span)
        for span in spans
    }


def _bodies(subject: Subject, spans: Sequence[Span]) -> dict[date, bytes]:
    """Return the packed rows by one range read of the unique index."""
    rows = Chunk.objects.filter(
        kind=subject.kind,
        subject=subject.pk,
        grain=spans[0].grain,
        starts_on__gte=spans[0].starts_on,
        starts_on__lt=spans[-1].ends_on,
    )
    return {starts_on: bytes(body) for starts_on, body in rows.values_list("starts_on", "body")}


def _add_samples(
    grids: Mapping[Span, Grid], subject: Subject, since: datetime, until: datetime, recent: Recent
) -> None:
    """Fill in what was sampled after the last roll-up."""
    begin = max(since, recent.rolled_up_until or since)
    for at, whose, point in rollup.points(recent.node_id, begin, until, longest_seconds=recent.longest_seconds):
        span = span_at(Grain.FIVE_MINUTES, at.date())
        if whose == subject and span in grids:
            for metric, amount in point.items():
                grids[span].put(metric, span.slot_of(at), summary([amount]))


def _add_unfolded_days(grids: Mapping[Span, Grid], subject: Subject, grain: Grain, until: datetime) -> None:
    """Fill in the days that are not over, or only just."""
    days = [span_at(Grain.FIVE_MINUTES, day) for day in ((until - DAY).date(), until.date())]
    bodies = _bodies(subject, days)
    slots_each = SLOTS_PER_HOUR if grain == Grain.HOUR else SLOTS_PER_HOUR * (DAY // HOUR)
    for day in days:
        span = span_at(grain, day.starts_on)
        first = span.slot_of(midnight(day.starts_on))
        folded = span not in grids or grids[span].is_known(first + day.slots // slots_each - 1)
        if day.starts_on in bodies and not folded:
            fine = chunks.opened(bodies[day.starts_on], subject.kind, day)
            rollup.fold(fine, grids[span], first_slot=first, slots_each=slots_each)


def _cut(grids: Mapping[Span, Grid], metric: str, statistic: str, begin: datetime, until: datetime) -> list[float]:
    found: list[float] = []
    for span, grid in grids.items():
        first = max(0, span.slot_of(begin))
        last = -((span.starts_at - until) // WIDTH[span.grain])  # rounded up: the slot under way belongs to it
        found += grid.column(metric, statistic)[first : max(first, min(span.slots, last))]
    return found


def _merged(columns: Mapping[str, Sequence[float]], every: int) -> dict[str, list[float]]:
    parts: dict[str, list[float]] = {statistic: [] for statistic in STATISTICS}
    for start in range(0, len(columns["mean"]), every):
        part = {name: rollup.known(column[start : start + every]) for name, column in columns.items()}
        for statistic, number in zip(STATISTICS, _summed(part), strict=True):
            parts[statistic].append(number)
    return parts


def _summed(part: Mapping[str, Sequence[float]]) -> Iterable[float]:
    if not part["mean"]:
        return (nan,) * len(STATISTICS)
    mean = sum(part["mean"]) / len(part["mean"])
    return min(part["min"]), mean, max(part["max"]), rollup.percentile(part["p95"], 95)


def rows(series: Series, metrics: Sequence[str], statistic: str) -> Iterator[tuple[datetime, list[float | None]]]:
    """Yield one row per slot, None for a gap."""
    chosen = [series.columns[metric][statistic] for metric in metrics]
    for number, at in enumerate(series.times()):
        yield at, [column[number] if isfinite(column[number]) else None for column in chosen]
