"""Begin a round over the whole fleet, in parts that several workers can take side by side."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.capacity import rounds
from migrations_app.models import Node

NODES_PER_PART = 200
Part = tuple[int, int]  # first and last primary key


def begin_sampling(*, round_id: int, now: datetime, settings: Mapping[str, Any]) -> list[Part]:
    """Move the round on to its next beat and return its parts."""
    rounds.set_next(round_id, now, sample_seconds=settings["sample_every_seconds"])
    ids = list(Node.objects.filter(state=Node.State.READY).order_by("pk").values_list("pk", flat=True))
    starts = range(0, len(ids), NODES_PER_PART)
    return [(part[0], part[-1]) for start in starts if (part := ids[start : start + NODES_PER_PART])]
