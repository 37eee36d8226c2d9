"""Is the queue alive? A canary is sent through it; silence means that it hangs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django_q.models import OrmQ, Task

from migrations_app.bell import ring

SING_EVERY_SECONDS = 3.0
SILENCE = timedelta(seconds=15)
MOST_WAITING = 200
# A cluster needs a moment to load, and on a machine that is overloaded a long one: replaced too soon it never serves.
FIRST_SONG_SECONDS, LONGEST_FIRST_SONG_SECONDS = 25.0, 200.0


@dataclass
class Watchdog:
    sung_at: float = 0.0
    first_song_seconds: float = FIRST_SONG_SECONDS

    def looks_dead(self, now: datetime, cluster_age_seconds: float) -> bool:
        """Return whether the queue has served nothing for too long although there was something to serve."""
        self._sing(now)
        if Task.objects.filter(stopped__gt=now - SILENCE).exists():
            self.first_song_seconds = FIRST_SONG_SECONDS
            return False
        if cluster_age_seconds < self.first_song_seconds:
            return False
        self.first_song_seconds = min(2 * self.first_song_seconds, LONGEST_FIRST_SONG_SECONDS)
        return True

    def _sing(self, now: datetime) -> None:
        if time.monotonic() - self.sung_at < SING_EVERY_SECONDS:
            return
        self.sung_at = time.monotonic()
        # A queue that stands still must not fill up with canaries.
        if OrmQ.objects.count() < MOST_WAITING:
            ring("canary", now.isoformat())
