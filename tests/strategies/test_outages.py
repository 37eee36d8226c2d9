"""Networks that part and nodes that lose power, at any moment of a move."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.models import Migration
from migrations_app.usecases import release_forward as releasing
from tests.fakes.world import FakeWorld
from tests.moves import NEW_ADDRESS, begin, begin_to_new_address, run_to_end, story

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


def to_new_address(outage_at: int | None, outage: Callable[[FakeWorld], None]) -> tuple[FakeWorld, Migration]:
    """Move to another network with no tunnel between; nobody comes to the old address any more."""
    world = FakeWorld(nodes=1)
    world.clients_write = False
    migration = begin_to_new_address(world, "stream", rehearse=False)
    world.node("node-far").tunnel_kinds = ()
    if outage_at is not None:
        world.at_call(outage_at, lambda: outage(world))
    return world, run_to_end(world, migration, forward_least_seconds=1, forward_quiet_seconds=1)


def calls_since_the_forward(world: FakeWorld) -> list[int]:
    """Return the numbers of the calls from the one that passes the old address on until the old copy is fenced."""
    said = [(number, call.node, " ".join(call.words)) for number, call in enumerate(world.calls, start=1)]
    begun = next(number for number, node, words in said if node == "node-1" and " forward_out " in words)
    fenced = next(number for number, node, words in said if node == "node-1" and " fence " in words)
    return list(range(begun, fenced + 1))


@pytest.mark.usefixtures("one_person_is_enough")
def test_an_old_node_that_is_gone_for_good_keeps_nobody_from_the_new_address(ada: User) -> None:
    """From the step that passes the old address on: a person's word that it is not needed lets the move go on."""
    mark = transaction.savepoint()
    numbers = calls_since_the_forward(to_new_address(None, lambda world: None)[0])
    transaction.savepoint_rollback(mark)
    for number in numbers[::2]:
        mark = transaction.savepoint()
        world, migration = to_new_address(number, lambda world: world.node("node-1").crash())
        assert migration.state == Migration.State.PARKED, story(migration)
        assert [one.ctid for one in world.who_answers(NEW_ADDRESS)] == ["101"], f"from call {number} on"
        if migration.steps.filter(name__in=("forward", "unfreeze", "probe_outside"), finished_at=None).exists():
            assert releasing.offered_for(migration), f"from call {number} on"
            releasing.release_forward(migration=migration, actor=ada, now=world.clock())
            migration = run_to_end(world, migration)
        assert migration.steps.get(name="switch_names").state in ("done", "skipped"), story(migration)
        assert world.violations == []
        transaction.savepoint_rollback(mark)
