"""Rows and what a node lists: who vanished, who came back, who was moved by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from migrations_app.inventory.motion import JUST_FINISHED
from migrations_app.inventory.reconcile import REMEMBERED, Reconciled, reconcile
from migrations_app.models import Container, Migration, Node
from migrations_app.vz.facts import ObservedContainer
from tests.factories import make_container, make_customer, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

LATER = START + timedelta(minutes=5)
UUID = "0b6f4a0c-8a3e-4f5e-9a54-3b1f0c8d7e21"


def seen(ctid: str = "101", hostname: str = "web.example", **rest: Any) -> ObservedContainer:
    return ObservedContainer(ctid=ctid, status="running", hostname=hostname, **rest)


def look(node: Node, *observed: ObservedContainer, now: datetime = LATER) -> Reconciled:
    return reconcile(node, observed, now=now)


@pytest.fixture
def here() -> Node:
    return make_node(name="here")


@pytest.fixture
def there() -> Node:
    return make_node(name="there")


def test_a_new_container_gets_a_row(here: Node) -> None:
    result = look(here, seen(addresses=("192.0.2.7",), cpus=4))
    row = Container.objects.get()
    assert (row.node, row.ctid, row.hostname, row.addresses, row.cpus) == (here, "101", "web.example", ["192.0.2.7"], 4)
    assert (row.first_seen_at, row.seen_at, row.owner, row.moved_by_hand_at) == (LATER, LATER, None, None)
    assert result.appeared == [row]


def test_a_known_container_is_refreshed_and_keeps_its_owner(here: Node) -> None:
    owner = make_customer()
    row = make_container(node=here, ctid="101", hostname="old.example", owner=owner, first_seen_at=START)
    result = look(here, seen(hostname="new.example"))
    row.refresh_from_db()
    assert (row.hostname, row.owner, row.first_seen_at, row.seen_at) == ("new.example", owner, START, LATER)
    assert result == Reconciled()


def test_looking_twice_changes_nothing_more(here: Node) -> None:
    look(here, seen())
    before = Container.objects.values().get()
    assert look(here, seen()) == Reconciled()
    assert Container.objects.values().get() == before


def test_a_vanished_container_is_marked_and_kept(here: Node) -> None:
    row = make_container(node=here, owner=make_customer())
    assert look(here).vanished == [row]
    row.refresh_from_db()
    assert (row.gone_at, row.node) == (LATER, here)
    assert row.owner is not None


def test_a_container_that_comes_back_goes_on_in_its_old_row(here: Node) -> None:
    row = make_container(node=here, ctid="101", hostname="web.example", owner=make_customer(), gone_at=START)
    assert look(here, seen()).came_back == [row]
    row.refresh_from_db()
    assert (row.gone_at, Container.objects.count()) == (None, 1)


def test_a_number_that_was_given_to_another_container_is_another_row(here: Node) -> None:
    make_container(node=here, ctid="101", hostname="web.example", owner=make_customer(), gone_at=START)
    assert look(here, seen(hostname="mail.example")).appeared[0].owner is None
    assert Container.objects.count() == 2


def test_a_number_forgotten_long_ago_is_another_row(here: Node) -> None:
    make_container(node=here, ctid="101", hostname="web.example", gone_at=LATER - REMEMBERED - timedelta(days=1))
    assert len(look(here, seen()).appeared) == 1


def test_a_container_moved_by_hand_keeps_owner_and_history(here: Node, there: Node) -> None:
    owner = make_customer()
    row = make_container(node=here, ctid="101", hostname="web.example", owner=owner, gone_at=START, first_seen_at=START)
    migration = make_migration(container=row, target=there, state="rolled_back", finished_at=START - timedelta(days=9))
    assert look(there, seen()).moved_by_hand == [row]
    row.refresh_from_db()
    assert (row.node, row.owner, row.gone_at, row.first_seen_at) == (there, owner, None, START)
    assert (row.moved_by_hand_at, row.moved_from) == (LATER, here)
    assert list(row.migrations.all()) == [migration]
    assert Container.objects.count() == 1


def test_the_host_name_is_compared_without_case(here: Node, there: Node) -> None:
    make_container(node=here, ctid="101", hostname="WEB.example", gone_at=START)
    assert len(look(there, seen()).moved_by_hand) == 1


@pytest.mark.parametrize("hostname", ["", "mail.example"])
def test_the_same_number_alone_is_not_the_same_container(here: Node, there: Node, hostname: str) -> None:
    make_container(node=here, ctid="101", hostname=hostname, gone_at=START)
    assert len(look(there, seen(hostname=hostname and "web.example")).appeared) == 1


def test_nameless_containers_of_one_number_are_never_taken_for_one(here: Node, there: Node) -> None:
    row = make_container(node=here, ctid="101", hostname="", seen_at=START)
    look(there, seen(hostname=""))
    assert look(here, now=LATER + timedelta(seconds=5)).vanished == [row]
    assert Container.objects.count() == 2


def test_the_same_uuid_is_the_same_container_under_any_name(here: Node, there: Node) -> None:
    make_container(node=here, ctid=UUID, hostname="web.example", gone_at=START)
    assert len(look(there, seen(ctid=UUID, hostname="renamed.example")).moved_by_hand) == 1


def test_a_move_seen_first_at_its_new_place_ends_in_one_row(here: Node, there: Node) -> None:
    owner = make_customer()
    row = make_container(node=here, ctid="101", hostname="web.example", owner=owner, seen_at=START)
    arrived = look(there, seen(addresses=("192.0.2.7",)))
    assert (len(arrived.appeared), arrived.look_again) == (1, {here.pk})
    assert look(here, now=LATER + timedelta(seconds=5)).moved_by_hand == [row]
    row.refresh_from_db()
    assert (row.node, row.owner, row.moved_from, row.addresses) == (there, owner, here, ["192.0.2.7"])
    assert Container.objects.count() == 1


def test_a_copy_that_lived_beside_the_original_is_no_move(here: Node, there: Node) -> None:
    original = make_container(node=here, ctid="101", hostname="web.example", owner=make_customer())
    look(there, seen())
    look(here, seen(), now=LATER + timedelta(seconds=5))
    assert look(here, now=LATER + timedelta(days=1)).vanished == [original]
    assert Container.objects.get(node=there).owner is None


def test_the_newer_row_stays_where_something_hangs_on_it(here: Node, there: Node) -> None:
    row = make_container(node=here, ctid="101", hostname="web.example", seen_at=START)
    copy = look(there, seen()).appeared[0]
    make_migration(container=copy, target=here)
    assert look(here, now=LATER + timedelta(seconds=5)).vanished == [row]


def test_of_several_lives_the_last_one_goes_on(here: Node, there: Node) -> None:
    make_container(node=here, ctid="101", hostname="web.example", gone_at=START, seen_at=START - timedelta(days=9))
    last = make_container(node=there, ctid="101", hostname="web.example", gone_at=START, seen_at=START)
    assert look(here, seen()).moved_by_hand == [last]


# Migrations of the panel's own


@pytest.mark.parametrize("state", ["running", "paused", "rolling_back", "parked"])
def test_a_migration_under_way_explains_both_ends(here: Node, there: Node, state: str) -> None:
    row = make_container(node=here, ctid="101", hostname="web.example")
    make_migration(container=row, target=there, state=state, started_at=START)
    assert look(there, seen()) == Reconciled()
    assert look(here) == Reconciled()
    row.refresh_from_db()
    assert (row.node, row.gone_at) == (here, None)


def test_a_migration_under_way_explains_its_rehearsal(here: Node, there: Node) -> None:
    row = make_container(node=here, ctid="101", hostname="web.example")
    make_migration(container=row, target=there, state="running", started_at=START)
    assert look(there, seen(ctid="2000000101")) == Reconciled()
    assert len(look(there, seen(ctid="2000000101", addresses=("192.0.2.7",))).appeared) == 1


def test_a_scheduled_migration_explains_nothing(here: Node, there: Node) -> None:
    row = make_container(node=here, ctid="101", hostname="web.example")
    make_migration(container=row, target=there, state="scheduled")
    assert look(here).vanished == [row]


def finished(here: Node, there: Node, *, ago: timedelta) -> Migration:
    """The container is on ``there``; a look at either node that began before that may be written now."""
    row = make_container(node=there, ctid="101", hostname="web.example", seen_at=START)
    return make_migration(
        container=row, source=here, target=there, state="done", started_at=START, finished_at=LATER - ago
    )


def test_a_migration_just_finished_explains_late_news(here: Node, there: Node) -> None:
    finished(here, there, ago=timedelta(seconds=30))
    assert look(here, seen()) == Reconciled()
    assert look(there) == Reconciled()


def test_an_old_copy_that_turns_up_later_is_shown_and_not_taken_for_a_move(here: Node, there: Node) -> None:
    migration = finished(here, there, ago=JUST_FINISHED + timedelta(minutes=1))
    result = look(here, seen())
    assert (len(result.appeared), result.moved_by_hand, result.look_again) == (1, [], {there.pk})
    migration.container.refresh_from_db()
    assert migration.container.node == there


def test_a_container_brought_home_by_hand_is_noticed(here: Node, there: Node) -> None:
    migration = finished(here, there, ago=timedelta(days=1))
    look(there)
    assert look(here, seen()).moved_by_hand == [migration.container]


def test_writing_does_not_take_longer_the_more_containers_there_are(
    here: Node, django_assert_max_num_queries: Any
) -> None:
    for number in range(60):
        make_container(node=here, ctid=str(1000 + number), hostname="")
    with django_assert_max_num_queries(6):
        look(here, *(seen(ctid=str(1000 + number), hostname="") for number in range(60)))
