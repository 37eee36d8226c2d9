"""A container that goes to another network: nobody who still knows the old address notices."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.execution import mentions
from migrations_app.models import Container, Forward, Migration, Publication
from migrations_app.usecases.release_forward import release_forward
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from migrations_app.vz.facts import Mention
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.moves import ADDRESS, NEW_ADDRESS, begin_to_new_address, run_to_end, story, tick

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_person_is_enough")]
# A day and some hours are many ticks: the same rules, in minutes.
SHORT = {"forward_least_seconds": 300, "forward_quiet_seconds": 120}
MINUTE = 60


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld(nodes=2)


def let_callers_go(world: FakeWorld, *, after_seconds: float) -> None:
    """Callers keep to the old address for so long, and then nobody knows it any more."""
    world.later(after_seconds, world.node("node-1").clients_know.clear)


def finish(world: FakeWorld, migration: Migration) -> Migration:
    return run_to_end(world, migration, **SHORT)


def run_until(world: FakeWorld, migration: Migration, step: str) -> Migration:
    for _ in range(400):
        if migration.steps.filter(name=step, state="running").exists():
            break
        assert tick(world, migration, **SHORT), story(migration)
    migration.refresh_from_db()
    return migration


@pytest.mark.parametrize("method", ["dump", "stream", "auto"])
def test_callers_of_the_old_address_lose_nothing(world: FakeWorld, method: str) -> None:
    migration = begin_to_new_address(world, method)
    let_callers_go(world, after_seconds=2 * MINUTE)
    migration = finish(world, migration)
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.DONE, story(migration)
    assert world.copies(identity) == ["node-far/101"]
    assert world.lost_writes(identity) == []
    assert world.failed_requests == []
    assert world.violations == []
    assert world.node("node-far").containers["101"].addresses == (NEW_ADDRESS,)
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())


def test_it_never_goes_live(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "auto")
    let_callers_go(world, after_seconds=MINUTE)
    migration = finish(world, migration)
    assert migration.method == Migration.Method.STREAM
    assert "its address changes" in migration.method_reason
    assert world.effects_of("vzmigrate") == []


@pytest.mark.parametrize(("there", "kind"), [(("vxlan",), "vxlan"), (("gre", "vxlan"), "gre"), ((), "nat")])
def test_the_best_tunnel_that_both_can_make_is_taken(world: FakeWorld, there: tuple[str, ...], kind: str) -> None:
    migration = begin_to_new_address(world, "stream")
    world.node("node-far").tunnel_kinds = there
    let_callers_go(world, after_seconds=MINUTE)
    finish(world, migration)
    assert Forward.objects.get().kind == kind
    assert world.failed_requests == []


def test_a_tunnel_that_is_refused_gives_way_to_rewriting_at_once(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream")
    world.node("node-far").fail("forward_in", 2, "RTNETLINK answers: Operation not permitted")
    let_callers_go(world, after_seconds=MINUTE)
    migration = finish(world, migration)
    assert migration.state == Migration.State.DONE
    assert Forward.objects.get().kind == "nat"
    assert world.node("node-far").containers["101"].addresses == (NEW_ADDRESS,)
    assert "Operation not permitted" in migration.steps.get(name="forward").evidence["why"]
    assert world.failed_requests == []


def test_on_one_wire_the_old_address_comes_along(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream", same_wire=True)
    let_callers_go(world, after_seconds=MINUTE)
    migration = finish(world, migration)
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.DONE, story(migration)
    assert Forward.objects.get().kind == "here"
    assert ADDRESS in world.announced_by("node-2")
    assert (world.failed_requests, world.lost_writes(identity), world.violations) == ([], [], [])
    assert world.node("node-2").containers["101"].addresses == ("192.0.2.201",)


def test_it_passes_on_as_long_as_somebody_comes(world: FakeWorld) -> None:
    """The last caller leaves after ten minutes; two quiet ones later it is over."""
    migration = begin_to_new_address(world, "stream")
    let_callers_go(world, after_seconds=10 * MINUTE)
    migration = finish(world, migration)
    assert migration.finished_at is not None
    assert timedelta(minutes=12) <= migration.finished_at - START < timedelta(minutes=13)
    assert Forward.objects.get().new_connections > 0


def test_it_passes_on_as_long_as_an_open_connection_sends(world: FakeWorld) -> None:
    """It was opened before anybody could know better, and would be cut off in the middle."""
    migration = begin_to_new_address(world, "stream")
    run_until(world, migration, "stay_until_quiet")
    source = world.node("node-1")
    source.clients_know.clear()
    ends = world.clock() + timedelta(minutes=20)

    def an_open_connection_sends() -> None:
        if world.clock() < ends and ADDRESS in source.forwards:
            source.forwards[ADDRESS].packets += 1

    migration = run_to_end(world, migration, meanwhile=an_open_connection_sends, **SHORT)
    assert migration.finished_at is not None
    assert timedelta(seconds=95) <= migration.finished_at - ends < timedelta(minutes=3)


def test_it_passes_on_for_the_least_time_even_if_nobody_comes(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream")
    run_until(world, migration, "stay_until_quiet")
    world.node("node-1").clients_know.clear()
    migration = finish(world, migration)
    assert migration.finished_at is not None
    assert migration.finished_at - Forward.objects.get().began_at >= timedelta(minutes=5)


def test_the_least_time_begins_when_the_names_are_published(world: FakeWorld) -> None:
    migration = run_until(world, begin_to_new_address(world, "stream"), "stay_until_quiet")
    world.node("node-1").clients_know.clear()
    told = Forward.objects.get().began_at + timedelta(minutes=10)
    Publication.objects.create(migration=migration, state="verified", created_at=START, published_at=told)
    migration = finish(world, migration)
    assert migration.finished_at is not None
    assert migration.finished_at - told >= timedelta(minutes=5)


def test_rules_that_were_lost_are_made_again(world: FakeWorld) -> None:
    migration = run_until(world, begin_to_new_address(world, "stream"), "stay_until_quiet")
    world.node("node-1").flush()
    world.clients_write = False  # what comes in this moment is lost, as nothing can be passed on without rules
    tick(world, migration, **SHORT)
    world.clients_write = True
    tick(world, migration, **SHORT)
    row = Forward.objects.get()
    assert row.mended == 1
    assert world.node("node-1").forwards[ADDRESS].in_force
    assert world.failed_requests == []


def test_a_tunnel_that_the_new_node_lost_is_made_again(world: FakeWorld) -> None:
    migration = run_until(world, begin_to_new_address(world, "stream"), "stay_until_quiet")
    world.clients_write = False
    world.node("node-far").flush()
    tick(world, migration, **SHORT)
    assert world.node("node-far").forwards[ADDRESS].in_force


def test_a_target_that_refuses_to_let_callers_in_is_asked_again(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream")
    world.node("node-far").fail("unfreeze", 4, "iptables: Resource temporarily unavailable.")
    let_callers_go(world, after_seconds=MINUTE)
    migration = finish(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert world.failed_requests == []


def test_a_half_made_forward_that_a_person_gives_up_leaves_nothing(world: FakeWorld, ada: User) -> None:
    """The tunnel's end on the target stands already when the old node refuses every way."""
    migration = begin_to_new_address(world, "stream")
    world.node("node-1").fail("forward_out", 2, "No buffer space available", times=99)
    world.node("node-1").clients_know.clear()
    migration = finish(world, migration)
    assert (migration.state, migration.failure) == (Migration.State.PARKED, "ForwardFailed")
    assert world.node("node-far").forwards
    release_forward(migration=migration, actor=ada, now=world.clock())
    migration = finish(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert world.node("node-far").containers["101"].addresses == (NEW_ADDRESS,)
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())


