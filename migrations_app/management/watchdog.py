"""Is the queue alive? A canary is sent through it; silence means that it hangs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_q.models import OrmQ, Task

from migrations_app.tasks import ring

SING_EVERY_SECONDS = 3.0
SILENCE = timedelta(seconds=15)
MOST_WAITING = 200
FIRST_SONG_SECONDS = 25.0  # a cluster needs a moment to load


@dataclass
class Watchdog:
    sung_at: float = 0.0

    def looks_dead(self, now: datetime, cluster_age_seconds: float) -> bool:
        """Return whether the queue has served nothing for too long although there was something to serve."""
        self._sing(now)
        if cluster_age_seconds < FIRST_SONG_SECONDS:
            return False
        return not Task.objects.filter(stopped__gt=now - SILENCE).exists()

    def _sing(self, now: datetime) -> None:
        if time.monotonic() - self.sung_at < SING_EVERY_SECONDS:
            return
        self.sung_at = time.monotonic()
        # A queue that stands still must not fill up with canaries.
        if OrmQ.objects.count() < MOST_WAITING:
            ring("canary", now.isoformat())
