"""What holds for every fleet: rules, proofs, and agreement with trying everything."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.placement.checker import broken_rules, pressure
from tests.placement.fleets import propose, random_fleet

QUIET = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
SEEDS = st.integers(0, 10**6)


@QUIET
@given(seed=SEEDS, fill=st.floats(0.3, 0.97), drained=st.integers(1, 2))
def test_an_evacuation_breaks_no_rule(seed: int, fill: float, drained: int) -> None:
    fleet = random_fleet(seed, nodes=6, containers=30, fill=fill, drained=drained)
    proposal = propose(fleet, seconds=0.4)
    assert broken_rules(fleet, proposal) == []


@QUIET
@given(seed=SEEDS, level=st.floats(0.5, 1.0))
def test_a_rebalance_breaks_no_rule_and_reaches_its_level(seed: int, level: float) -> None:
    fleet = {**random_fleet(seed, nodes=6, containers=30, fill=0.6, drained=0), "mode": "rebalance"}
    proposal = propose(fleet, f"rebalance:{level}", seconds=0.4)
    assert broken_rules(fleet, proposal) == []
    reached = max(pressure(fleet, proposal["plan"]).values()) <= level * (1 + 1e-9)
    assert reached != bool(proposal["impossible"])


@QUIET
@given(seed=SEEDS)
def test_filling_breaks_no_rule(seed: int) -> None:
    fleet = random_fleet(seed, nodes=6, containers=24, fill=0.5, drained=0)
    assert broken_rules(fleet, propose(fleet, "fill")) == []


@QUIET
@given(seed=SEEDS, fill=st.floats(0.5, 1.1))
def test_it_agrees_with_trying_everything(seed: int, fill: float) -> None:
    fleet = random_fleet(seed, nodes=4, containers=9, fill=fill)
    proposal = propose(fleet)
    bytes_needed, peak = _best_by_trying(fleet)
    if bytes_needed is None:
        assert proposal["status"] == "impossible"
    elif proposal["status"] == "optimal":
        assert sum(_moved_bytes(fleet, proposal["plan"])) == bytes_needed
        if "peak_recv" in proposal["lower_bound"]:
            assert proposal["peak_recv"] == pytest.approx(peak)
    else:
        # The best end may have no legal order, which trying ends alone does not see.
        assert proposal["lower_bound"]["bytes"] <= bytes_needed


@QUIET
@given(seed=SEEDS, level=st.floats(0.6, 0.95))
def test_a_rebalance_never_claims_more_than_trying_everything_finds(seed: int, level: float) -> None:
    fleet = {**random_fleet(seed, nodes=3, containers=8, fill=0.6, drained=0), "mode": "rebalance"}
    proposal = propose(fleet, f"rebalance:{level}")
    best, _ = _best_by_trying(fleet, level)
    if best is None:
        assert proposal["impossible"]
        return
    assert proposal["status"] != "impossible"
    assert proposal["lower_bound"]["bytes"] <= best * (1 + 1e-9)
    if proposal["status"] == "optimal":
        assert sum(_moved_bytes(fleet, proposal["plan"])) == best


@QUIET
@given(seed=SEEDS)
def test_the_same_fleet_gets_the_same_answer(seed: int) -> None:
    fleet = random_fleet(seed, nodes=5, containers=20, fill=0.5)
    first, second = propose(fleet), propose(fleet)
    assert (first["status"], first["peak_recv"]) == (second["status"], second["peak_recv"])


def _moved_bytes(fleet: dict[str, Any], plan: dict[str, str]) -> list[int]:
    return [ct["move_bytes"] for ct in fleet["containers"] if plan.get(ct["name"], ct["node"]) != ct["node"]]


def _best_by_trying(fleet: dict[str, Any], level: float = 1.0) -> tuple[int | None, float]:
    """Try every end: the fewest bytes, and among those the lowest peak of nodes that receive."""
    choices = [_choices(fleet, ct) for ct in fleet["containers"]]
    best: tuple[int, float] | None = None
    for ends in product(*choices):
        plan = {ct["name"]: end for ct, end in zip(fleet["containers"], ends, strict=True)}
        cost = sum(_moved_bytes(fleet, plan))
        if (best and cost > best[0]) or not _keeps_apart(fleet, plan):
            continue
        felt = pressure(fleet, plan)
        active = [node["name"] for node in fleet["nodes"] if not node["drained"]]
        if max(felt[node] for node in active) > level * (1 + 1e-9):
            continue
        receives = {plan[ct["name"]] for ct in fleet["containers"] if plan[ct["name"]] != ct["node"]}
        peak = max((felt[node] for node in receives), default=0.0)
        best = min(best or (cost, peak), (cost, peak))
    return best or (None, 0.0)


def _choices(fleet: dict[str, Any], ct: dict[str, Any]) -> list[str]:
    if ct["pinned"]:
        return [ct["node"]]
    nodes = [node for node in fleet["nodes"] if not node["drained"] and set(ct["requires"]) <= set(node["tags"])]
    return [node["name"] for node in nodes]


def _keeps_apart(fleet: dict[str, Any], plan: dict[str, str]) -> bool:
    seats = [(ct["group"], plan[ct["name"]]) for ct in fleet["containers"] if ct["group"]]
    return len(seats) == len(set(seats))