def test_an_old_node_that_comes_back_after_a_person_gave_it_up_is_let_go(world: FakeWorld, ada: User) -> None:
    """It held callers back when it fell silent, and nothing of that may stay."""
    migration = begin_to_new_address(world, "stream")
    world.node("node-1").fail("forward_out", 2, "No buffer space available", times=99)
    world.node("node-1").clients_know.clear()
    migration = finish(world, migration)
    world.part("panel", "node-1")
    release_forward(migration=migration, actor=ada, now=world.clock())
    migration = finish(world, migration)
    assert migration.steps.get(name="unfreeze").evidence == {"left_frozen": "node-1"}
    world.heal()
    world.clock.advance(MINUTE)
    migration = finish(world, migration)
    assert migration.state == Migration.State.DONE, story(migration)
    assert not world.node("node-1").dropped


def test_a_person_may_end_it_sooner(world: FakeWorld) -> None:
    migration = run_until(world, begin_to_new_address(world, "stream"), "stay_until_quiet")
    world.node("node-1").clients_know.clear()
    Migration.objects.filter(pk=migration.pk).update(forward_released_at=world.clock(), next_tick_at=world.clock())
    migration = finish(world, migration)
    assert migration.state == Migration.State.DONE
    assert migration.finished_at is not None
    assert migration.finished_at - START < timedelta(minutes=3)


