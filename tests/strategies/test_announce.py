"""What the network segment is told."""

from __future__ import annotations

import pytest

from migrations_app.models import Migration
from tests.fakes.world import FakeWorld
from tests.moves import begin, run_to_end, story


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["live", "stream"])
def test_only_addresses_that_have_arp_are_announced(world: FakeWorld, method: str) -> None:
    migration = begin(world, method)
    both = ["192.0.2.101", "2001:db8::101"]
    world.node("node-1").containers["101"].configs[""]["IP_ADDRESS"] = " ".join(both)
    migration.container.addresses = both
    migration.container.save(update_fields=["addresses"])
    assert run_to_end(world, migration).state == Migration.State.DONE, story(migration)
    assert set(world.node("node-2").announced) == {"192.0.2.101"}
