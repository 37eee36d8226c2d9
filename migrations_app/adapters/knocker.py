"""Connections opened and closed several times a second, by a thread that waits for none of them."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections import Counter, deque
from collections.abc import Collection

from migrations_app.ports.knocker import Knock, Place

EVERY_SECONDS = 0.25
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
        self._places: tuple[Place, ...] = ()
        self._heard: deque[Knock] = deque(maxlen=MOST_KEPT)
        self._waiting_at: Counter[Place] = Counter()
        self._thread: threading.Thread | None = None

    def aim(self, places: Collection[Place]) -> None:
        self._places = tuple(places)
        if self._places and self._thread is None:
            self._thread = threading.Thread(target=lambda: asyncio.run(self._knock_on()), daemon=True)
            self._thread.start()

    def heard(self) -> list[Knock]:
        return [self._heard.popleft() for _ in range(len(self._heard))]

    async def _knock_on(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        while True:
            places = self._places
            for place in places:
                # Who answers is asked on, however many others are silent: a gap of ours would look like one of theirs.
                if len(under_way) < MOST_UNDER_WAY or not self._waiting_at[place]:
                    self._waiting_at[place] += 1
                    under_way.add(task := asyncio.create_task(self._knock(place)))
                    task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(EVERY_SECONDS, len(places) / MOST_EACH_SECOND))

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
