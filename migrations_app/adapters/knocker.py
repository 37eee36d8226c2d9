"""Connections opened and closed several times a second, by a thread that waits for none of them."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping

from migrations_app.ports.knocker import Knock, Place

SOONEST_SECONDS = 0.25
# A client's kernel asks again after 1 and 3 seconds; who then still hears nothing has been let down.
PATIENCE_SECONDS = 5.0
MOST_EACH_SECOND = 800
# Each holds one of the 1024 files that a process may usually have open, and the silent ones hold it for long.
MOST_UNDER_WAY = 600
MOST_KEPT = 100_000
NOTHING_LEFT_HERE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS})


class SteadyKnocker:
    """Its thread starts with the first place and stays; it touches nothing but sockets."""

    def __init__(self) -> None:
        self._paces: Mapping[Place, float] = {}
        self._due: dict[Place, float] = {}
        self._heard: deque[Knock] = deque(maxlen=MOST_KEPT)
        self._waiting_at: Counter[Place] = Counter()
        self._thread: threading.Thread | None = None

    def aim(self, paces: Mapping[Place, float]) -> None:
        self._paces = dict(paces)
        if self._paces and self._thread is None:
            self._thread = threading.Thread(target=lambda: asyncio.run(self._knock_on()), daemon=True)
            self._thread.start()

    def heard(self) -> list[Knock]:
        return [self._heard.popleft() for _ in range(len(self._heard))]

    async def _knock_on(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while True:
            paces = self._paces
            for place in self._take_due(paces):
                # Who answers is asked on, however many others are silent: a gap of ours would look like one of theirs.
                if len(under_way) < MOST_UNDER_WAY or not self._waiting_at[place]:
                    self._waiting_at[place] += 1
                    under_way.add(task := asyncio.create_task(self._knock(place)))
                    task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(SOONEST_SECONDS, len(paces) / MOST_EACH_SECOND))

    def _take_due(self, paces: Mapping[Place, float]) -> list[Place]:
        """Return whose time has come, a little early rather than a whole round late."""
        soon = time.monotonic() + SOONEST_SECONDS / 2
        due = [place for place in paces if self._due.get(place, 0.0) <= soon]
        self._due = {place: soon + paces[place] if place in due else self._due[place] for place in paces}
        return due

    async def _knock(self, place: Place) -> None:
        sent_at = time.monotonic()
        try:
            answered = await _is_open(place)
        finally:
            self._waiting_at[place] -= 1
        heard_at = time.monotonic()
        if answered is not None:
            knock = Knock(place=place, sent_at_seconds=sent_at, heard_at_seconds=heard_at, answered=answered)
            self._heard.append(knock)


async def _is_open(place: Place) -> bool | None:
    """Return None where nothing was asked, because this machine had no more files or memory for it."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(*place)
    except OSError as error:  # TimeoutError is one too
        return None if error.errno in NOTHING_LEFT_HERE else False
    writer.transport.abort()
    return True
