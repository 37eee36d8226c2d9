"""Names go along with a container that gets a new address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Migration, Publication
from migrations_app.usecases.advance_names import advance_names
from migrations_app.usecases.answer_parked import answer_parked
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, begin_to_new_address, story, tick
from tests.zones.rig import Names, fall_behind, make_names

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
SHORT = {"forward_least_seconds": 60, "forward_quiet_seconds": 30}
State = Migration.State
# Ten times as long an old address is passed on, and every twenty seconds somebody looks.
TTL_SECONDS = 600


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(nodes=1)
    world.clients_write = False  # all the waiting for TTLs would be time of their writing
    return world


@pytest.fixture
def names(world: FakeWorld) -> Names:
    return make_names(world, ttl_seconds=TTL_SECONDS)


def both(world: FakeWorld, migration: Migration, *, ticks: int = 3000, **more: Any) -> Migration:
    """Carry the migration and its publications forward, as the worker does, until nothing more is due."""
    for _ in range(ticks):
        due = Publication.objects.busy().filter(next_look_at__lte=world.clock()).values_list("pk", flat=True)
        for pk in due:
            advance_names(publication_id=pk, outside=world.outside, settings=settings.OVZ)
        if not tick(world, migration, **SHORT | more):
            break
    migration.refresh_from_db()
    return migration


def test_every_record_says_the_new_address_and_ttls_are_as_before(world: FakeWorld, names: Names) -> None:
    migration = both(world, begin_to_new_address(world, "stream"))
    assert migration.state == State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == (NEW_ADDRESS,)
    assert set(names.values("pool.example.net.", "A")) == {NEW_ADDRESS, "192.0.2.102"}
    assert f'"v=spf1 ip4:{NEW_ADDRESS} -all"' in names.values("example.net.", "TXT")
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == TTL_SECONDS
    assert names.forward.rrsets["pool.example.net.", "A"].ttl == 300


def test_the_old_ttl_runs_out_before_anybody_has_to_wait(world: FakeWorld, names: Names) -> None:
    migration = both(world, begin_to_new_address(world, "stream"))
    lowered, frozen = (migration.steps.get(name=name) for name in ("lower_ttl", "freeze"))
    assert frozen.started_at is not None
    assert lowered.started_at is not None
    assert frozen.started_at - lowered.started_at >= timedelta(seconds=TTL_SECONDS)
    assert migration.frozen_at is not None
    assert migration.unfrozen_at is not None
    published = Publication.objects.get(kind=Publication.Kind.SWITCH).published_at
    assert published is not None
    assert published >= migration.unfrozen_at


def test_the_forward_stays_ten_times_the_old_ttl(world: FakeWorld, names: Names) -> None:
    migration = both(world, begin_to_new_address(world, "stream"))
    row = migration.forwards.get()
    assert row.ended_at is not None
    assert row.ended_at - row.began_at >= timedelta(seconds=10 * TTL_SECONDS)


def test_a_record_that_somebody_changed_is_never_overwritten(world: FakeWorld, names: Names, ada: User) -> None:
    migration = begin_to_new_address(world, "stream")
    world.later(TTL_SECONDS - 100, lambda: names.forward.put("shop.example.net.", "A", 60, "192.0.2.77"))
    migration = both(world, migration)
    assert (migration.state, migration.failure) == (State.PARKED, "NamesMoved")
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert migration.point_of_no_return_at is not None
    assert world.node("node-1").forwards[ADDRESS].in_force
    both(world, migration)
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    migration = both(world, migration)
    assert migration.state == State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == TTL_SECONDS, (
        "lowered for a difference that is void by now"
    )
    assert set(names.values("pool.example.net.", "A")) == {NEW_ADDRESS, "192.0.2.102"}


def begin_released(world: FakeWorld) -> Migration:
    """Order a move whose old address need not be passed on for hours: what is tried here is something else."""
    migration = begin_to_new_address(world, "stream")
    Migration.objects.filter(pk=migration.pk).update(forward_released_at=world.clock())
    return migration


def carry_to(world: FakeWorld, migration: Migration, step: str) -> Migration:
    """Carry it until the step is under way, and look no further."""
    while not migration.steps.filter(name=step, state="running").exists():
        assert both(world, migration, ticks=1).state == State.RUNNING, story(migration)
    return migration


def again(world: FakeWorld, migration: Migration, ada: User) -> Migration:
    answer_parked(migration=migration, answer="retry", actor=ada, now=world.clock())
    return both(world, migration)


def test_whoever_edits_a_switched_record_keeps_the_edit_and_the_move_ends(world: FakeWorld, names: Names) -> None:
    migration = carry_to(world, begin_to_new_address(world, "stream"), "stay_until_quiet")
    Migration.objects.filter(pk=migration.pk).update(forward_released_at=world.clock())
    names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    migration = both(world, migration)
    assert migration.state == State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert names.forward.rrsets["example.net.", "TXT"].ttl == TTL_SECONDS
    (warning,) = Publication.objects.get(kind="restore").plan["warnings"]
    assert "shop.example.net A is 192.0.2.77" in warning


@pytest.mark.parametrize("edit", [("192.0.2.77", 60), (ADDRESS, 60), (NEW_ADDRESS, 900)])
def test_an_edit_before_all_servers_were_seen_parks_it_and_a_person_lets_it_stay(
    world: FakeWorld, names: Names, ada: User, edit: tuple[str, int]
) -> None:
    address, ttl = edit
    migration = carry_to(world, begin_released(world), "switch_names")
    while not (row := Publication.objects.get(kind="switch")).published_at:
        advance_names(publication_id=row.pk, outside=world.outside, settings=settings.OVZ)
        world.clock.advance(1)
    names.forward.put("shop.example.net.", "A", ttl, address)
    migration = both(world, migration)
    assert (migration.state, migration.failure) == (State.PARKED, "NamesMoved"), story(migration)
    assert f"shop.example.net A is {address} with TTL {ttl}; published was {NEW_ADDRESS}" in migration.failure_detail
    migration = again(world, migration, ada)
    assert migration.state == State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == (address,)
    assert "192.0.2.102" in names.values("pool.example.net.", "A")
    assert names.forward.rrsets["example.net.", "TXT"].ttl == TTL_SECONDS


def test_an_edit_while_the_low_ttl_is_published_makes_another_difference(
    world: FakeWorld, names: Names, ada: User
) -> None:
    migration = begin_released(world)
    while not (low := Publication.objects.filter(kind="lower", published_at__isnull=False)).exists():
        both(world, migration, ticks=1)
    assert low.get().state == "published", "not yet seen everywhere"
    names.forward.put("shop.example.net.", "A", 60, "192.0.2.77")
    migration = both(world, migration)
    assert (migration.state, migration.failure) == (State.PARKED, "NamesMoved"), story(migration)
    migration = again(world, migration, ada)
    assert migration.state == State.DONE, story(migration)
    assert names.values("shop.example.net.", "A") == ("192.0.2.77",)
    assert set(names.values("pool.example.net.", "A")) == {NEW_ADDRESS, "192.0.2.102"}
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == TTL_SECONDS


def test_what_was_put_right_after_a_refusal_is_asked_anew(world: FakeWorld, names: Names, ada: User) -> None:
    names.forward.put("example.net.", "TXT", TTL_SECONDS, f'"v=spf1 ip4:{ADDRESS}"', '"v=spf1 -all"')
    migration = both(world, begin_released(world))
    assert (migration.state, migration.failure) == (State.PARKED, "NamesRefused")
    names.forward.put("example.net.", "TXT", TTL_SECONDS, f'"v=spf1 ip4:{ADDRESS} -all"')
    migration = again(world, migration, ada)
    assert migration.state == State.DONE, story(migration)
    assert names.values("example.net.", "TXT") == (f'"v=spf1 ip4:{NEW_ADDRESS} -all"',)


def test_a_zone_in_which_nothing_changes_is_in_nobodys_way(world: FakeWorld, names: Names) -> None:
    for zone in (names.forward, names.reverse):
        zone.rrsets = {key: one for key, one in zone.rrsets.items() if ADDRESS not in str(one.values)}
    names.reverse.rrsets.pop(("101.2.0.192.in-addr.arpa.", "PTR"))
    migration = both(world, begin_released(world))
    assert migration.state == State.DONE, story(migration)


def test_a_failure_before_the_switch_gives_the_ttls_back(world: FakeWorld, names: Names) -> None:
    migration = begin_to_new_address(world, "stream", fall_back_to_dump=False)
    world.node("node-far").fail("start", 50, "boom", times=9)
    migration = both(world, migration)
    assert migration.state == State.ROLLED_BACK, story(migration)
    assert names.values("shop.example.net.", "A") == (ADDRESS,)
    assert names.forward.rrsets["shop.example.net.", "A"].ttl == TTL_SECONDS


def test_nothing_is_asked_where_no_zone_is_registered(world: FakeWorld) -> None:
    migration = both(world, begin_to_new_address(world, "stream"))
    assert migration.state == State.DONE
    assert not Publication.objects.exists()
    assert migration.finished_at is not None
    assert migration.finished_at - START < timedelta(minutes=10)


def test_a_lagging_server_is_named_and_the_forward_stays(world: FakeWorld, names: Names) -> None:
    """A server that lags from the switch on: nothing is called verified, and nobody is turned away."""
    migration = begin_to_new_address(world, "stream")
    world.later(TTL_SECONDS, lambda: fall_behind(names))
    migration = both(world, migration, ticks=400)
    assert migration.state == State.RUNNING, story(migration)
    assert migration.steps.get(name="verify_names").state == "running"
    assert "ns2.example.net" in migration.progress["stage"]
    world.node("node-1").flush()
    both(world, migration, ticks=3)
    assert world.node("node-1").forwards[ADDRESS].in_force
