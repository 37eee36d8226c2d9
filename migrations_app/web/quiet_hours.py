"""When a container is least busy: a section of its page."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from migrations_app.capacity import quiet_hours, series
from migrations_app.capacity.quiet_hours import WEEKDAYS, Week, Window
from migrations_app.capacity.spans import Grain
from migrations_app.models import Container
from migrations_app.web import use
from migrations_app.web.time_zones import known_zones


def section(container: Container) -> dict[str, Any]:
    """Return the owner's week and the window that disturbs it least."""
    now, zone, view = timezone.now(), _zone(container), use.container_view(container)
    hourly = series.read(view.subject, now - quiet_hours.KNOWN_FOR, now, recent=view.recent, grain=Grain.HOUR)
    week = quiet_hours.week_of(hourly, zone)
    window = quiet_hours.quietest(week, zone, now)
    return {"zone": zone.key, "window": window, "rows": _rows(week, window), "hours": range(quiet_hours.HOURS)}


def _zone(container: Container) -> ZoneInfo:
    name = container.owner.time_zone if container.owner else "UTC"
    return ZoneInfo(name if name in known_zones() else "UTC")


def _rows(week: Week, window: Window | None) -> list[tuple[str, list[tuple[int, float | None, float | None, bool]]]]:
    """Return per weekday and hour: how busy it is, as a part of the busiest too, and whether it is the window's."""
    busiest = max(week.busy.values(), default=0.0) or 1.0
    chosen = quiet_hours.places_of(window) if window else ()
    return [
        (
            WEEKDAYS[day],
            [
                (hour, busy, None if busy is None else 0.95 * busy / busiest, (day, hour) in chosen)
                for hour, busy in enumerate(row)
            ],
        )
        for day, row in enumerate(week.rows())
    ]
