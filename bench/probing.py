"""Ask a container's service from outside, again and again, and tell how long it did not answer."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.handle import Lab

BEAT_SECONDS = 0.02
# Shorter than the time after which a kernel asks again: each probe is a new connection, and a gap is not rounded up.
PATIENCE_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0


class Probing:
    """Probes without pause; a gap is the time between two answers."""

    def __init__(self, lab: Lab, address: str) -> None:
        self.longest_gap_seconds = 0.0
        self._lab = lab
        self._address = address
        self._answered = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._await_answer()

    def stop(self) -> None:
        """Return after one more answer, so that a gap at the end counts in full."""
        try:
            self._await_answer()
        finally:
            self._over.set()
            self._thread.join()

    def _await_answer(self) -> None:
        self._answered.clear()
        if not self._answered.wait(LONGEST_WAIT_SECONDS):
            raise TimeoutError(f"{self._address} does not answer")

    def _probe(self) -> None:
        answered_at: float | None = None
        with self._lab.inside("client"):
            while not self._over.wait(BEAT_SECONDS):
                if not answers(self._address):
                    continue
                now = time.monotonic()
                self.longest_gap_seconds = max(self.longest_gap_seconds, now - (answered_at or now))
                answered_at = now
                self._answered.set()


@contextmanager
def probing(lab: Lab, address: str) -> Iterator[Probing]:
    probe = Probing(lab, address)
    probe.start()
    yield probe
    probe.stop()


def answers(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
