"""A knocker that hears what a test lets it hear."""

from __future__ import annotations

from collections.abc import Mapping

from migrations_app.ports.knocker import Knock, Place


class FakeKnocker:
    def __init__(self) -> None:
        self.places: tuple[Place, ...] = ()
        self.paces: dict[Place, float] = {}
        self._heard: list[Knock] = []

    def aim(self, paces: Mapping[Place, float]) -> None:
        self.places = tuple(paces)
        self.paces = dict(paces)

    def heard(self) -> list[Knock]:
        heard, self._heard = self._heard, []
        return heard

    def hear(self, place: Place, at_seconds: float, *, answered: bool = True) -> None:
        self._heard.append(
            Knock(place=place, sent_at_seconds=at_seconds, heard_at_seconds=at_seconds, answered=answered)
        )
