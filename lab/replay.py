"""A month of samples that nobody took: put in behind the demo's back, and marked as replayed on every page.

Runs in the panel's place, with its settings in the environment: `python -m lab.replay`.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ovzpanel.settings")
    django.setup()

from django.conf import settings
from django.utils import timezone

from migrations_app import wiring
from migrations_app.capacity import chunks, fill, rates, rollup, standing
from migrations_app.capacity.chunks import METRIC_NAMES, Kind, Subject
from migrations_app.capacity.packing import Grid, unpack_reading
from migrations_app.capacity.spans import HOUR, Grain, hour_of, midnight, span_at
from migrations_app.models import Node, Reading, Standing
from migrations_app.usecases.sample_nodes import sample_nodes

DAYS = 31
FINE_FOR = timedelta(days=14)
GROWS = frozenset({"disk_mib", "inodes", "memory_mib"})
STEADY = frozenset({"memory_total_mib", "disk_total_mib", "memory_limit_mib", "disk_limit_mib"})
# What is drawn where the one real sample could not tell: a small company's usual day.
USUAL = {"cpu_cores": 0.15, "load_1m": 0.3, "rx_bps": 40_000.0, "tx_bps": 160_000.0, "written_bps": 30_000.0}
HIGHEST_OF_MEAN, LOWEST_OF_MEAN, P95_OF_MEAN = 1.25, 0.8, 1.15
Now = Mapping[str, float]


def main() -> None:
    """Sample once, so that the replayed month ends where the real one begins."""
    sample_nodes(first_id=1, last_id=2**31, outside=wiring.outside(), settings=settings.OVZ)
    replay(Node.objects.filter(state=Node.State.READY), until=hour_of(timezone.now()))


def replay(nodes: Iterable[Node], *, until: datetime, days: int = DAYS) -> None:
    """Give each node, and every container on it, that many days of samples before ``until``."""
    for node in nodes:
        row, _ = Standing.objects.get_or_create(node=node)
        for subject, now in _subjects(node, row).items():
            write_days(subject, now, until, days)
        _foretell(row, until, days)
        standing.refresh(row, until)
        row.replayed_until, row.rolled_up_until = until, until
        row.save()


def _subjects(node: Node, row: Standing) -> dict[Subject, Now]:
    latest = Reading.objects.filter(node=node).order_by("at").last()
    found: dict[Subject, Now] = {Subject(Kind.NODE, node.pk): {**USUAL, **row.now}}
    if latest is not None:
        kept = unpack_reading(bytes(latest.body))
        for use in kept.use.containers:
            if use.ctid in kept.container_rows:
                amounts = rates.container_points(None, kept.use, longest_seconds=1)[use.ctid]
                found[Subject(Kind.CONTAINER, kept.container_rows[use.ctid])] = {**USUAL, **amounts}
    return found


def write_days(subject: Subject, now: Now, until: datetime, days: int) -> None:
    """Write the days at every grain, so that no roll-up is needed for them."""
    coarse: dict[tuple[Grain, date], Grid] = {}
    first_day = (until - timedelta(days=days)).date()
    for number in range(days + 1):
        day = first_day + timedelta(days=number)
        fine = _day(subject, now, day, until, days)
        if day > (until - FINE_FOR).date():
            chunks.write_all({subject: fine}, span_at(Grain.FIVE_MINUTES, day))
        if day < until.date():
            _fold(subject, fine, day, coarse)
    for (grain, day), grid in coarse.items():
        chunks.write_all({subject: grid}, span_at(grain, day))


def _fold(subject: Subject, fine: Grid, day: date, coarse: dict[tuple[Grain, date], Grid]) -> None:
    for grain, slots_each in ((Grain.HOUR, 12), (Grain.DAY, 288)):
        span = span_at(grain, day)
        grid = coarse.setdefault((grain, span.starts_on), chunks.empty(subject.kind, span))
        rollup.fold(fine, grid, first_slot=span.slot_of(midnight(day)), slots_each=slots_each)


def _day(subject: Subject, now: Now, day: date, until: datetime, days: int) -> Grid:
    span = span_at(Grain.FIVE_MINUTES, day)
    grid = chunks.empty(subject.kind, span)
    chance = random.Random(f"{subject.kind}-{subject.pk}-{day}")
    known = min(span.slots, max(0, (until - span.starts_at) // timedelta(minutes=5)))
    age_days = (until - span.starts_at).days
    for metric in METRIC_NAMES[subject.kind]:
        if metric in now:
            of_day = now[metric] if metric in STEADY else now[metric] * chance.gauss(1.0, 0.01)
            line = [
                _amount(metric, of_day, slot / span.slots, age_days / days, day.weekday() >= 5, chance)
                for slot in range(known)
            ]
            _put(grid, metric, line + [math.nan] * (span.slots - known))
    return grid


def _amount(metric: str, now: float, day_part: float, age: float, weekend: bool, chance: random.Random) -> float:
    if metric in STEADY:
        return now
    if metric in GROWS:
        return now * (1 - 0.25 * age) * chance.uniform(0.99, 1.01)
    busy = 0.35 + 0.65 * max(0.0, math.sin((day_part - 0.25) * 2 * math.pi))
    return now * busy * (0.55 if weekend else 1.0) * chance.uniform(0.75, 1.3)


def _put(grid: Grid, metric: str, line: list[float]) -> None:
    spread = metric not in STEADY and metric not in GROWS
    parts = {"min": LOWEST_OF_MEAN, "mean": 1.0, "max": HIGHEST_OF_MEAN, "p95": P95_OF_MEAN}
    for statistic, part in parts.items():
        grid.put_column(metric, statistic, [number * part for number in line] if spread else line)


def _foretell(row: Standing, until: datetime, days: int) -> None:
    """Say every day what would have been said on it, and settle what has come to pass since."""
    for number in range(days - 1, -1, -1):
        said_at = datetime.combine(until.date() - timedelta(days=number), datetime.min.time(), UTC) + HOUR
        fill.foretell(row, said_at)
    for number in range(days, 0, -1):
        fill.settle(row.node_id, until.date() - timedelta(days=number))


if __name__ == "__main__":
    main()
