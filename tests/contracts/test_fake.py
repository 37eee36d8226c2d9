"""The contracts, kept by the pretend fleet."""

from __future__ import annotations

import itertools

import pytest

from migrations_app.ports.probe import Probe
from tests.contracts.move_contract import LiveContract, MoveContract
from tests.contracts.probe_contract import ProbeContract
from tests.contracts.shell_contract import ShellContract
from tests.contracts.stage import Guest, Stage
from tests.fakes.world import FakeWorld, endpoint


class FakeStage(Stage):
    def __init__(self, world: FakeWorld) -> None:
        super().__init__(first_migration=1)
        self.world = world
        self.shell = world.outside.shell
        self.source, self.target = endpoint(world.node("node-1")), endpoint(world.node("node-2"))
        self._numbers = itertools.count(101)

    def guest(self) -> Guest:
        number = next(self._numbers)
        self.world.node("node-1").make_container(str(number), address=f"192.0.2.{number}")
        return Guest(ctid=str(number), address=f"192.0.2.{number}")


@pytest.fixture
def stage(world: FakeWorld) -> FakeStage:
    return FakeStage(world)


class TestFakeShell(ShellContract):
    pass


class TestFakeProbe(ProbeContract):
    @pytest.fixture
    def probe(self, world: FakeWorld) -> Probe:
        return world.outside.probe


class TestFakeMoves(MoveContract):
    pass


class TestFakeLiveMoves(LiveContract):
    pass
