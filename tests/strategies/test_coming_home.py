"""A container that was given another address comes home: the old address is its own again, and nobody notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.execution import mentions
from migrations_app.models import Forward, Migration, Publication
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.bring_back import bring_back
from migrations_app.usecases.cancel_migration import cancel_migration
from migrations_app.usecases.retire_source import retire_source
from migrations_app.vz.facts import Mention
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, begin_to_new_address, run_to_end, story, tick
from tests.zones.rig import Names, make_names

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
SHORT = {"forward_least_seconds": 60, "forward_quiet_seconds": 40}
MINUTE = 60
State = Migration.State


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(nodes=1)


def carry(world: FakeWorld, migration: Migration, *, until: str = "") -> Migration:
    """Take the migration and its names on, until it has ended or is at the step."""
    for _ in range(3000):
        for pk in Publication.objects.busy().filter(next_look_at__lte=world.clock()).values_list("pk", flat=True):
            advance_names(publication_id=pk, outside=world.outside, settings=settings.OVZ)
        if until and migration.steps.filter(name=until, state="running").exists():
            break
        if not tick(world, migration, **SHORT):
            break
    migration.refresh_from_db()
    return migration


def moved(world: FakeWorld, **order: Any) -> Migration:
    """Move it, as far as to where its old address is passed on."""
    first = carry(world, begin_to_new_address(world, "stream", **order), until="stay_until_quiet")
    assert first.state == State.RUNNING, story(first)
    return first


def learn_new_address(world: FakeWorld, node: str = "node-far", address: str = NEW_ADDRESS) -> None:
    world.node(node).clients_know.add(address)


def order_back(world: FakeWorld, first: Migration, actor: User) -> Migration:
    return bring_back(migration=first, actor=actor, now=world.clock(), settings=settings.OVZ)


def come_home(world: FakeWorld, back: Migration, *, left: str = "node-far") -> Migration:
    """Let the callers of the address that is given up go after a while."""
    world.later(2 * MINUTE, world.node(left).clients_know.clear)
    return carry(world, back)


def assert_home(world: FakeWorld, back: Migration) -> None:
    (identity,) = world.acknowledged
    assert back.state == State.DONE, story(back)
    assert world.copies(identity) == ["node-1/101"]
    assert world.lost_writes(identity) == []
    assert (world.failed_requests, world.violations) == ([], [])
    assert world.node("node-1").containers["101"].addresses == (ADDRESS,)
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())


@pytest.mark.parametrize("tunnels", [("gre", "vxlan"), ()], ids=["tunnel", "rewritten"])
def test_it_comes_home_while_its_old_address_is_still_passed_on(
    world: FakeWorld, ada: User, tunnels: tuple[str, ...]
) -> None:
    world.node("node-1").tunnel_kinds = tunnels
    first = moved(world)
    learn_new_address(world)
    back = come_home(world, order_back(world, first, ada))
    assert_home(world, back)
    assert back.certificate is not None
    assert back.certificate["differences"] == 0
    assert [(row.old, row.new, row.ended_at is not None) for row in Forward.objects.order_by("pk")] == [
        (ADDRESS, NEW_ADDRESS, True),
        (NEW_ADDRESS, ADDRESS, True),
    ]
    first.refresh_from_db()
    assert first.state == State.DONE
    assert first.steps.get(name="stay_until_quiet").evidence["handed_to"] == back.pk


def test_its_old_address_is_passed_on_until_it_is_home_and_not_longer(world: FakeWorld, ada: User) -> None:
    first = moved(world)
    back = carry(world, order_back(world, first, ada), until="delta")
    assert world.node("node-1").forwards[ADDRESS].in_force
    carry(world, back, until="stay_until_quiet")
    assert ADDRESS not in world.node("node-1").forwards
    assert ADDRESS not in world.node("node-far").forwards
    assert world.node("node-far").forwards[NEW_ADDRESS].in_force
    assert world.failed_requests == []


def test_on_one_wire_it_comes_home_too(world: FakeWorld, ada: User) -> None:
    world.add_node("node-2", "192.0.2.12")
    first = moved(world, same_wire=True)
    learn_new_address(world, "node-2", "192.0.2.201")
    back = order_back(world, first, ada)
    assert_home(world, come_home(world, back, left="node-2"))


def test_it_comes_home_after_all_was_quiet(world: FakeWorld, ada: User) -> None:
    first = moved(world)
    learn_new_address(world)
    world.node("node-1").clients_know.clear()
    first = carry(world, first)
    assert first.state == State.DONE, story(first)
    world.node("node-1").clients_know.add(ADDRESS)
    world.clients_write = False  # nobody can come to the old address now
    back = order_back(world, first, ada)
    carry(world, back, until="unfreeze")
    world.clients_write = True
    assert_home(world, come_home(world, back))


def test_the_copy_it_left_is_set_aside_and_goes_by_its_own_page(world: FakeWorld, ada: User) -> None:
    first = moved(world)
    back = come_home(world, order_back(world, first, ada))
    aside = world.node("node-1").asides["101", str(first.pk)]
    assert (aside.area is not None, aside.fence.state) == (True, "kept")
    first.refresh_from_db()
    assert first.retire_after is not None
    assert back.retire_after is not None
    world.clock.set(max(first.retire_after, back.retire_after))
    for one in (first, back):
        retire_source(migration=one, actor=ada, now=world.clock())
        assert run_to_end(world, one).retired_at is not None, story(one)
    (identity,) = world.acknowledged
    assert world.copies(identity) == ["node-1/101"]


def test_where_the_copy_does_not_start_at_home_all_goes_on_as_before(world: FakeWorld, ada: User) -> None:
    """Everything is taken back, the forward first of all; then the first move goes on waiting for quiet."""
    first = moved(world)
    learn_new_address(world)
    world.node("node-1").fail("start", 50, "boom", times=9)
    back = carry(world, order_back(world, first, ada))
    assert back.state == State.ROLLED_BACK, story(back)
    assert world.node("node-1").forwards[ADDRESS].in_force
    first.refresh_from_db()
    assert (first.state, first.finished_at) == (State.RUNNING, None)
    world.later(2 * MINUTE, world.node("node-1").clients_know.clear)
    first = carry(world, first)
    (identity,) = world.acknowledged
    assert first.state == State.DONE, story(first)
    assert world.copies(identity) == ["node-far/101"]
    assert (world.lost_writes(identity), world.failed_requests, world.violations) == ([], [], [])
    assert world.node("node-far").containers["101"].addresses == (NEW_ADDRESS,)
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())


def test_a_return_that_is_called_off_gives_the_forward_back(world: FakeWorld, ada: User) -> None:
    first = moved(world)
    back = order_back(world, first, ada)
    cancel_migration(migration=back, actor=ada, now=world.clock())
    first.refresh_from_db()
    back.refresh_from_db()
    assert (first.state, back.state) == (State.RUNNING, State.CANCELLED)
    world.later(MINUTE, world.node("node-1").clients_know.clear)
    assert carry(world, first).state == State.DONE
    assert world.failed_requests == []


def test_its_old_name_and_its_own_lines_come_back(world: FakeWorld, ada: User) -> None:
    first = begin_to_new_address(world, "stream", new_hostname="far.example.net")
    area = world.node("node-1").containers["101"].area
    assert area is not None
    area.texts["etc/app.conf"] = [f"Listen {ADDRESS}:80", f"# was {ADDRESS}"]
    mentions.keep(first.pk, [Mention(path="etc/app.conf", number=1, text=f"Listen {ADDRESS}:80")], [])
    mentions.choose(first.pk, first.mentions.values_list("pk", flat=True))
    first = carry(world, first, until="stay_until_quiet")
    there = world.node("node-far").containers["101"]
    assert there.area is not None
    assert there.area.texts["etc/app.conf"][0] == f"Listen {NEW_ADDRESS}:80"
    come_home(world, order_back(world, first, ada))
    home = world.node("node-1").containers["101"]
    assert home.area is not None
    assert home.config is not None
    assert home.area.texts["etc/app.conf"] == [f"Listen {ADDRESS}:80", f"# was {ADDRESS}"]
    assert home.config["HOSTNAME"] == "ct101.example.net"


@pytest.fixture
def names(world: FakeWorld) -> Names:
    world.clients_write = False  # an hour of waiting for TTLs would be an hour of their writing
    return make_names(world)


def told(names: Names) -> dict[tuple[str, str], tuple[int, tuple[str, ...]]]:
    zones = (names.forward, names.reverse)
    return {key: (one.ttl, one.values) for zone in zones for key, one in zone.rrsets.items() if key[1] != "SOA"}


def end_now(world: FakeWorld, migration: Migration) -> Migration:
    """Have the forward ended by a person's word: ten times the old TTL would be hours."""
    now = world.clock()
    Migration.objects.filter(pk=migration.pk).update(forward_released_at=now, next_tick_at=now)
    return carry(world, migration)


@pytest.mark.parametrize("quiet", [False, True], ids=["while it is passed on", "after all was quiet"])
def test_every_record_and_every_ttl_is_as_it_was(world: FakeWorld, names: Names, ada: User, quiet: bool) -> None:
    names.reverse.put("101.2.0.192.in-addr.arpa.", "PTR", 1800, "shop.example.net.")
    before = told(names)
    first = moved(world)
    assert told(names) != before
    if quiet:
        first = end_now(world, first)
        assert first.state == State.DONE, story(first)
    back = end_now(world, carry(world, order_back(world, first, ada), until="stay_until_quiet"))
    assert back.state == State.DONE, story(back)
    assert told(names) == before


def test_low_ttls_need_not_be_waited_out_again(world: FakeWorld, names: Names, ada: User) -> None:
    first = moved(world)
    begun = world.clock()
    back = carry(world, order_back(world, first, ada), until="stay_until_quiet")
    assert back.frozen_at is not None
    assert back.frozen_at - begun < timedelta(minutes=10)
