"""A move to a new address that fails at any step before its point of no return: within a minute all is as before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings

from migrations_app.execution.outcome import Failed, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Migration, Publication
from migrations_app.strategies import RECIPES
from migrations_app.usecases.advance_names import advance_names
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, begin_to_new_address, story, tick
from tests.zones.rig import Names, make_names

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
LONGEST_WAY_BACK = timedelta(seconds=60)


def _reversible() -> list[type[Step]]:
    steps = RECIPES["stream_new_address"]
    last = next(place for place, step in enumerate(steps) if step.point_of_no_return)
    return list(steps[: last + 1])


def _carry(world: FakeWorld, migration: Migration) -> Migration:
    for _ in range(3000):
        for pk in Publication.objects.busy().filter(next_look_at__lte=world.clock()).values_list("pk", flat=True):
            advance_names(publication_id=pk, outside=world.outside, settings=settings.OVZ)
        if not tick(world, migration, forward_least_seconds=60, forward_quiet_seconds=30):
            break
    migration.refresh_from_db()
    return migration


def _told(names: Names) -> dict[tuple[str, str], tuple[int, tuple[str, ...]]]:
    zones = (names.forward, names.reverse)
    return {key: (one.ttl, one.values) for zone in zones for key, one in zone.rrsets.items() if key[1] != "SOA"}


def _begun_at(world: FakeWorld, migration: Migration) -> timedelta:
    begun = migration.log.get(text__startswith="Going back.").at
    assert migration.finished_at is not None
    return migration.finished_at - begun


def fail_after_its_work(monkeypatch: pytest.MonkeyPatch, step: type[Step]) -> None:
    """What it had to do it has done, and then something is found that ends the move."""

    def verify(self: Step, ctx: StepContext) -> RunOutcome:
        return Failed(name="CopyFailed", reason="boom")

    monkeypatch.setattr(step, "verify", verify)


@pytest.mark.parametrize("step", _reversible(), ids=lambda step: step.name)
def test_names_addresses_forwards_and_source_are_as_before(monkeypatch: pytest.MonkeyPatch, step: type[Step]) -> None:
    world = FakeWorld(nodes=1)
    world.clients_write = False  # an hour of waiting for TTLs would be an hour of their writing
    names = make_names(world, ttl_seconds=600)
    before = _told(names)
    migration = begin_to_new_address(world, "stream", fall_back_to_dump=False)
    source = world.node("node-1").containers["101"]
    area = source.area
    assert area is not None
    area.texts["etc/app.conf"] = [f"Listen {ADDRESS}:80"]
    config = dict(source.config or {})
    fail_after_its_work(monkeypatch, step)
    migration = _carry(world, migration)
    if migration.state == Migration.State.DONE:  # a step that had nothing to do is never looked at
        assert migration.steps.get(name=step.name).state == "skipped"
        return
    assert migration.state == Migration.State.ROLLED_BACK, story(migration)
    assert _begun_at(world, migration) <= LONGEST_WAY_BACK
    assert (source.state, source.area, source.config) == ("running", area, config)
    assert area.texts["etc/app.conf"] == [f"Listen {ADDRESS}:80"]
    assert _told(names) == before
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())
    assert world.node("node-far").container("101").area is None
    assert world.request(ADDRESS)
    assert world.violations == []
