"""How long a search may still take; the clock comes from the door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Budget:
    clock: Callable[[], float]
    until: float

    @property
    def left_seconds(self) -> float:
        return max(0.0, self.until - self.clock())

    @property
    def spent(self) -> bool:
        return self.clock() >= self.until

    def at_most(self, seconds: float) -> Budget:
        """Return a part of it: so many seconds from now, never more than the whole has left."""
        return replace(self, until=min(self.until, self.clock() + seconds))

    def more(self, seconds: float) -> Budget:
        """Return a budget that lasts so much longer, for what has to be finished once it is begun."""
        return replace(self, until=max(self.until, self.clock()) + seconds)
