"""What a proposal saves or wins, and when nothing is moved at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_app.placement.goals import GoalRefused
from migrations_app.placement.tastes import TASTES
from tests.placement.checker import broken_rules, pressure
from tests.placement.fleets import make_container, make_fleet, make_node, propose, random_fleet

QUIET = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SEEDS = st.integers(0, 10**6)


def _way_for_one_big() -> dict[str, Any]:
    """The big one fits where two small cheap ones go, or one dear one does."""
    return make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True), make_node("n3", size=45)],
        [
            make_container("cheap", "n0", 20, move_bytes=10),
            make_container("cheaper", "n0", 20, move_bytes=9),
            make_container("dear", "n1", 40, move_bytes=5000),
            make_container("big", "n2", 90),
        ],
    )


def test_the_cheapest_moves_the_fewest_bytes() -> None:
    proposal = propose(_way_for_one_big())
    assert (sorted(proposal["plan"]), proposal["bytes"], proposal["status"]) == (
        ["big", "cheap", "cheaper"],
        1019,
        "optimal",
    )


def test_the_fewest_moves_are_counted_and_proven_as_moves() -> None:
    proposal = propose(_way_for_one_big(), taste="fewest_moves")
    assert (sorted(proposal["plan"]), proposal["status"], proposal["gap"]) == (["big", "dear"], "optimal", 0.0)
    assert proposal["lower_bound"] == {"bytes": 1000.0, "moves": 2.0}


def test_of_as_few_moves_the_ones_with_fewer_bytes_are_taken() -> None:
    cts = [make_container("a", "n0", 45, move_bytes=900), make_container("b", "n0", 45, move_bytes=700)]
    fleet = make_fleet([make_node("n0"), make_node("n1")], cts, mode="rebalance")
    proposal = propose(fleet, "rebalance:0.5", taste="fewest_moves")
    assert (proposal["plan"], proposal["lower_bound"]["moves"]) == ({"b": "n1"}, 1.0)


def test_the_best_spread_lets_others_move_too() -> None:
    cts = [make_container(f"c{n}", "n0", 20, move_bytes=400) for n in range(4)] + [make_container("stray", "n2", 20)]
    fleet = make_fleet([make_node("n0"), make_node("n1"), make_node("n2", drained=True)], cts)
    assert propose(fleet)["peak"] == pytest.approx(0.8)
    proposal = propose(fleet, taste="best_spread")
    assert (proposal["peak"], proposal["lower_bound"]["peak"]) == (pytest.approx(0.6), pytest.approx(0.5))
    assert broken_rules(fleet, proposal) == []


def test_the_best_spread_does_not_move_more_than_it_is_worth() -> None:
    cts = [make_container(f"c{n}", "n0", 20, move_bytes=4000) for n in range(4)] + [make_container("stray", "n2", 20)]
    fleet = make_fleet([make_node("n0"), make_node("n1"), make_node("n2", drained=True)], cts)
    assert list(propose(fleet, taste="best_spread")["plan"]) == ["stray"]


def test_a_rebalance_spreads_as_low_as_it_can() -> None:
    cts = [make_container(f"c{n}", "n0", 10) for n in range(9)]
    fleet = make_fleet([make_node("n0"), make_node("n1"), make_node("n2")], cts, mode="rebalance")
    proposal = propose(fleet, "rebalance:0.6", taste="best_spread")
    assert (proposal["peak"], proposal["status"], proposal["gap"]) == (pytest.approx(0.3), "optimal", 0.0)


def test_filling_with_the_best_spread_empties_as_many_nodes() -> None:
    cts = [make_container(f"c{n}", f"n{n}", size) for n, size in enumerate((60, 40, 10, 10))]
    fleet = make_fleet([make_node(f"n{n}") for n in range(4)], cts)
    full, spread = propose(fleet, "fill"), propose(fleet, "fill", taste="best_spread")
    assert (full["peak"], spread["peak"]) == (pytest.approx(1.0), pytest.approx(0.7))
    assert len(full["plan"]) == len(spread["plan"]) == 2
    assert broken_rules(fleet, spread) == []


@QUIET
@given(seed=SEEDS, fill=st.floats(0.3, 0.95), taste=st.sampled_from(TASTES))
def test_no_taste_breaks_a_rule(seed: int, fill: float, taste: str) -> None:
    fleet = random_fleet(seed, nodes=6, containers=30, fill=fill)
    assert broken_rules(fleet, propose(fleet, seconds=0.4, taste=taste)) == []
    fleet = {**random_fleet(seed, nodes=6, containers=30, fill=0.6, drained=0), "mode": "rebalance"}
    proposal = propose(fleet, "rebalance:0.8", seconds=0.4, taste=taste)
    assert broken_rules(fleet, proposal) == []
    assert max(pressure(fleet, proposal["plan"]).values()) <= 0.8 * (1 + 1e-9) or proposal["impossible"]


def test_what_is_even_already_is_left_alone_and_it_says_why() -> None:
    cts = [make_container("a", "n0", 60), make_container("b", "n1", 50)]
    fleet = make_fleet([make_node("n0"), make_node("n1")], cts, mode="rebalance")
    proposal = propose(fleet, "rebalance:0.8")
    assert (proposal["moves"], proposal["notes"]) == (
        [],
        ["Nothing has to move: no node is above 80.0% as it is."],
    )
    assert propose(fleet, "evacuate")["notes"] == ["Nothing has to move: the nodes that are to be empty are."]


def test_a_gain_below_the_margin_moves_nothing() -> None:
    cts = [make_container("a", "n0", 60), make_container("b", "n0", 25), make_container("c", "n1", 50)]
    fleet = make_fleet([make_node("n0"), make_node("n1")], cts, mode="rebalance")
    assert propose(fleet, "rebalance:0.8", margin=0.05)["plan"] == {"b": "n1"}
    proposal = propose(fleet, "rebalance:0.8", margin=0.15)
    assert (proposal["moves"], proposal["impossible"], proposal["gap"]) == ([], [], None)
    assert proposal["notes"] == [
        "Nothing moves: the highest pressure would go from 85.0% to 75.0%, which is less than the margin of 15.0%."
    ]


def test_below_the_margin_what_must_leave_leaves_all_the_same() -> None:
    cts = [make_container("a", "n0", 60), make_container("b", "n0", 25), make_container("stray", "n2", 5)]
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    proposal = propose(make_fleet(nodes, cts, mode="rebalance"), "rebalance:0.8", margin=0.5)
    assert proposal["plan"] == {"stray": "n1"}
    assert proposal["notes"][0].startswith("Only what must move does")


def test_filling_for_too_few_empty_nodes_moves_nothing() -> None:
    fleet = make_fleet([make_node(f"n{n}") for n in range(4)], [make_container(f"c{n}", f"n{n}", 45) for n in range(4)])
    assert len(propose(fleet, "fill", margin=0.5)["plan"]) == 2
    proposal = propose(fleet, "fill", margin=0.6)
    assert (proposal["moves"], proposal["notes"]) == (
        [],
        ["Nothing moves: 2 of 4 nodes would become empty, which is less than the margin of 60.0%."],
    )


@pytest.mark.parametrize("spoilt", [{"taste": "sweet"}, {"margin": -0.1}, {"margin": float("nan")}, {"margin": 2.0}])
def test_a_wish_that_makes_no_sense_is_refused(spoilt: dict[str, Any]) -> None:
    with pytest.raises(GoalRefused):
        propose(make_fleet([], []), **spoilt)
