"""Whether any one node may be lost after a proposal."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrations_app.placement import solver
from tests.placement.checker import broken_rules
from tests.placement.fleets import make_container, make_fleet, make_node, propose, random_fleet

QUIET = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def test_it_says_that_any_node_may_be_lost() -> None:
    fleet = make_fleet(
        [make_node(f"n{n}", drained=n == 3) for n in range(4)], [make_container(f"c{n}", f"n{n}", 30) for n in range(4)]
    )
    proposal = propose(fleet, survives_a_loss=True)
    assert proposal["notes"] == ["Any one node may be lost afterwards: its containers find room on the others."]
    assert list(proposal["plan"]) == ["c3"]


def test_nothing_is_proposed_where_a_loss_cannot_be_survived() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 50), make_container("b", "n1", 40), make_container("c", "n2", 30)],
    )
    assert list(propose(fleet)["plan"]) == ["c"]
    proposal = propose(fleet, survives_a_loss=True)
    assert (proposal["moves"], proposal["plan"], proposal["status"]) == ([], {}, "impossible")
    assert proposal["impossible"][0]["why"].startswith(
        "Were n0 lost, a of its 1 containers would find no room on the others: 50 cpu are needed, 30 are free"
    )
    assert "Proven: no placement would survive that." in proposal["impossible"][0]["why"]


def test_others_move_so_that_a_loss_is_survived() -> None:
    # Only n0 and n1 may have what needs a new kernel; the old ones have to leave them for that.
    new = ("new",)
    fleet = make_fleet(
        [make_node("n0", tags=new), make_node("n1", tags=new), make_node("n2"), make_node("n3", drained=True)],
        [
            make_container("a", "n0", 45, requires=new),
            make_container("old", "n0", 30),
            make_container("b", "n1", 45, requires=new),
            make_container("stray", "n3", 5),
        ],
    )
    proposal = propose(fleet, survives_a_loss=True)
    assert broken_rules(fleet, proposal) == []
    assert (proposal["impossible"], proposal["plan"].get("old")) == ([], "n2")
    assert _losses_by_trying(fleet, proposal["plan"]) == []


def test_a_lost_node_loses_its_pins_but_not_its_groups() -> None:
    nodes = [make_node("n0"), make_node("n1"), make_node("n2", drained=True)]
    pinned = [make_container("a", "n0", 20, pinned=True), make_container("b", "n1", 20), make_container("c", "n2", 5)]
    assert propose(make_fleet(nodes, pinned), survives_a_loss=True)["impossible"] == []
    apart = [make_container(f"g{n}", f"n{n}", 20, group="g") for n in range(2)]
    proposal = propose(make_fleet(nodes, apart), survives_a_loss=True)
    assert (proposal["status"], len(proposal["impossible"])) == ("feasible", 2)
    assert "where tags or groups forbid them" in proposal["impossible"][0]["why"]


def test_a_packing_that_only_the_solver_finds_counts() -> None:
    """The biggest first, each where most is left: 40 goes to n1, 30 to n2, and the other 30 finds no room."""
    nodes = [make_node("n0", size=200), make_node("n1"), make_node("n2", size=50)]
    cts = [make_container(f"a{n}", "n0", size) for n, size in enumerate((40, 30, 30))]
    cts += [make_container("b", "n1", 40), make_container("c", "n2", 10)]
    assert propose(make_fleet(nodes, cts), survives_a_loss=True)["impossible"] == []


@QUIET
@given(seed=st.integers(0, 10**6), fill=st.floats(0.2, 0.9))
def test_it_agrees_with_trying_every_loss(seed: int, fill: float) -> None:
    fleet = random_fleet(seed, nodes=4, containers=10, fill=fill)
    proposal = propose(fleet, survives_a_loss=True)
    assert broken_rules(fleet, proposal) == [] or proposal["impossible"]
    if not proposal["impossible"]:
        assert _losses_by_trying(fleet, proposal["plan"]) == []
    elif proposal["status"] == "impossible" and not propose(fleet)["impossible"]:
        assert _losses_by_trying(fleet, propose(fleet)["plan"]) != []


@pytest.mark.parametrize("installed", [True, False])
def test_a_plain_proposal_is_not_changed_by_what_is_not_asked(monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    monkeypatch.setattr(solver, "is_installed", lambda: installed)
    fleet = random_fleet(7, nodes=5, containers=20, fill=0.5)
    assert "may be lost" not in " ".join(propose(fleet)["notes"])


def _losses_by_trying(fleet: dict[str, Any], plan: dict[str, str]) -> list[str]:
    """The nodes whose containers cannot be put on the others, by trying every way."""
    at = {ct["name"]: plan.get(ct["name"], ct["node"]) for ct in fleet["containers"]}
    active = [node for node in fleet["nodes"] if not node["drained"]]
    return [node["name"] for node in active if not _finds_room(fleet, at, node["name"], active)]


def _finds_room(fleet: dict[str, Any], at: dict[str, str], lost: str, active: list[dict[str, Any]]) -> bool:
    cts = {ct["name"]: ct for ct in fleet["containers"]}
    mine = [name for name, node in at.items() if node == lost]
    others = [node["name"] for node in active if node["name"] != lost]
    for ends in product(others, repeat=len(mine)):
        after = at | dict(zip(mine, ends, strict=True))
        if all(_holds(fleet, [cts[name] for name, node in after.items() if node == other], other) for other in others):
            return True
    return False


def _holds(fleet: dict[str, Any], cts: list[dict[str, Any]], name: str) -> bool:
    node = next(node for node in fleet["nodes"] if node["name"] == name)
    groups = [ct["group"] for ct in cts if ct["group"]]
    return (
        len(groups) == len(set(groups))
        and all(set(ct["requires"]) <= set(node["tags"]) for ct in cts)
        and all(sum(ct[r] for ct in cts) <= fleet["limits"][r] * node[r] * (1 + 1e-9) for r in fleet["resources"])
    )
