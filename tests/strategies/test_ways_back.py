"""Ways back that begin at an unlucky moment."""

from __future__ import annotations

import pytest

from migrations_app.models import Migration, StepRun
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, begin, run_to_end, story, tick

pytestmark = pytest.mark.django_db


def test_a_start_that_hangs_does_not_keep_the_container_frozen(world: FakeWorld) -> None:
    world.node("node-2").hang("start")
    migration = run_to_end(world, begin(world, "stream", rehearse=False))
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.ROLLED_BACK, story(migration)
    assert migration.failure == "TransferStalled"
    assert world.copies(identity) == ["node-1/101"]
    assert world.lost_writes(identity) == []


def test_a_container_that_was_stopped_meanwhile_keeps_no_freeze_closed(world: FakeWorld) -> None:
    """Its owner stopped it while it was copied; then the copy does not start."""
    world.node("node-2").fail("start", 50, "boom", times=9)
    migration = begin(world, "stream", rehearse=False)
    while not migration.steps.filter(name="delta").exclude(state=StepRun.State.PENDING).exists():
        tick(world, migration)
    world.node("node-1").containers["101"].state = "down"
    world.clients_write = False
    run_to_end(world, migration)
    assert migration.state == Migration.State.ROLLED_BACK, story(migration)
    assert not any(ADDRESS in node.dropped for node in world.nodes.values())


def test_a_copy_that_starts_while_vzmigrate_is_ended_meets_no_thawed_source(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = world.node("node-1"), world.node("node-2")
    source.hang("vzmigrate")
    cancel = source.jobs.cancel

    def resume_on_target(key: str) -> str:
        original, copy = source.container("101"), target.container("101")
        copy.area, copy.configs = original.area, {"": dict(original.config or {})}
        copy.configs[""]["IP_ADDRESS"] = ""
        original.state, copy.state = "frozen", "running"
        return cancel(key)

    monkeypatch.setattr(source.jobs, "cancel", resume_on_target)
    migration = run_to_end(world, begin(world, "live", fall_back_to_dump=False))
    assert migration.state == Migration.State.PARKED, story(migration)
    assert migration.failure == "RunsOnBoth"
    assert world.violations == []
    assert source.container("101").state == "frozen"
