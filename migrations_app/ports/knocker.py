"""Port: does a service take connections? Asked again and again, whether the last one was answered or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Place = tuple[str, int]  # address, port


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One connection that was asked for; both times are of a clock that only rises."""

    place: Place
    sent_at_seconds: float
    heard_at_seconds: float
    answered: bool


class Knocker(Protocol):
    def aim(self, paces: Mapping[Place, float]) -> None:
        """Knock at these from now on, at each once in so many seconds, and at no others."""

    def heard(self) -> list[Knock]:
        """Return what was heard since this was last asked, in the order in which it was."""
