"""Where a node stands, as the fleet's page shows it: written after every sample and every roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from math import isfinite

from migrations_app.capacity import chunks, fitting, forecast
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.forecast import Trend
from migrations_app.capacity.metrics import OF_NODE, Point
from migrations_app.capacity.packing import Grid
from migrations_app.capacity.resources import RESOURCES
from migrations_app.capacity.rollup import known, percentile
from migrations_app.capacity.spans import DAY, Grain, Span, spans_between
from migrations_app.models import Standing
from migrations_app.vz.facts import ContainerUse, NodeUse

WEEK = timedelta(days=7)
TREND_DAYS = 90
KIB_PER_MIB = 1024


def after_sample(
    former: Standing, at: datetime, use: NodeUse, point: Point, *, cores: Mapping[str, float] | None = None
) -> Standing:
    """Return the standing with this sample as its latest.

    :param cores: how many processors each container keeps busy, by its number, where that is known.
    """
    former.sampled_at, former.missed, former.missed_at = at, "", None
    former.now = {name: round(amount, 3) for name, amount in point.items()}
    former.total = {
        "cpu": use.processors,
        "memory": use.memory_total_kib // KIB_PER_MIB,
        "disk": use.disk_total_kib // KIB_PER_MIB,
        "inodes": use.inodes_total,
    }
    former.promised = _promised(use.containers, use)
    former.sizes = fitting.pack_sizes(use, cores or {})
    return former


def _promised(containers: Iterable[ContainerUse], use: NodeUse) -> dict[str, float]:
    """Return what the containers may take together; one without a limit may take what the node has."""
    found: dict[str, float] = {"cpu": 0.0, "memory": 0.0, "disk": 0.0, "inodes": 0.0}
    for one in containers:
        percent = one.cpu_limit_percent or (one.cpus or use.processors) * 100
        found["cpu"] += min(percent / 100, use.processors)
        found["memory"] += min(one.memory_limit_kib or use.memory_total_kib, use.memory_total_kib) / KIB_PER_MIB
        found["disk"] += min(one.disk_limit_kib or use.disk_total_kib, use.disk_total_kib) / KIB_PER_MIB
        found["inodes"] += min(one.inode_limit or use.inodes_total, use.inodes_total)
    return {name: round(amount, 1) for name, amount in found.items()}


def after_miss(former: Standing, at: datetime, failure: str) -> Standing:
    """Return the standing with the miss noted; what was last known stays."""
    former.missed, former.missed_at = failure, at
    return former


def refresh(row: Standing, now: datetime) -> None:
    """Set the week's 95th percentiles and the days until full from what has been rolled up."""
    subject = Subject(Kind.NODE, row.node_id)
    row.week = week_p95(subject, now)
    trends = daily_trends(subject, now)
    row.full_in_days = {name: days for name, days in _full(row.total, trends).items() if days}


def _full(total: Mapping[str, float], trends: Mapping[str, Trend]) -> dict[str, list[float | None] | None]:
    found: dict[str, list[float | None] | None] = {}
    for resource in RESOURCES:
        trend, whole = trends.get(resource.name), total.get(resource.name)
        if trend is not None and whole:
            full = trend.days_until(whole)
            found[resource.name] = [full.days, full.earliest, full.latest]
    return found


def week_p95(subject: Subject, now: datetime) -> dict[str, float]:
    """Return each metric's 95th percentile over the hours of the last seven days."""
    found: dict[str, list[float]] = {metric.name: [] for metric in OF_NODE}
    for span in spans_between(Grain.HOUR, now - WEEK, now):
        grid = chunks.open_all([subject], span)[subject]
        first, last = max(0, span.slot_of(now - WEEK)), min(span.slots, span.slot_of(now) + 1)
        for name, numbers in found.items():
            numbers += known(grid.column(name, "p95")[first:last])
    return {name: round(percentile(numbers, 95), 3) for name, numbers in found.items() if numbers}


def daily_trends(subject: Subject, now: datetime) -> dict[str, Trend]:
    """Return how each resource's use goes, by the days of the last three months."""
    grids = daily_grids(subject, now)
    found = {}
    for resource in RESOURCES:
        trend = forecast.trend(list(days_of(grids, resource.metric, now)))
        if trend is not None:
            found[resource.name] = trend
    return found


def daily_grids(subject: Subject, now: datetime) -> dict[Span, Grid]:
    """Return what is known of the days of the last three months."""
    spans = spans_between(Grain.DAY, now - TREND_DAYS * DAY, now)
    return {span: chunks.open_all([subject], span)[subject] for span in spans}


def days_of(grids: Mapping[Span, Grid], metric: str, now: datetime) -> Iterator[tuple[float, float]]:
    """Yield how far each day's middle is from now, in days, and what was in use."""
    for span, grid in grids.items():
        yield from _days(grid, span, metric, now)


def _days(grid: Grid, span: Span, metric: str, now: datetime) -> Iterator[tuple[float, float]]:
    for slot, amount in enumerate(grid.column(metric, "mean")):
        offset = (span.time_of(slot) - now) / DAY + 0.5
        if isfinite(amount) and -TREND_DAYS <= offset < 0.5:
            yield offset, amount
