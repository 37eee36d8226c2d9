"""Addresses promised to moves: once at a time, given back where nothing moved, in use where it did."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError

from migrations_app.addresses import handing_out, taken
from migrations_app.execution import states
from migrations_app.models import AuditLine, Container, Migration, Node, Reservation, Segment
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from tests.factories import make_container, make_migration, make_name_server, make_node, make_segment
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Node:
    return make_node(name="home", address="192.0.2.11")


@pytest.fixture
def far() -> Node:
    return make_node(name="far", address="198.51.100.12")


@pytest.fixture
def container(home: Node) -> Container:
    return make_container(ctid="101", node=home, addresses=["192.0.2.101"])


@pytest.fixture
def segment(far: Node) -> Segment:
    return make_segment(name="rack 3", networks=["198.51.100.0/24"], nodes=[far], pools=["198.51.100.12-198.51.100.14"])


def schedule(container: Container, target: Node, *addresses: str, **more: Any) -> Migration:
    return schedule_migration(
        container=container,
        target=target,
        method="stream",
        actor=None,
        now=START,
        settings=settings.OVZ,
        new_addresses=addresses,
        **more,
    )


def refused(container: Container, target: Node, *addresses: str) -> str:
    with pytest.raises(ScheduleRefused) as refusal:
        schedule(container, target, *addresses)
    assert not Reservation.objects.exists()
    assert {field for field, _ in refusal.value.objections} == {"new_addresses"}
    return str(refusal.value)


def promised() -> list[str]:
    return sorted(Reservation.objects.open().values_list("address", flat=True))


def test_auto_takes_the_lowest_that_nobody_has(container: Container, far: Node, segment: Segment) -> None:
    """The node itself has the first one."""
    migration = schedule(container, far, "auto")
    assert migration.new_addresses == promised() == ["198.51.100.13"]
    assert Migration.objects.get().new_addresses == ["198.51.100.13"]
    assert AuditLine.objects.get(verb="schedule").detail["new_addresses"] == ["198.51.100.13"]


def test_one_auto_stands_for_all_its_addresses(home: Node, far: Node, segment: Segment) -> None:
    segment.networks += ["2001:db8:3::/64"]
    segment.save()
    segment.pools.create(first="2001:db8:3::", last="2001:db8:3::ffff")
    both = make_container(node=home, addresses=["2001:db8::5", "192.0.2.7"])
    assert schedule(both, far, "auto").new_addresses == ["2001:db8:3::1", "198.51.100.13"]


def test_it_says_when_a_pool_is_used_up(container: Container, far: Node, segment: Segment) -> None:
    for address in ("198.51.100.13", "198.51.100.14"):
        make_container(node=far, addresses=[address])
    assert "No pool of far has a free IPv4 address" in refused(container, far, "auto")


def test_what_somebody_has_is_never_given(container: Container, far: Node, segment: Segment) -> None:
    make_name_server(address="198.51.100.13")
    other = make_container(node=far, addresses=["198.51.100.99"])
    make_migration(container=other, new_addresses=["198.51.100.14"], old_addresses=["198.51.100.99"])
    refused(container, far, "auto")
    assert "in use by container" in refused(container, far, "198.51.100.99")
    assert "the address of ns1.example.net" in refused(container, far, "198.51.100.13")
    assert "spoken for by migration" in refused(container, far, "198.51.100.14")
    assert "the address of far" in refused(container, far, "198.51.100.12")


def test_the_old_address_is_kept_while_its_old_copy_is(container: Container, far: Node) -> None:
    done = {"state": "done", "old_addresses": ["198.51.100.40"], "new_addresses": ["198.51.100.41"]}
    moved = make_container(node=far, addresses=["198.51.100.41"])
    migration = make_migration(container=moved, **done)
    assert "kept for the way back" in refused(container, far, "198.51.100.40")
    Migration.objects.filter(pk=migration.pk).update(retired_at=START)
    assert schedule(container, far, "198.51.100.40").pk


@pytest.mark.parametrize("address", ["198.51.100.0", "198.51.100.255", "198.51.100.13"])
def test_what_is_left_out_is_not_given_by_hand_either(
    container: Container, far: Node, segment: Segment, address: str
) -> None:
    segment.pools.update(left_out=[["198.51.100.13", "gateway"]])
    assert "is left out of what segment rack 3 gives" in refused(container, far, address)


def test_an_address_of_another_segment_is_no_address_there(container: Container, far: Node, segment: Segment) -> None:
    make_segment(name="rack 4", networks=["203.0.113.0/24"])
    assert "of segment rack 4, and far is not on it" in refused(container, far, "203.0.113.5")


def test_to_another_segment_it_goes_with_a_new_address_only(container: Container, far: Node, segment: Segment) -> None:
    make_segment(name="rack 1", networks=["192.0.2.0/24"], nodes=[container.node])
    said = refused(container, far)
    assert "192.0.2.101 cannot be kept: it is of segment rack 1, and far is not on it." in said
    assert '"auto" takes the next free' in said


def test_where_nothing_is_registered_all_is_as_before(container: Container, far: Node) -> None:
    assert schedule(container, far).new_addresses == []
    assert promised() == []


def test_inside_a_segment_it_keeps_its_address(container: Container) -> None:
    near = make_node(name="near")
    make_segment(networks=["192.0.2.0/24"], nodes=[container.node, near])
    assert schedule(container, near).new_addresses == []


def test_the_database_promises_an_address_once(container: Container) -> None:
    Reservation.objects.create(address="198.51.100.9", container=container, reserved_at=START, released_at=START)
    Reservation.objects.create(address="198.51.100.9", container=container, reserved_at=START)
    with pytest.raises(IntegrityError):
        Reservation.objects.create(address="198.51.100.9", container=make_container(), reserved_at=START)


def test_one_that_is_cancelled_gives_it_back(container: Container, far: Node, segment: Segment) -> None:
    migration = schedule(container, far, "auto")
    assert "reserved for" in taken.users()[next(iter(taken.as_addresses(migration.new_addresses)))].words or promised()
    states.cancel_unstarted(migration, now=START)
    assert promised() == []
    assert schedule(container, far, "auto").new_addresses == ["198.51.100.13"]


def test_one_that_is_taken_back_gives_it_back(container: Container, far: Node, segment: Segment) -> None:
    migration = schedule(container, far, "auto")
    Migration.objects.update(state="rolling_back")
    migration.refresh_from_db()
    states.end_rollback(migration, token=migration.lease_token, now=START)
    assert promised() == []


def test_done_it_stays_promised_until_the_inventory_shows_it(container: Container, far: Node, segment: Segment) -> None:
    schedule(container, far, "auto")
    handing_out.settle(START)
    assert promised() == ["198.51.100.13"]
    Migration.objects.update(state="done")
    handing_out.settle(START)
    assert promised() == ["198.51.100.13"]
    Container.objects.filter(pk=container.pk).update(addresses=["198.51.100.13"], node=far)
    handing_out.settle(START)
    assert promised() == []


def test_of_a_container_that_is_gone_nothing_stays_promised(container: Container, far: Node, segment: Segment) -> None:
    schedule(container, far, "auto")
    Migration.objects.update(state="done")
    Container.objects.filter(pk=container.pk).update(gone_at=START)
    handing_out.settle(START)
    assert promised() == []


def test_who_has_what_is_asked_in_few_queries(django_assert_max_num_queries: Any, home: Node) -> None:
    for _ in range(30):
        make_container(node=home)
    with django_assert_max_num_queries(6):
        taken.users()
