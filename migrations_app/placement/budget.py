"""How long a search may still take; the clock comes from the door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Budget:
    """``overtime_seconds`` is what may be added where otherwise a place that there is would not be found.

    ``called_off`` is asked whether somebody else has the answer already.
    """

    clock: Callable[[], float]
    until: float
    overtime_seconds: float = 8.0
    called_off: Callable[[], bool] = bool

    @property
    def left_seconds(self) -> float:
        return max(0.0, self.until - self.clock())

    @property
    def spent(self) -> bool:
        return self.clock() >= self.until or self.called_off()

    def at_most(self, seconds: float) -> Budget:
        """Return a part of it: so many seconds from now, never more than the whole has left."""
        return replace(self, until=min(self.until, self.clock() + seconds))

    def strictly(self, seconds: float) -> Budget:
        """Return a part of it for what may come to nothing: no overtime."""
        return replace(self.at_most(seconds), overtime_seconds=0.0)

    @property
    def overtime(self) -> Budget:
        return self.more(self.overtime_seconds)

    def more(self, seconds: float) -> Budget:
        """Return a budget that lasts so much longer, for what has to be finished once it is begun."""
        return replace(self, until=max(self.until, self.clock()) + seconds)
