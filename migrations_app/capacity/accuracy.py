"""How good the panel's word is: what was forecast beside what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from django.db.models import Avg, Count, F, Q

from migrations_app.capacity.resources import BY_NAME, Resource
from migrations_app.models import FillForecast, MoveForecast

MOST_MOVES = 200


@dataclass(frozen=True, kw_only=True)
class Told:
    """One forecast that has come to pass, or not."""

    forecast: float
    low: float
    high: float
    happened: float

    @property
    def is_within(self) -> bool:
        return self.low <= self.happened <= self.high


@dataclass(frozen=True, kw_only=True)
class MoveTold:
    migration_id: int
    name: str
    way: str
    method: str
    finished_at: datetime
    basis: str
    known_moves: int
    duration: Told
    freeze: Told | None


@dataclass(frozen=True, kw_only=True)
class Score:
    """How many forecasts there were, how many came to pass, and how far the middle one was off."""

    title: str
    count: int
    within: int
    off: float | None  # a share of what happened

    @property
    def share_within(self) -> float | None:
        return self.within / self.count if self.count else None


@dataclass(frozen=True, kw_only=True)
class FillDay:
    """A day's forecasts of one resource over all nodes, beside what happened."""

    day: date
    forecast: float
    low: float
    high: float
    happened: float


def moves() -> list[MoveTold]:
    """Return the latest migrations that are over, each with what had been said of it; one query."""
    rows = MoveForecast.objects.filter(migration__finished_at__isnull=False, migration__started_at__isnull=False)
    wanted = rows.select_related("migration__container", "migration__source", "migration__target")
    return [_move(row) for row in wanted.order_by("-migration__finished_at")[:MOST_MOVES]]


def _move(row: MoveForecast) -> MoveTold:
    migration = row.migration
    finished_at, started_at = migration.finished_at or row.made_at, migration.started_at or row.made_at
    freeze = migration.freeze_seconds
    return MoveTold(
        migration_id=migration.pk,
        name=migration.container.hostname or migration.ctid,
        way=f"{migration.source} to {migration.target}",
        method=migration.get_method_display(),
        finished_at=finished_at,
        basis=row.basis,
        known_moves=row.known_moves,
        duration=Told(
            forecast=row.seconds,
            low=row.seconds_low,
            high=row.seconds_high,
            happened=(finished_at - started_at).total_seconds(),
        ),
        freeze=None
        if freeze is None
        else Told(
            forecast=row.freeze_seconds, low=row.freeze_seconds_low, high=row.freeze_seconds_high, happened=freeze
        ),
    )


def score(title: str, told: Iterable[Told]) -> Score:
    known = list(told)
    off = [abs(one.forecast - one.happened) / one.happened for one in known if one.happened]
    return Score(
        title=title,
        count=len(known),
        within=sum(one.is_within for one in known),
        off=median(off) if off else None,
    )


def fill_scores() -> list[Score]:
    """Return how the forecasts of each resource did, over all nodes and days that are over; one query."""
    settled = FillForecast.objects.filter(happened__isnull=False).values("resource")
    within = Q(happened__gte=F("amount_low"), happened__lte=F("amount_high"))
    off = Avg((F("amount") - F("happened")) / F("happened"), filter=Q(happened__gt=0))
    rows = settled.annotate(told=Count("pk"), held=Count("pk", filter=within), off=off).order_by("resource")
    return [
        Score(
            title=BY_NAME[row["resource"]].title,
            count=row["told"],
            within=row["held"],
            off=None if row["off"] is None else abs(row["off"]),
        )
        for row in rows
        if row["resource"] in BY_NAME
    ]


def fill_days(resource: Resource, since: date) -> Sequence[FillDay]:
    """Return the fleet's mean forecast of each day beside its mean use; one query."""
    settled = FillForecast.objects.filter(resource=resource.name, happened__isnull=False, for_day__gte=since)
    rows = settled.values("for_day").annotate(
        said=Avg("amount"), low=Avg("amount_low"), high=Avg("amount_high"), was=Avg("happened")
    )
    return [
        FillDay(day=row["for_day"], forecast=row["said"], low=row["low"], high=row["high"], happened=row["was"])
        for row in rows.order_by("for_day")
    ]
