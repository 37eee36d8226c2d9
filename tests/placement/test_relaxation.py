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
