"""Connections opened and closed several times a second, by a thread that waits for none of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Collection

from migrations_app.ports.knocker import Knock, Place

EVERY_SECONDS = 0.25
# A client's kernel asks again after 1 and 3 seconds; who then still hears nothing has been let down.
PATIENCE_SECONDS = 5.0
MOST_EACH_SECOND = 800
MOST_KEPT = 100_000


class SteadyKnocker:
    """Its thread starts with the first place and stays; it touches nothing but sockets."""

    def __init__(self) -> None:
        self._places: tuple[Place, ...] = ()
        self._heard: deque[Knock] = deque(maxlen=MOST_KEPT)
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
                under_way.add(task := asyncio.create_task(self._knock(place)))
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(EVERY_SECONDS, len(places) / MOST_EACH_SECOND))

    async def _knock(self, place: Place) -> None:
        sent_at = time.monotonic()
        answered = await _is_open(place)
        heard_at = time.monotonic()
        self._heard.append(Knock(place=place, sent_at_seconds=sent_at, heard_at_seconds=heard_at, answered=answered))


async def _is_open(place: Place) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, writer = await asyncio.open_connection(*place)
    except OSError:  # TimeoutError is one too
        return False
    writer.transport.abort()
    return True
