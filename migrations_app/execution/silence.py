"""How long did a service not answer? Counted from knocks alone: pure thought, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from migrations_app.ports.knocker import Knock

# Between two answers there is always the time between two knocks, and an answer takes its own.
NOTABLE_SECONDS = 0.75


@dataclass(kw_only=True)
class Tally:
    """What its users met at one service while it was watched; a silence lasts from one answer to the next.

    Whoever called in the worst moment waited for as long as the longest silence, or a fraction of a second less.
    """

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
        if seconds >= NOTABLE_SECONDS:
            self.silent_seconds += seconds
            self.longest_silence_seconds = max(self.longest_silence_seconds, seconds)
