"""When a container will reach its own limits, by how its use went over the last three months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from migrations_app.capacity import forecast, standing
from migrations_app.capacity.chunks import Subject
from migrations_app.capacity.forecast import DaysUntil

LIMITED: Final = (("Disk", "disk_mib", "disk_limit_mib"), ("Memory", "memory_mib", "memory_limit_mib"))


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What is left of one limit, and how long it will last; days are None where the end is not in sight."""

    resource: str
    used: float
    limit: float
    until: DaysUntil
    known_days: int


def of_container(subject: Subject, now: datetime) -> Sequence[Outlook]:
    """Return the outlook for each limit that there is and of which enough days are known; one query for each year."""
    grids = standing.daily_grids(subject, now)
    found = []
    for title, metric, limit_metric in LIMITED:
        limits = list(standing.days_of(grids, limit_metric, now))
        trend = forecast.trend(list(standing.days_of(grids, metric, now)))
        if trend is not None and limits and limits[-1][1] > 0:
            limit = limits[-1][1]
            until = trend.days_until(limit)
            found.append(Outlook(resource=title, used=trend.now, limit=limit, until=until, known_days=trend.known_days))
    return found
