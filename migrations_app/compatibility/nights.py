"""When the panel checks pairs by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

NIGHT = timedelta(hours=4)


def began(now: datetime, hour: int) -> datetime | None:
    """Return when this night's checks began; None outside the night."""
    start = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    if start > now:
        start -= timedelta(days=1)
    return start if now < start + NIGHT else None


def next_one(now: datetime, hour: int) -> datetime:
    start = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    return start if start > now else start + timedelta(days=1)
