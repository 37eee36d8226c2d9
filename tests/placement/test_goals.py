"""What the goals propose on fleets small enough to know the answer."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.placement import solver
from tests.placement.checker import broken_rules, pressure
from tests.placement.fleets import make_container, make_fleet, make_node, propose, random_fleet


def test_it_moves_only_what_has_to_leave() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 60), make_container("b", "n1", 20), make_container("c", "n2", 30)],
    )
    proposal = propose(fleet)
    assert proposal["moves"] == [["c", "n1"]]
    assert (proposal["status"], proposal["gap"], proposal["bytes"]) == ("optimal", 0.0, 1000)
    assert proposal["peak_recv"] == pytest.approx(0.5)
    assert proposal["reasons"]["c"].startswith("n2 is to be empty; with it n1 ends at 50.0% of what may be used")


def test_nothing_to_do_is_a_proposal_too() -> None:
    proposal = propose(make_fleet([make_node("n0")], [make_container("a", "n0", 60)]))
    assert (proposal["moves"], proposal["status"], proposal["impossible"]) == ([], "optimal", [])


def test_an_empty_fleet_is_a_fleet() -> None:
    assert propose(make_fleet([], []))["status"] == "optimal"
    assert propose(make_fleet([], []), "rebalance:0.9")["moves"] == []
    assert propose(make_fleet([], []), "fill")["moves"] == []


def test_others_move_aside_where_nothing_fits() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 40), make_container("b", "n1", 60), make_container("big", "n2", 90)],
    )
    proposal = propose(fleet)
    assert broken_rules(fleet, proposal) == []
    assert proposal["plan"] in ({"a": "n1", "big": "n0"}, {"b": "n0", "big": "n1"})
    assert [ct for ct, _ in proposal["moves"]][-1] == "big"
    assert "after 1 earlier move made room there" in proposal["reasons"]["big"]


def test_it_moves_the_cheap_one_aside() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [
            make_container("dear", "n0", 40, move_bytes=9000),
            make_container("cheap", "n1", 40, move_bytes=10),
            make_container("big", "n2", 90),
        ],
    )
    proposal = propose(fleet)
    assert proposal["plan"] == {"cheap": "n0", "big": "n1"}
    assert (proposal["status"], proposal["lower_bound"]) == ("optimal", {"bytes": 1010})


def test_a_node_over_its_limit_gets_nothing_and_blocks_nobody() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 70), make_container("b", "n0", 50), make_container("c", "n2", 20)],
    )
    proposal = propose(fleet)
    assert (proposal["moves"], proposal["status"], proposal["impossible"]) == ([["c", "n1"]], "optimal", [])
    assert broken_rules(fleet, proposal) == []
    assert proposal["notes"] == [
        "Above what may be used as it is, so nothing goes there: n0. To relieve them: rebalance."
    ]


def test_beside_nodes_over_their_limit_others_still_move_aside() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True), make_node("n3")],
        [
            make_container("a", "n0", 40),
            make_container("b", "n1", 40, move_bytes=10),
            make_container("big", "n2", 90),
            make_container("over", "n3", 130),
        ],
    )
    assert propose(fleet)["plan"] == {"b": "n0", "big": "n1"}


def test_what_does_not_fit_for_nodes_over_their_limit_is_not_called_proven() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n2", drained=True)],
        [make_container("a", "n0", 70), make_container("b", "n0", 50), make_container("c", "n2", 20)],
    )
    proposal = propose(fleet)
    assert (proposal["moves"], proposal["status"]) == ([], "feasible")
    assert [one["ct"] for one in proposal["impossible"]] == ["c"]


def test_rebalancing_relieves_a_node_over_its_limit() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1")], [make_container("a", "n0", 70), make_container("b", "n0", 50)]
    )
    assert propose(fleet, "rebalance:0.9")["plan"] in ({"a": "n1"}, {"b": "n1"})


IMPOSSIBLE: dict[str, tuple[dict[str, Any], str]] = {
    "pinned": (
        make_container("c", "n2", 10, pinned=True),
        "It is pinned to n2, which is to be empty. Would help: unpin",
    ),
    "tags": (make_container("c", "n2", 10, requires=("gpu",)), "Of 2 nodes 2 lack a tag that it requires (gpu)."),
    "too large": (make_container("c", "n2", 120), "Of 2 nodes 2 lack room."),
    "too large for what is left": (make_container("c", "n2", 95), "Proven: not all that have to leave can be placed"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_it_proves_and_explains_what_cannot_be(case: str) -> None:
    blocked, why = IMPOSSIBLE[case]
    others = [make_container("a", "n0", 60), make_container("b", "n1", 60), make_container("fine", "n2", 5)]
    fleet = make_fleet([make_node("n0"), make_node("n1"), make_node("n2", drained=True)], [*others, blocked])
    proposal = propose(fleet)
    assert (proposal["status"], proposal["gap"]) == ("impossible", None)
    assert [one["ct"] for one in proposal["impossible"]] == ["c"]
    assert why in proposal["impossible"][0]["why"]
    assert "fine" in proposal["plan"]
    assert broken_rules(fleet, proposal) == []


def test_a_group_too_large_is_impossible() -> None:
    nodes = [make_node("n0"), make_node("n1", drained=True), make_node("n2", drained=True)]
    cts = [make_container(f"c{n}", f"n{n}", 5, group="g") for n in range(3)]
    proposal = propose(make_fleet(nodes, cts))
    assert proposal["status"] == "impossible"
    assert "have another of its group g" in proposal["impossible"][0]["why"]


def test_when_no_node_is_left_nothing_moves() -> None:
    proposal = propose(make_fleet([make_node("n0", drained=True)], [make_container("a", "n0", 5)]))
    assert (proposal["moves"], proposal["status"]) == ([], "impossible")
    assert "No node is left" in proposal["impossible"][0]["why"]


def test_rebalancing_gives_up_the_cheapest() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1")],
        [
            make_container("a", "n0", 60, move_bytes=50),
            make_container("b", "n0", 20, move_bytes=7),
            make_container("c", "n0", 19, move_bytes=9),
        ],
        mode="rebalance",
    )
    proposal = propose(fleet, "rebalance:0.8")
    assert (proposal["plan"], proposal["status"], proposal["lower_bound"]["bytes"]) == ({"b": "n1"}, "optimal", 7)


def test_a_level_below_the_average_is_refuted() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1")], [make_container("a", "n0", 90), make_container("b", "n1", 50)]
    )
    proposal = propose(fleet, "rebalance:0.6")
    assert (proposal["status"], proposal["moves"]) == ("impossible", [])
    assert proposal["impossible"][0]["why"].startswith(
        "Proven: no placement brings every node within the level. n0 stays"
    )


def test_without_a_level_it_finds_one() -> None:
    fleet = random_fleet(5, nodes=6, containers=60, fill=0.6, drained=0) | {"mode": "rebalance"}
    proposal = propose(fleet)
    assert max(pressure(fleet, proposal["plan"]).values()) <= 0.9 * (1 + 1e-9)
    full = random_fleet(5, nodes=6, containers=60, fill=0.93, drained=0) | {"mode": "rebalance"}
    assert not propose(full)["impossible"]


def test_it_places_a_new_container() -> None:
    cts = [make_container("a", "n0", 60), make_container("new", None, 30)]
    proposal = propose(make_fleet([make_node("n0"), make_node("n1")], cts), "place:new")
    assert proposal["plan"] == {"new": "n1"}
    assert proposal["reasons"]["new"].startswith("It is the one to be placed;")


def test_it_places_one_that_is_too_big_for_its_node_elsewhere() -> None:
    cts = [make_container("a", "n0", 60), make_container("b", "n0", 10), make_container("c", "n1", 50)]
    proposal = propose(make_fleet([make_node("n0"), make_node("n1")], cts), "place:b")
    assert proposal["plan"] == {"b": "n1"}


def test_placing_one_counts_it_once_when_others_make_way() -> None:
    cts = [make_container("big", "n0", 90), make_container("a", "n1", 40, move_bytes=5), make_container("b", "n2", 45)]
    proposal = propose(make_fleet([make_node("n0"), make_node("n1"), make_node("n2")], cts), "place:big")
    assert proposal["moves"] == [["a", "n2"], ["big", "n1"]]
    assert (proposal["bytes"], proposal["lower_bound"]["bytes"], proposal["status"]) == (1005, 1005, "optimal")


def test_filling_empties_nodes() -> None:
    fleet = make_fleet([make_node(f"n{n}") for n in range(4)], [make_container(f"c{n}", f"n{n}", 45) for n in range(4)])
    proposal = propose(fleet, "fill")
    assert broken_rules(fleet, proposal) == []
    assert len({proposal["plan"].get(f"c{n}", f"n{n}") for n in range(4)}) == 2
    assert (proposal["status"], proposal["lower_bound"]) == ("optimal", {"nodes": 2.0})


def test_filling_leaves_pinned_ones_alone() -> None:
    cts = [make_container("a", "n0", 10, pinned=True), make_container("b", "n1", 10, pinned=True)]
    assert propose(make_fleet([make_node("n0"), make_node("n1")], cts), "fill")["moves"] == []


@pytest.fixture
def no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "is_installed", lambda: False)

    def never(*words: object, **named: object) -> None:
        raise AssertionError("the solver is not installed")

    monkeypatch.setattr(solver, "ask", never)
    monkeypatch.setattr(solver, "cheapest_cover", never)


@pytest.mark.usefixtures("no_solver")
@pytest.mark.parametrize("fill", [0.5, 0.9])
def test_without_the_solver_it_answers_and_says_so(fill: float) -> None:
    fleet = random_fleet(3, nodes=8, containers=60, fill=fill)
    proposal = propose(fleet)
    assert broken_rules(fleet, proposal) == []
    assert proposal["impossible"] == []
    assert proposal["notes"] == [solver.NOT_INSTALLED]


@pytest.mark.usefixtures("no_solver")
def test_without_the_solver_it_rebalances() -> None:
    fleet = random_fleet(4, nodes=8, containers=80, fill=0.6, drained=0) | {"mode": "rebalance"}
    proposal = propose(fleet, "rebalance:0.8")
    assert broken_rules(fleet, proposal) == []
    assert max(pressure(fleet, proposal["plan"]).values()) <= 0.8 * (1 + 1e-9)
    assert proposal["lower_bound"]["bytes"] <= proposal["bytes"]


def test_what_stays_on_a_drained_node_proves_nothing_of_the_others() -> None:
    """The others move aside for the big one, though together with what is pinned they would be too much."""
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True, size=150)],
        [
            make_container("a", "n0", 40),
            make_container("b", "n1", 40, move_bytes=10),
            make_container("big", "n2", 90),
            make_container("stays", "n2", 50, pinned=True),
        ],
    )
    proposal = propose(fleet)
    assert proposal["plan"] == {"b": "n0", "big": "n1"}
    assert [one["ct"] for one in proposal["impossible"]] == ["stays"]


def test_it_says_that_others_have_to_move() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 40), make_container("b", "n1", 40), make_container("big", "n2", 90)],
    )
    assert propose(fleet)["notes"] == [
        "Proven: what has to leave does not fit where there is room, so that others have to move aside."
    ]
