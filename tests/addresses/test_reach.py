"""Where an address can be kept, and which is the next free one."""

from __future__ import annotations

import ipaddress

import pytest

from migrations_app.addresses.chart import Chart, PoolShape, SegmentShape
from migrations_app.addresses.fill import Count
from migrations_app.addresses.reach import lowest_free, outlook, propose
from migrations_app.addresses.spans import networks_of, read_span
from migrations_app.addresses.taken import User
from migrations_app.models import Node

HERE, THERE, FAR, LOST = (Node(pk=number, name=f"node-{number}") for number in (1, 2, 3, 4))
SIX = "2001:db8:0:3::/64"


def pool(number: int, span: str, *, node: Node | None = None, left_out: str = "") -> PoolShape:
    named = frozenset(map(ipaddress.ip_address, left_out.split()))
    return PoolShape(id=number, span=read_span(span), node_id=node.pk if node else None, left_out=named)


def segment(number: int, networks: str, *nodes: Node, pools: tuple[PoolShape, ...] = ()) -> SegmentShape:
    ids = frozenset(node.pk for node in nodes)
    read = networks_of(networks.split())
    return SegmentShape(id=number, name=f"rack {number}", networks=read, node_ids=ids, pools=pools)


CHART = Chart(
    segments=(
        segment(1, "192.0.2.0/24", HERE, THERE),
        segment(3, f"198.51.100.0/24 {SIX}", FAR, pools=(pool(1, "198.51.100.10-198.51.100.12"), pool(2, SIX))),
    )
)


def taken(*texts: str) -> set[object]:
    return set(map(ipaddress.ip_address, texts))


@pytest.mark.parametrize(
    ("addresses", "target", "keeping"),
    [
        (["192.0.2.5"], THERE, "yes"),
        (["192.0.2.5"], FAR, "no"),
        (["192.0.2.5"], LOST, "no"),
        (["203.0.113.5"], THERE, "unknown"),
        (["203.0.113.5"], LOST, "unknown"),
        (["203.0.113.5"], FAR, "no"),
        (["192.0.2.5", "203.0.113.5"], THERE, "unknown"),
        (["192.0.2.5", "198.51.100.77"], THERE, "no"),
        ([], FAR, "unknown"),
    ],
)
def test_an_address_stays_inside_its_segment(addresses: list[str], target: Node, keeping: str) -> None:
    found = outlook(CHART, addresses, HERE, target, taken())
    assert (found.keeping, bool(found.why)) == (keeping, keeping == "no")


def test_it_names_what_stands_against_it() -> None:
    why = outlook(CHART, ["192.0.2.5"], HERE, FAR, taken()).why
    assert why == "192.0.2.5 cannot be kept: it is of segment rack 1, and node-3 is not on it."


def test_it_proposes_one_of_each_family_and_no_two_the_same() -> None:
    found = propose(CHART, ["192.0.2.5", "2001:db8::9", "192.0.2.6"], FAR, taken("198.51.100.10"))
    assert found == ("198.51.100.11", "2001:db8:0:3::", "198.51.100.12")


def test_it_proposes_nothing_where_a_family_is_used_up() -> None:
    everything = taken("198.51.100.10", "198.51.100.11", "198.51.100.12")
    assert propose(CHART, ["192.0.2.5"], FAR, everything) == ("",)
    assert propose(CHART, ["192.0.2.5"], LOST, taken()) == ("",)


def test_a_node_takes_from_its_own_pool_first_and_from_no_others() -> None:
    pools = (pool(1, "192.0.2.10"), pool(2, "192.0.2.20", node=THERE), pool(3, "192.0.2.30", node=HERE))
    chart = Chart(segments=(segment(1, "192.0.2.0/24", HERE, THERE, pools=pools),))
    assert propose(chart, ["203.0.113.1"] * 3, THERE, taken()) == ("192.0.2.20", "192.0.2.10", "")


def test_a_pool_of_all_of_a_64_is_looked_through_as_far_as_it_is_used() -> None:
    """Counted by the looks: as many as are taken, and one."""

    class Counting(set[object]):
        looks = 0

        def __contains__(self, item: object) -> bool:
            self.looks += 1
            return super().__contains__(item)

    begin = int(ipaddress.ip_address("2001:db8:0:3::"))
    used = Counting(ipaddress.IPv6Address(begin + number) for number in range(1000))
    assert str(lowest_free(pool(1, SIX, left_out="2001:db8:0:3::3e8"), used)) == "2001:db8:0:3::3e9"
    assert used.looks == 1002


def test_how_full_a_64_is_is_counted_without_walking() -> None:
    users = {
        ipaddress.ip_address("2001:db8:0:3::5"): User("in use"),
        ipaddress.ip_address("2001:db8:0:3::6"): User("promised", is_promise=True),
        ipaddress.ip_address("2001:db8:0:4::6"): User("elsewhere"),
    }
    fill = Count(users).fill_of(pool(1, SIX, left_out="2001:db8:0:3:: 2001:db8:0:3::5"))
    assert (fill.used, fill.reserved, fill.left_out, fill.free) == (1, 1, 1, 2**64 - 3)
    assert fill.percent == 1
