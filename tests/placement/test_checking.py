"""Moves that people or earlier plans thought of: what speaks against them, what they wait for, and the way home."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.checking import against_end, against_steps
from migrations_app.placement.order import replayed
from migrations_app.placement.reading import understand
from migrations_app.placement.returning import bring_home
from tests.placement.fleets import make_container, make_fleet, make_node

NODES = [make_node("a"), make_node("b"), make_node("c", drained=True)]


def fleet(*containers: dict[str, Any]) -> Any:
    return understand(make_fleet(NODES, list(containers)))


def sentences(found: dict[int, Any]) -> dict[int, list[str]]:
    return {ct: [one.rule for one in against] for ct, against in found.items()}


def test_a_plan_is_judged_by_where_all_end() -> None:
    swap = fleet(make_container("x", "a", 60), make_container("y", "b", 60))
    assert against_end(swap, np.array([1, 0])) == {}
    assert sentences(against_end(swap, np.array([1, 1]))) == {0: ["room"] * 3}


def test_every_broken_rule_is_named() -> None:
    seen = fleet(
        make_container("x", "a", 200, requires=("ssd",), pinned=False), make_container("y", "b", 1, pinned=True)
    )
    assert sentences(against_end(seen, np.array([2, 0]))) == {
        0: ["drained", "tags", *["room"] * 3],
        1: ["pinned"],
    }


def test_steps_are_played_through_in_their_order() -> None:
    seen = fleet(make_container("x", "a", 60), make_container("y", "b", 60))
    assert sentences(against_steps(seen, [(0, 1), (1, 0)])) == {0: ["room"] * 3, 1: ["room"] * 3}
    smaller = fleet(make_container("x", "a", 60), make_container("y", "b", 30))
    assert against_steps(smaller, [(1, 0), (0, 1)]) == {}


def test_what_was_ordered_once_is_told_again_with_what_it_waits_for() -> None:
    seen = fleet(make_container("x", "a", 60), make_container("y", "b", 50), make_container("z", "b", 5))
    first, second = replayed(seen, [(1, 0), (0, 1)])
    assert (first.source, first.after, first.parks) == (1, (), False)
    assert (second.source, second.after) == (0, (0,))
    stop, on = replayed(seen, [(2, 0), (2, 1)])
    assert (stop.parks, on.parks, on.source) == (True, False, 0)


def home(seen: Any, origins: dict[int, int]) -> Any:
    return bring_home(seen, origins, Budget(clock=time.monotonic, until=time.monotonic() + 2))


def test_they_change_places_on_their_way_home() -> None:
    seen = fleet(make_container("x", "a", 45), make_container("y", "b", 45), make_container("z", "a", 5))
    found = home(seen, {0: 1, 1: 0})
    assert found.where.tolist() == [1, 0, 0]
    assert found.optimal


def test_who_fits_no_more_stays_and_nothing_else_moves() -> None:
    seen = fleet(make_container("x", "a", 50), make_container("y", "b", 80), make_container("z", "a", 10))
    found = home(seen, {0: 1, 2: 1})
    assert found.where.tolist() == [0, 1, 1]
    assert [(one.ct, "needs 50" in one.why) for one in found.blocked] == [(0, True)]


def test_who_stays_keeps_its_room_from_those_who_come() -> None:
    seen = fleet(make_container("x", "a", 60), make_container("y", "b", 60))
    found = home(seen, {0: 1})
    assert found.where.tolist() == [0, 1]
    both = fleet(make_container("x", "a", 60), make_container("y", "b", 50), make_container("w", "b", 45))
    # x would need the room of both, of which only one goes: nobody ends where there is none.
    assert home(both, {0: 1, 1: 0}).where.tolist() == [0, 1, 1]
