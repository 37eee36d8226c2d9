"""A probe that sees what a client of the pretend network would see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from migrations_app.ports.probe import Face, Look, ProbeResult, Service

if TYPE_CHECKING:
    from tests.fakes.container import FakeContainer
    from tests.fakes.world import FakeWorld

EMPTY_PAGE = ("http", Face(name="", status=200, title=""))


class FakeProbe:
    def __init__(self, world: FakeWorld) -> None:
        self.world = world

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        with self.world.outside_call("probe", (address, str(port))):
            result = self._answer(address, port, timeout_seconds)
            if result.seconds == timeout_seconds:
                self.world.clock.advance(timeout_seconds)
            return result

    def look(self, services: Sequence[Service], *, timeout_seconds: float) -> tuple[Look, ...]:
        """All at the same time: one that is silent lets the time pass for all."""
        with self.world.outside_call("probe", ("look", *(f"{one.address}:{one.port}" for one in services))):
            looks = tuple(self._look(service, timeout_seconds) for service in services)
            self.world.clock.advance(max((look.seconds for look in looks), default=0.0))
            return looks

    def _look(self, service: Service, timeout_seconds: float) -> Look:
        result = self._answer(service.address, service.port, timeout_seconds)
        if not result.answers:
            return Look(answers=False, seconds=result.seconds, detail=result.detail)
        kind, face = self._shown(self.world.who_answers(service.address)[0], service.port)
        names = service.names if kind in ("http", "https") else service.names[:1]
        faces = tuple(replace(face, name=name) for name in names or ("",))
        return Look(answers=True, seconds=result.seconds, kind=kind, faces=faces)

    def _shown(self, owner: FakeContainer, port: int) -> tuple[str, Face]:
        return owner.area.shown.get(port, EMPTY_PAGE) if owner.area is not None else EMPTY_PAGE

    def _answer(self, address: str, port: int, timeout_seconds: float) -> ProbeResult:
        match self.world.who_answers(address):
            case []:
                return ProbeResult(
                    answers=False, seconds=timeout_seconds, detail=f"no answer within {timeout_seconds:g} s"
                )
            case [owner, *_] if port in owner.ports and port not in owner.shut:
                return ProbeResult(answers=True, seconds=0.001)
            case _:
                return ProbeResult(answers=False, seconds=0.001, detail="Connection refused")
