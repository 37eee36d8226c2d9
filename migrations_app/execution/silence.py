"""How long did a service not answer? Counted from knocks alone: pure thought, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrations_app.ports.knocker import Knock

# Seconds between two knocks. A web server minds none; others shut out for a while who comes often and says nothing
# (sshd counts a second for each), and MySQL for good after a hundred.
OFTEN_SECONDS, SELDOM_SECONDS = 0.25, 2.0
WEB = frozenset({"http", "https"})
NEVER = frozenset({"mysql"})
# Between two answers there is always the time between two knocks, and an answer takes its own.
NOTABLE_SECONDS = 0.5


def pace_seconds(kind: str) -> float | None:
    """Return how often to knock at such a service; None: it is not to be knocked at."""
    if kind in NEVER:
        return None
    return OFTEN_SECONDS if kind in WEB else SELDOM_SECONDS


@dataclass(kw_only=True)
class Tally:
    """What its users met at one service while it was watched; a silence lasts from one answer to the next.

    Whoever called in the worst moment waited for as long as the longest silence, or less by the time between knocks.
    """

    pace_seconds: float = OFTEN_SECONDS
    knocks: int = 0
    unanswered: int = 0
    silent_seconds: float = 0.0
    longest_silence_seconds: float = 0.0
    _answered_at_seconds: float | None = field(default=None, repr=False)

    def count(self, knock: Knock) -> None:
        self.knocks += 1
        if not knock.answered:
            self.unanswered += 1
            return
        if self._answered_at_seconds is not None:
            self._note_silence(knock.heard_at_seconds - self._answered_at_seconds)
        self._answered_at_seconds = knock.heard_at_seconds

    def _note_silence(self, seconds: float) -> None:
        if seconds >= self.pace_seconds + NOTABLE_SECONDS:
            self.silent_seconds += seconds
            self.longest_silence_seconds = max(self.longest_silence_seconds, seconds)
