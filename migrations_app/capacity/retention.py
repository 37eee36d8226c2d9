"""How long samples and roll-ups are kept, and taking away what is older."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from migrations_app.capacity.spans import Grain
from migrations_app.models import Chunk, FillForecast, Reading

MOST_AT_ONCE = 5_000
# A row goes when its last day is too old, so a month or a year is kept until then.
_SPAN_DAYS = {Grain.FIVE_MINUTES: 1, Grain.HOUR: 31, Grain.DAY: 366}


def thin(now: datetime, settings: Mapping[str, Any], *, most: int = MOST_AT_ONCE) -> int:
    """Delete what is past its time, so many rows at most of each kind; return how many went."""
    return sum(_delete(rows, most) for rows in _old(now, settings))


def _old(now: datetime, settings: Mapping[str, Any]) -> list[models.QuerySet[Any]]:
    raw_cutoff = now - timedelta(days=settings["keep_samples_days"])
    kept_days = {
        Grain.FIVE_MINUTES: settings["keep_five_minutes_days"],
        Grain.HOUR: settings["keep_hours_days"],
        Grain.DAY: settings["keep_days_days"],
    }
    chunks = [
        Chunk.objects.filter(grain=grain, starts_on__lt=(now - timedelta(days=days + _SPAN_DAYS[grain])).date())
        for grain, days in kept_days.items()
    ]
    forecasts = FillForecast.objects.filter(for_day__lt=(now - timedelta(days=settings["keep_days_days"])).date())
    return [Reading.objects.filter(at__lt=raw_cutoff), *chunks, forecasts]


def _delete(rows: models.QuerySet[Any], most: int) -> int:
    """Delete by primary key: no database stops a plain DELETE after so many rows."""
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
    return rows.model._default_manager.filter(pk__in=ids).delete()[0] if ids else 0
