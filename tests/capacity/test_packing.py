"""What is packed comes out again, and damage is noticed."""

from __future__ import annotations

from math import isnan

import pytest

from migrations_app.capacity.metrics import OF_CONTAINER
from migrations_app.capacity.packing import Grid, Unreadable, pack_reading, unpack_reading
from tests.capacity.test_rates import NODE

NAMES = [metric.name for metric in OF_CONTAINER]


def filled(slots: int = 288) -> Grid:
    grid = Grid(NAMES, slots)
    for slot in range(0, slots, 2):
        for number, name in enumerate(NAMES):
            grid.put(name, slot, (number + slot, number + slot + 0.1, 1e9 + slot, 123_456.789))
    return grid


def test_a_reading_comes_out_as_it_went_in() -> None:
    kept = unpack_reading(pack_reading(NODE, {"101": 7, "999": 8}))
    assert kept.use == NODE
    assert kept.container_rows == {"101": 7}


def test_a_grid_comes_out_as_it_went_in_to_three_digits() -> None:
    out = Grid.unpack(filled().pack())
    for name in NAMES:
        for statistic in ("min", "mean", "max", "p95"):
            wanted = filled().column(name, statistic)
            assert all(
                isnan(one) == isnan(other) and (isnan(one) or one == pytest.approx(other, rel=1e-3, abs=1e-9))
                for one, other in zip(out.column(name, statistic), wanted, strict=True)
            )


def test_packing_twice_gives_the_same_bytes() -> None:
    once = filled().pack()
    assert Grid.unpack(once).pack() == once


def test_an_empty_grid_is_small_and_all_gaps() -> None:
    body = Grid(NAMES, 744).pack()
    assert len(body) < 1_000
    assert not any(Grid.unpack(body).is_known(slot) for slot in range(744))


def test_a_metric_that_came_later_is_a_gap_in_old_rows() -> None:
    old = Grid(["cpu_cores"], 24)
    old.put("cpu_cores", 3, (1, 2, 3, 4))
    new = Grid.unpack(old.pack()).fitted(["rx_bps", "cpu_cores"])
    assert new.column("cpu_cores", "max")[3] == 3
    assert isnan(new.column("rx_bps", "max")[3])


def test_clearing_a_slot_leaves_its_neighbours_alone() -> None:
    grid = filled()
    grid.clear([4])
    assert [grid.is_known(slot) for slot in (2, 4, 6)] == [True, False, True]


@pytest.mark.parametrize("body", [b"", b"\0\5[1,2]", b"\xff" * 90, filled().pack()[:-9], b"\0\13[9,288,[]]x"])
def test_a_damaged_row_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        Grid.unpack(body)


@pytest.mark.parametrize("body", [b"", b"x", pack_reading(NODE, {})[:-3]])
def test_a_damaged_reading_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        unpack_reading(body)
