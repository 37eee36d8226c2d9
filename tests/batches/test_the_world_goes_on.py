"""What people and nodes do meanwhile: each move is looked at again before it begins."""

from __future__ import annotations

import pytest
from django.conf import settings

from migrations_app.models import Container, Migration, Node, Notice
from migrations_app.usecases.advance_migration import advance_migration
from migrations_app.usecases.cancel_migration import cancel_migration
from tests.batches.stage import Fleet, migration_of, states, whys
from tests.factories import make_customer
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


def test_one_moved_by_hand_is_skipped_and_its_owner_told(fleet: Fleet) -> None:
    rows = fleet.containers(2, owner=make_customer())
    batch = fleet.begin([fleet.move(row, "node-2") for row in rows], most_at_once=1)
    fleet.tick(batch)
    Container.objects.filter(pk=rows[1].pk).update(node=fleet.rows["node-3"])
    fleet.run()
    assert states(batch) == ["done", "skipped"]
    assert whys(batch)[1] == "102 is on node-3 now, not on node-1: somebody moved it meanwhile."
    migration = migration_of(rows[1])
    assert (migration.state, migration.failure_detail) == ("cancelled", whys(batch)[1])
    assert list(Notice.objects.filter(migration=migration).values_list("kind", flat=True)) == ["scheduled", "failed"]


def test_one_that_is_gone_is_skipped(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    Container.objects.filter(ctid="102").update(gone_at=fleet.now)
    fleet.run()
    assert states(batch) == ["done", "skipped"]
    assert whys(batch)[1] == "102 was not seen on node-1 at the last scan."


def test_one_that_was_pinned_is_skipped(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    Container.objects.filter(ctid="102").update(pinned=True, pin_reason="licence")
    fleet.run()
    assert whys(batch)[1] == "102 was pinned to node-1 meanwhile: licence."


def test_one_whose_migration_a_person_cancelled_is_skipped(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(2), most_at_once=1)
    cancel_migration(migration=migration_of(batch.items.all()[1].container), actor=fleet.actor, now=fleet.now)
    fleet.run()
    assert states(batch) == ["done", "skipped"]


@pytest.mark.parametrize("duty", ["draining", "maintenance"])
def test_a_target_that_is_drained_is_not_used(fleet: Fleet, duty: str) -> None:
    batch = fleet.begin([*fleet.moves(2), fleet.move(fleet.container("201"), "node-3")], most_at_once=1)
    fleet.tick(batch)
    Node.objects.filter(name="node-2").update(duty=duty)
    fleet.run(until=lambda: states(batch) == ["done", "waiting", "done"])
    fleet.tick(batch)
    assert whys(batch)[1] == f"Asks for a new plan: node-2 is out of service ({duty})."
    assert migration_of(batch.items.all()[1].container).is_held
    Node.objects.filter(name="node-2").update(duty="in_service")
    fleet.run()
    assert states(batch) == ["done", "done", "done"]


@pytest.mark.parametrize("name", ["node-1", "node-2"])
def test_a_node_in_trouble_is_waited_for(fleet: Fleet, name: str) -> None:
    Node.objects.filter(name=name).update(fault="NodeUnreachable")
    batch = fleet.tick(fleet.begin(fleet.moves(1)))
    assert whys(batch) == [f"Waits until {name} is well again: NodeUnreachable."]
    Node.objects.update(fault="")
    fleet.run()
    assert states(batch) == ["done"]


def test_a_number_that_is_taken_on_the_target_is_not_run_into(fleet: Fleet) -> None:
    fleet.container("101", "node-2")
    batch = fleet.tick(fleet.begin([fleet.move(fleet.container("101"), "node-2")]))
    assert whys(batch) == ["Asks for a new plan: node-2 has another container 101."]


def test_a_held_migration_does_not_begin_by_a_stray_ring(fleet: Fleet) -> None:
    fleet.begin(fleet.moves(1))
    migration = Migration.objects.get()
    world = FakeWorld()
    advance_migration(migration_id=migration.pk, outside=world.outside, settings=settings.OVZ)
    migration.refresh_from_db()
    assert migration.is_held
    assert world.calls == []
