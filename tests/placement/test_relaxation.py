"""The linear program's bound lies between the sums' bound and what is possible."""

from __future__ import annotations

import time

import numpy as np
import pytest

from migrations_app.placement import bounds, relaxation, start
from migrations_app.placement.budget import Budget
from migrations_app.placement.reading import understand
from migrations_app.placement.search import Levelling
from migrations_app.placement.standing import Standing
from tests.placement.fleets import make_container, make_fleet, make_node, propose, random_fleet


def test_it_sees_that_nodes_have_no_room_in_one_place() -> None:
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    half, whole = make_container("b", "n1", 0) | {"mem": 60, "cpu": 5}, make_container("a", "n0", 0) | {"cpu": 60}
    fleet = understand(make_fleet(nodes, [whole, half, make_container("s", "n2", 20), make_container("t", "n2", 20)]))
    base = Standing.at_home(fleet, without=fleet.strays)
    sums = bounds.lowest_level(base, fleet.strays)
    assert sums <= relaxation.lowest_level(base, fleet.strays, sums, 1.0) <= 0.8


@pytest.mark.parametrize("seed", range(8))
def test_it_is_below_the_proven_optimum(seed: int) -> None:
    told = random_fleet(seed, nodes=6, containers=40, fill=0.5)
    fleet = understand(told)
    base = Standing.at_home(fleet, without=fleet.strays)
    standing = base.copy()
    assert start.spread(standing, fleet.strays) == []
    levelling = Levelling(standing, fleet.strays, np.random.default_rng(1))
    sums = bounds.lowest_level(base, fleet.strays)
    levelling.run(sums, Budget(clock=time.monotonic, until=time.monotonic() + 5))
    bound = relaxation.lowest_level(base, fleet.strays, sums, levelling.peak)
    best = propose(told, seconds=5)
    assert sums <= bound <= best["peak_recv"] + 1e-9


def test_what_is_left_below_a_unit_holds_nothing() -> None:
    """Three of 20 on two nodes: cut they fill both to 30, whole units of 20 need 40 on one."""
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    cts = [make_container(f"c{n}", "n2", 20) for n in range(3)]
    fleet = understand(make_fleet(nodes, cts))
    base = Standing.at_home(fleet, without=fleet.strays)
    assert relaxation.lowest_level(base, fleet.strays, 0.2, 0.9) == pytest.approx(0.3, abs=1e-4)
    assert relaxation.lowest_level_in_units(base, fleet.strays, 0.3, 0.9) == pytest.approx(0.4, abs=1e-4)
    assert not relaxation.fits_when_cut(base, fleet.strays, 0.39)
    assert relaxation.fits_when_cut(base, fleet.strays, 0.4)


def test_amounts_without_a_unit_are_not_rounded() -> None:
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    cts = [make_container(f"c{n}", "n2", size) for n, size in enumerate((20.3, 19.9, 19.8))]
    fleet = understand(make_fleet(nodes, cts))
    base = Standing.at_home(fleet, without=fleet.strays)
    assert relaxation.lowest_level_in_units(base, fleet.strays, 0.2, 0.9) == pytest.approx(0.3, abs=1e-3)