def test_a_failure_before_the_start_leaves_it_at_its_old_address(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream", fall_back_to_dump=False)
    world.node("node-far").fail("start", 50, "boom", times=9)
    migration = finish(world, migration)
    (identity,) = world.acknowledged
    assert migration.state == Migration.State.ROLLED_BACK
    assert world.copies(identity) == ["node-1/101"]
    assert (world.failed_requests, world.lost_writes(identity)) == ([], [])
    assert all(not node.forwards and not node.dropped for node in world.nodes.values())


def test_it_gets_a_new_name_where_one_is_asked_for(world: FakeWorld) -> None:
    migration = begin_to_new_address(world, "stream", new_hostname="new.example.net")
    let_callers_go(world, after_seconds=MINUTE)
    finish(world, migration)
    config = world.node("node-far").containers["101"].config
    assert config is not None
    assert config["HOSTNAME"] == "new.example.net"


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        (["198.51.100.7", "198.51.100.8"], "give as many new ones"),
        (["010.0.0.1"], "address '010.0.0.1'"),
        (["::ffff:198.51.100.7"], "address"),
        (["127.0.0.1"], "address"),
        (["224.0.0.1"], "address"),
        (["198.51.100.7; id"], "address"),
        (["192.0.2.101"], "what it has already"),
        (["192.0.2.150"], "in use by container 150"),
        (["2001:db8::7"], "other family"),
    ],
)
def test_it_refuses_addresses_by_name(world: FakeWorld, addresses: list[str], said: str) -> None:
    make_container(ctid="150", addresses=["192.0.2.150"])
    with pytest.raises(ScheduleRefused) as refusal:
        _order(world, addresses)
    assert said in str(refusal.value)
    assert not Migration.objects.exists()


def test_two_migrations_never_get_the_same_address(world: FakeWorld) -> None:
    begin_to_new_address(world, "stream")
    other = make_container(ctid="102", addresses=["192.0.2.102"], node=make_node(name="node-other"))
    with pytest.raises(ScheduleRefused, match="spoken for by migration"):
        _order(world, [NEW_ADDRESS], other)


def _order(world: FakeWorld, addresses: list[str], container: Container | None = None) -> Migration:
    return schedule_migration(
        container=container or make_container(ctid="101", addresses=[ADDRESS]),
        target=make_node(),
        method="stream",
        actor=None,
        now=world.clock(),
        settings=settings.OVZ,
        new_addresses=addresses,
    )


def test_a_live_move_keeps_the_address(world: FakeWorld) -> None:
    with pytest.raises(ScheduleRefused, match="live move keeps the address"):
        begin_to_new_address(world, "live")


def with_texts(world: FakeWorld) -> Migration:
    """Order a move of a container whose files name the address in two lines, and its neighbour's in one."""
    migration = begin_to_new_address(world, "stream")
    area = world.node("node-1").containers["101"].area
    assert area is not None
    area.texts["etc/app.conf"] = [f"Listen {ADDRESS}:80", f"Peer 1{ADDRESS}", f"# was {ADDRESS}"]
    return migration


def arrived(world: FakeWorld) -> list[str]:
    area = world.node("node-far").containers["101"].area
    assert area is not None
    return area.texts["etc/app.conf"]


def test_it_shows_where_the_old_address_stands_inside_and_changes_nothing_unasked(world: FakeWorld) -> None:
    migration = with_texts(world)
    let_callers_go(world, after_seconds=MINUTE)
    finish(world, migration)
    shown = [(row.number, row.old_text, row.new_text) for row in migration.mentions.all()]
    assert shown == [
        (1, f"Listen {ADDRESS}:80", f"Listen {NEW_ADDRESS}:80"),
        (3, f"# was {ADDRESS}", f"# was {NEW_ADDRESS}"),
    ]
    assert arrived(world) == [f"Listen {ADDRESS}:80", f"Peer 1{ADDRESS}", f"# was {ADDRESS}"]


def test_it_changes_the_lines_that_were_chosen(world: FakeWorld) -> None:
    """What was chosen of an earlier look stays so as long as the line is the same."""
    migration = with_texts(world)
    seen = [Mention(path="etc/app.conf", number=1, text=f"Listen {ADDRESS}:80")]
    mentions.keep(migration.pk, [*seen, Mention(path="etc/app.conf", number=3, text="is another now")], [])
    mentions.choose(migration.pk, migration.mentions.values_list("pk", flat=True))
    let_callers_go(world, after_seconds=MINUTE)
    finish(world, migration)
    assert arrived(world) == [f"Listen {NEW_ADDRESS}:80", f"Peer 1{ADDRESS}", f"# was {ADDRESS}"]
    assert [(row.number, row.wanted, row.changed) for row in migration.mentions.all()] == [
        (1, True, True),
        (3, False, None),
    ]
    old = world.node("node-1").containers["101"].area
    assert old is not None
    assert old.texts["etc/app.conf"][0] == f"Listen {ADDRESS}:80"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("1.2.3.4", "5.6.7.8"),
        ("11.2.3.4 1.2.3.45 1.2.3.4.5", "11.2.3.4 1.2.3.45 1.2.3.4.5"),
        ("a=1.2.3.4,b=1.2.3.4:80", "a=5.6.7.8,b=5.6.7.8:80"),
        ("ends with 1.2.3.4.", "ends with 5.6.7.8."),
        ("1x2y3z4", "1x2y3z4"),
    ],
)
def test_only_the_very_address_is_replaced(line: str, wanted: str) -> None:
    migration = make_migration()
    mentions.keep(migration.pk, [Mention(path="etc/x", number=1, text=line)], [("1.2.3.4", "5.6.7.8")])
    assert migration.mentions.get().new_text == wanted
