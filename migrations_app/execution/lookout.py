"""Watch services of containers that are about to move until they are seen at their new place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from migrations_app.execution import services
from migrations_app.execution.silence import Tally, pace_seconds
from migrations_app.models import SeenService
from migrations_app.ports.knocker import Knocker, Place


@dataclass
class Lookout:
    """Of all workers one watches a service at a time; a worker that dies is followed by another after a moment."""

    knocker: Knocker
    name: str
    _tallies: dict[int, Tally] = field(default_factory=dict)
    _places: dict[Place, int] = field(default_factory=dict)
    _rested: bool = False

    def look(self, now: datetime) -> None:
        """Count what was heard, keep it, and knock at what is to be watched from now on; call it often."""
        for knock in self.knocker.heard():
            if knock.place in self._places:
                self._tallies[self._places[knock.place]].count(knock)
        if self._tallies:
            services.keep_silences(self._tallies)
        self._aim(services.take_watch(self.name, now, rested=self._rested))
        self._rested = False

    def rest(self) -> None:
        """Knock at nothing while nothing can be kept; another worker may watch, and count, meanwhile."""
        self._tallies, self._places, self._rested = {}, {}, True
        self.knocker.aim({})

    def _aim(self, found: Iterable[SeenService]) -> None:
        rows = [row for row in found if pace_seconds(services.kind_of(row)) is not None]
        tallies = {row.pk: self._tallies.get(row.pk) or services.tally_of(row) for row in rows}
        self._tallies = tallies
        self._places = {(row.address, row.port): row.pk for row in rows}
        self.knocker.aim({place: self._tallies[pk].pace_seconds for place, pk in self._places.items()})
