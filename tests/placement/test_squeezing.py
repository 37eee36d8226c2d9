"""Fitting containers in below a level."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_app.placement import start
from migrations_app.placement.budget import Budget
from migrations_app.placement.reading import understand
from migrations_app.placement.squeezing import Squeeze
from migrations_app.placement.standing import Standing
from tests.placement.fleets import make_container, make_fleet, make_node, random_fleet

QUIET = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _budget(seconds: float) -> Budget:
    return Budget(clock=time.monotonic, until=time.monotonic() + seconds)


def test_it_fills_nodes_to_the_brim() -> None:
    """24 containers of different sizes fill three nodes exactly, which nothing that only lowers the highest finds."""
    sizes = [23, 19, 17, 13, 11, 7, 5, 5, 29, 21, 15, 12, 9, 8, 4, 2, 31, 27, 14, 10, 6, 6, 3, 3]
    cts = [make_container(f"c{n}", "n3", size) for n, size in enumerate(sizes)]
    fleet = understand(make_fleet([*(make_node(f"n{n}") for n in range(3)), make_node("n3", drained=True)], cts))
    standing = Standing.at_home(fleet, without=fleet.strays)
    start.spread(standing, fleet.strays)
    squeeze = Squeeze(standing, fleet.strays, np.random.default_rng(1))
    assert squeeze.run(1.0, _budget(20.0))
    assert Standing.of(fleet, squeeze.where).pressure()[:3] == pytest.approx([1.0] * 3)


def test_a_node_that_is_too_full_as_it_is_is_left_alone() -> None:
    nodes = [make_node("n0"), make_node("n1"), make_node("n2"), make_node("n3", drained=True)]
    cts = [make_container("a", "n0", 80), make_container("b", "n3", 30), make_container("c", "n3", 30)]
    fleet = understand(make_fleet(nodes, cts))
    standing = Standing.at_home(fleet, without=fleet.strays)
    for ct in fleet.strays.tolist():
        standing.put(ct, 0)
    squeeze = Squeeze(standing, fleet.strays, np.random.default_rng(1))
    assert squeeze.run(0.4, _budget(5.0))
    assert sorted(squeeze.where[fleet.strays].tolist()) == [1, 2]


def test_it_gives_up_when_it_is_called_off() -> None:
    fleet = understand(
        make_fleet(
            [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
            [make_container("a", "n2", 60), make_container("b", "n2", 60), make_container("c", "n2", 60)],
        )
    )
    standing = Standing.at_home(fleet, without=fleet.strays)
    start.spread(standing, fleet.strays)
    squeeze = Squeeze(standing, fleet.strays, np.random.default_rng(1))
    answers = iter([False] * 50 + [True] * 9)
    budget = Budget(clock=lambda: 0.0, until=1.0, called_off=lambda: next(answers))
    assert not squeeze.run(1.0, budget)


@QUIET
@given(seed=st.integers(0, 10**6), level=st.floats(0.4, 1.0))
def test_what_it_says_of_a_level_is_so(seed: int, level: float) -> None:
    fleet = understand(random_fleet(seed, nodes=6, containers=30, fill=0.6))
    standing = Standing.at_home(fleet, without=fleet.strays)
    if start.spread(standing, fleet.strays):
        return
    squeeze = Squeeze(standing, fleet.strays, np.random.default_rng(seed))
    reached = squeeze.run(level, _budget(0.1))
    end = Standing.of(fleet, squeeze.where)
    others = np.setdiff1d(np.arange(len(fleet.names)), fleet.strays)
    assert (end.where[others] == fleet.home[others]).all()
    assert end.use == pytest.approx(standing.use)
    for ct in fleet.strays.tolist():
        standing.lift(ct)
        assert standing.may_have(ct, int(end.where[ct]))
        standing.put(ct, int(end.where[ct]))
    receiving = end.pressure()[np.unique(end.where[fleet.strays])]
    if reached:
        assert receiving.max(initial=0.0) <= level * (1 + 1e-9)
