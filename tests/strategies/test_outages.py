"""Networks that part and nodes that lose power, at any moment of a move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction

from migrations_app.models import Migration
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end

pytestmark = pytest.mark.django_db

EVERY_NTH_CALL = {"live": 2, "stream": 4}
SHORT_SECONDS, MIDDLING_SECONDS, LONG_SECONDS = 5, 30, 250
GOES_ON = {Migration.State.DONE, Migration.State.ROLLED_BACK}
RUNS_ON = {Migration.State.DONE: ["node-2/101"], Migration.State.ROLLED_BACK: ["node-1/101"]}


def sweep(method: str, outage: Callable[[FakeWorld], None], allowed: set[str]) -> None:
    """Let the outage begin before every so manyth call; wherever the move ends, the container runs once."""
    number = 1
    while True:
        world, migration = _one(method, outage, number)
        (identity,) = world.acknowledged
        where = f"from call {number} on: {migration.state} {migration.failure} {migration.failure_detail}"
        assert migration.state in allowed, where
        assert world.violations == [], where
        assert world.lost_writes(identity) == [], where
        assert world.copies(identity) == RUNS_ON.get(migration.state, world.copies(identity)), where
        assert len(world.copies(identity)) <= 1
        if number > len(world.calls):
            break
        number += EVERY_NTH_CALL[method]


def _one(method: str, outage: Callable[[FakeWorld], None], number: int) -> tuple[FakeWorld, Migration]:
    world = FakeWorld()
    mark = transaction.savepoint()
    try:
        migration = begin(world, method, fall_back_to_dump=False)
        world.at_call(number, lambda: outage(world))
        run_to_end(world, migration)
        world.wait(2 * LONG_SECONDS)
    finally:
        transaction.savepoint_rollback(mark)
    return world, migration


@pytest.mark.parametrize("method", ["live", "stream"])
@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_short_silence_of_a_node_is_sat_out(method: str, node: str) -> None:
    sweep(method, lambda world: world.part_for("panel", node, seconds=SHORT_SECONDS), {Migration.State.DONE})


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_container_does_not_stand_still_for_half_a_minute(node: str) -> None:
    """It is given back, unless the copy may have been started already."""
    sweep("stream", lambda world: world.part_for("panel", node, seconds=MIDDLING_SECONDS), GOES_ON)


@pytest.mark.parametrize("method", ["live", "stream"])
@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_long_silence_calls_a_person(method: str, node: str) -> None:
    allowed = {*GOES_ON, Migration.State.PARKED}
    sweep(method, lambda world: world.part_for("panel", node, seconds=LONG_SECONDS), allowed)


@pytest.mark.parametrize("method", ["live", "stream"])
def test_nodes_that_lose_each_other_end_in_a_rollback(method: str) -> None:
    sweep(method, lambda world: world.part_for("node-1", "node-2", seconds=LONG_SECONDS), GOES_ON)


@pytest.mark.parametrize("method", ["live", "stream"])
@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_a_node_that_loses_power_comes_back_to_one_copy(method: str, node: str) -> None:
    def lose_power(world: FakeWorld) -> None:
        world.node(node).crash()
        world.later(60, world.node(node).boot)

    sweep(method, lose_power, {*GOES_ON, Migration.State.PARKED})
