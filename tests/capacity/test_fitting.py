"""How many more of a size fit, against packing by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_app.capacity import fitting
from migrations_app.capacity.fitting import Fits
from migrations_app.capacity.overview import NodeRow
from migrations_app.vz.facts import ContainerUse, NodeUse

LIMITS = {"cpu": 1.0, "memory": 1.0, "disk": 1.0}
KIB = 1024
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def node(
    has: float, containers: list[float], *, pk: int = 1, duty: str = "in_service", is_stale: bool = False
) -> NodeRow:
    """A node with as much of everything, holding containers that use and are promised as much of everything."""
    names = fitting.NAMES
    packed = np.array([[[one] * 3] * 2 for one in containers], dtype="<f4").tobytes()
    packed = fitting.VERSION + packed
    used = dict.fromkeys(names, sum(containers))
    return NodeRow(
        pk=pk,
        name=f"n{pk}",
        duty=duty,
        sampled_at=None,
        is_stale=is_stale,
        missed="",
        replayed_until=None,
        total=dict.fromkeys(names, has),
        used=used,
        promised=used,
        shares={},
        pressures={},
        full=None,
        sizes=packed,
    )


def count(*nodes: NodeRow, size: float) -> tuple[int, int]:
    found = fitting.fits(nodes, dict.fromkeys(fitting.NAMES, size), LIMITS)
    assert (found.by_use, found.by_use_with_loss) == (found.by_promise, found.by_promise_with_loss)
    return found.by_use, found.by_use_with_loss


def test_what_was_lost_takes_places_on_the_others() -> None:
    # 7, 9 and 6 places; the loss of the first takes its 7 and 3 for its container, of the second 9 and 1.
    assert count(node(10, [3]), node(10, [1]), node(10, [4]), size=1) == (22, 12)


def test_a_remainder_that_holds_none_of_the_size_holds_what_was_lost() -> None:
    # The third has 3 left where the size is 4: the lost 3 goes there and costs no place.
    assert count(node(8, [3]), node(8, [0.5]), node(3, []), size=4) == (2, 1)


def test_what_finds_no_room_leaves_no_place() -> None:
    assert count(node(10, [6]), node(10, [5]), node(10, [5]), size=1) == (14, 0)


def test_several_that_fit_in_sum_but_not_in_pieces_find_no_room() -> None:
    assert count(node(20, [4, 4, 4]), node(10, [4]), node(10, [4]), size=1) == (20, 0)


def test_one_node_alone_has_none_to_lose() -> None:
    assert count(node(10, [4]), size=1) == (6, 0)


def test_nodes_without_a_fresh_sample_count_for_nothing() -> None:
    assert count(node(10, []), node(10, [], is_stale=True), size=1) == (10, 0)
    assert fitting.fits([], dict.fromkeys(fitting.NAMES, 1.0), LIMITS) == Fits(
        by_use=0, by_use_with_loss=0, by_promise=0, by_promise_with_loss=0
    )


def test_a_node_that_is_drained_takes_nothing() -> None:
    assert count(node(10, []), node(10, []), node(10, [1], duty="draining"), size=1) == (20, 10)


def test_losses_that_are_only_estimated_are_never_estimated_too_well(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [node(10, [3, 1]), node(12, [5]), node(9, [2, 2]), node(11, [])]
    _, packed = count(*nodes, size=2)
    monkeypatch.setattr(fitting, "MOST_LOSSES", 0)
    _, estimated = count(*nodes, size=2)
    assert 0 < estimated <= packed


@QUIET
@given(
    held=st.lists(st.lists(st.integers(1, 5), max_size=2), min_size=2, max_size=5),
    size=st.integers(1, 4),
    packed=st.integers(0, 3),
)
def test_it_promises_no_more_than_trying_everything_finds(held: list[list[int]], size: int, packed: int) -> None:
    nodes = [node(10, [float(one) for one in cts], pk=number) for number, cts in enumerate(held) if sum(cts) <= 10]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "MOST_LOSSES", packed)
        whole, with_loss = count(*nodes, size=size)
    free = [10 - sum(cts) for cts in held if sum(cts) <= 10]
    kept = [cts for cts in held if sum(cts) <= 10]
    assert whole == sum(one // size for one in free)
    assert with_loss <= min((_left(free, kept, lost, size) for lost in range(len(free))), default=0)


def _left(free: list[int], held: list[list[int]], lost: int, size: int) -> int:
    """The most places that are left whichever way the lost node's containers go; 0 where they find no room."""
    others = [number for number in range(len(free)) if number != lost]
    best = 0
    for ends in product(others, repeat=len(held[lost])):
        rest = list(free)
        for amount, end in zip(held[lost], ends, strict=True):
            rest[end] -= amount
        if min((rest[number] for number in others), default=0) >= 0:
            best = max(best, sum(rest[number] // size for number in others))
    return best


def test_sizes_are_what_is_used_and_what_is_promised() -> None:
    use = NodeUse(
        at=0, uptime_seconds=1, processors=8, busy_ticks=0, all_ticks=1, load_1m=0,
        memory_total_kib=1000 * KIB, memory_available_kib=0, swap_total_kib=0, swap_free_kib=0,
        disk_total_kib=5000 * KIB, disk_free_kib=0, inodes_total=0, inodes_free=0, rx_bytes=0, tx_bytes=0,
        containers=(
            ContainerUse(ctid="1", status="running", memory_kib=100 * KIB, memory_limit_kib=300 * KIB, cpus=2,
                         disk_kib=50 * KIB, disk_limit_kib=70 * KIB),
            ContainerUse(ctid="2", status="running", disk_kib=60 * KIB),
            ContainerUse(ctid="3", status="stopped", disk_kib=80 * KIB, disk_limit_kib=90 * KIB, cpu_limit_percent=150),
        ),
    )  # fmt: skip
    sizes = fitting.unpack_sizes(fitting.pack_sizes(use, {"1": 0.5}))
    assert sizes is not None
    assert sizes[0].tolist() == [[0.5, 100, 50], [2, 300, 70]]
    # Of one without limits that was never measured nothing is known but that it may take the node.
    assert sizes[1].tolist() == [[8, 1000, 60], [8, 1000, 5000]]
    assert sizes[2].tolist() == [[0, 0, 80], [1.5, 1000, 90]]


@pytest.mark.parametrize("damaged", [b"", b"damaged", fitting.VERSION + b"1234"])
def test_containers_that_are_not_known_count_as_one(damaged: bytes) -> None:
    assert fitting.unpack_sizes(damaged) is None
    unknown = replace(node(10, [2, 2]), sizes=damaged)
    assert count(unknown, node(7, []), node(7, []), size=2) == (9, 4)
    assert count(unknown, node(3, []), node(3, []), size=2) == (5, 0)
