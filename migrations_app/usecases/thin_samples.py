"""Take away samples and roll-ups past their time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.capacity import retention, rounds
from migrations_app.models import Round


def thin_samples(*, round_id: int, now: datetime, settings: Mapping[str, Any]) -> int:
    """Delete a bounded number of rows and return it; where more wait, the round is due again at once."""
    rounds.set_next(round_id, now, sample_seconds=settings["sample_every_seconds"])
    deleted = retention.thin(now, settings)
    if deleted >= retention.MOST_AT_ONCE:
        Round.objects.filter(pk=round_id).update(next_at=now)
    return deleted
