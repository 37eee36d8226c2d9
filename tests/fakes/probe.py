"""A probe that sees what a client of the pretend network would see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrations_app.ports.probe import ProbeResult

if TYPE_CHECKING:
    from tests.fakes.world import FakeWorld


class FakeProbe:
    def __init__(self, world: FakeWorld) -> None:
        self.world = world

    def connect(self, address: str, port: int, *, timeout_seconds: float) -> ProbeResult:
        with self.world.outside_call("probe", (address, str(port))):
            return self._answer(address, port, timeout_seconds)

    def _answer(self, address: str, port: int, timeout_seconds: float) -> ProbeResult:
        match self.world.who_answers(address):
            case []:
                self.world.clock.advance(timeout_seconds)
                return ProbeResult(
                    answers=False, seconds=timeout_seconds, detail=f"no answer within {timeout_seconds:g} s"
                )
            case [owner, *_] if port in owner.ports:
                return ProbeResult(answers=True, seconds=0.001)
            case _:
                return ProbeResult(answers=False, seconds=0.001, detail="Connection refused")
