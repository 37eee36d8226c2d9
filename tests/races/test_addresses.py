"""Many who are given addresses at the same moment: never two the same."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import Container, Migration, Node, Reservation
from migrations_app.usecases.add_pool import PoolRefused, add_pool
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from tests.factories import make_container, make_node, make_segment
from tests.fakes.clock import START
from tests.races.starting_line import all_at_once, raised

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def order(container: Container, target: Node, actor: User, *addresses: str) -> partial[Migration]:
    return partial(
        schedule_migration,
        container=container,
        target=target,
        method="stream",
        actor=actor,
        now=START,
        settings=settings.OVZ,
        new_addresses=addresses,
    )


def test_thirty_who_take_from_a_pool_of_twenty(ada: User) -> None:
    home, far = make_node(address="192.0.2.11"), make_node(address="198.51.100.1")
    make_segment(networks=["198.51.100.0/24"], nodes=[far], pools=["198.51.100.10-198.51.100.29"])
    containers = [make_container(node=home, addresses=[f"192.0.2.{number}"]) for number in range(100, 130)]
    results = all_at_once(*[order(container, far, ada, "auto") for container in containers])
    assert raised(results, ScheduleRefused) == 10
    assert all("No pool of" in str(refusal) for refusal in results if isinstance(refusal, ScheduleRefused))
    given = Counter(address for row in Migration.objects.all() for address in row.new_addresses)
    assert (len(given), set(given.values())) == (20, {1})
    assert set(Reservation.objects.open().values_list("address", flat=True)) == set(given)


def test_one_of_twenty_gets_the_address_that_all_wrote(ada: User) -> None:
    home, far = make_node(address="192.0.2.11"), make_node(address="198.51.100.1")
    containers = [
        make_container(node=home, addresses=[f"192.0.2.{number}", f"192.0.2.{number + 50}"])
        for number in range(100, 120)
    ]
    pair = ("198.51.100.77", "198.51.100.78")
    orders = [order(one, far, ada, *(pair if one.pk % 2 else pair[::-1])) for one in containers]
    assert raised(all_at_once(*orders), ScheduleRefused) == 19
    assert Migration.objects.count() == 1
    assert Reservation.objects.count() == 2


def test_of_two_pools_that_overlap_one_is_taken(ada: User) -> None:
    for number in range(10):
        segment = make_segment(networks=[f"10.{number}.0.0/16"])
        spans = (f"10.{number}.0.1-10.{number}.0.9", f"10.{number}.0.5-10.{number}.0.20")
        adds = [partial(add_pool, segment=segment, span=span, actor=ada, now=START) for span in spans]
        assert raised(all_at_once(*adds), PoolRefused) == 1
        assert segment.pools.count() == 1
