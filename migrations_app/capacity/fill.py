"""What was said of how full nodes would be, kept beside what happened."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import isfinite

from migrations_app.capacity import chunks, standing
from migrations_app.capacity.chunks import Kind, Subject
from migrations_app.capacity.resources import RESOURCES
from migrations_app.capacity.spans import DAY, Grain, midnight, span_at
from migrations_app.models import FillForecast, Standing

AHEAD_DAYS = 7


def foretell(row: Standing, now: datetime) -> None:
    """Write down, once a day, how much of each resource will be in use a week from today."""
    for_day = now.date() + timedelta(days=AHEAD_DAYS)
    if FillForecast.objects.filter(node_id=row.node_id, for_day=for_day).exists():
        return
    trends = standing.daily_trends(Subject(Kind.NODE, row.node_id), now)
    # What will be settled is the day's mean, which is at its middle.
    ahead = (midnight(for_day) + DAY / 2 - now) / DAY
    said = [(name, trend.at(ahead)) for name, trend in trends.items()]
    FillForecast.objects.bulk_create(
        [
            FillForecast(
                node_id=row.node_id,
                resource=name,
                made_on=now.date(),
                for_day=for_day,
                amount=amount,
                amount_low=low,
                amount_high=high,
            )
            for name, (amount, low, high) in said
        ],
        ignore_conflicts=True,
    )


def settle(node_id: int, day: date) -> None:
    """Write what happened beside what was said of this day."""
    subject, span = Subject(Kind.NODE, node_id), span_at(Grain.DAY, day)
    due = FillForecast.objects.filter(node_id=node_id, for_day=day)
    if not due.exists():
        return
    grid = chunks.open_all([subject], span)[subject]
    slot = (day - span.starts_on).days
    for resource in RESOURCES:
        if isfinite(amount := grid.column(resource.metric, "mean")[slot]):
            due.filter(resource=resource.name).update(happened=amount)
