"""The order of moves: who waits, who parks, and what finds no legal moment."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from migrations_app.placement.budget import Budget
from migrations_app.placement.order import Order, legal_order
from migrations_app.placement.reading import understand
from tests.placement.fleets import make_container, make_fleet, make_node


def _order(
    fleet: dict[str, Any], wanted: dict[str, str], level: float = 1.0
) -> tuple[list[tuple[str, str, bool]], Order]:
    read = understand(fleet)
    where = np.array([read.node_names.index(wanted.get(ct["name"], ct["node"])) for ct in fleet["containers"]])
    order = legal_order(read, where, Budget(clock=time.monotonic, until=time.monotonic() + 5), level)
    return [(read.names[step.ct], read.node_names[step.node], step.parks) for step in order.steps], order


def test_what_makes_room_goes_first() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1")], [make_container("a", "n0", 60, move_bytes=9), make_container("b", "n1", 70)]
    )
    fleet["nodes"].append(make_node("n2"))
    steps, order = _order(fleet, {"a": "n1", "b": "n2"})
    assert steps == [("b", "n2", False), ("a", "n1", False)]
    assert order.steps[1].after == (0,)


def test_two_that_change_places_need_a_stop() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2")],
        [make_container("a", "n0", 60, move_bytes=5), make_container("b", "n1", 70, move_bytes=9)],
    )
    steps, _ = _order(fleet, {"a": "n1", "b": "n0"}, level=0.65)
    assert len(steps) == 3
    assert [parks for _, _, parks in steps] == [True, False, False]
    assert steps[0][1] == "n2"


def test_two_of_a_group_change_places_by_a_stop() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2")],
        [make_container("a", "n0", 10, group="g"), make_container("b", "n1", 10, group="g")],
    )
    steps, _ = _order(fleet, {"a": "n1", "b": "n0"}, level=0.05)
    assert [parks for _, _, parks in steps] == [True, False, False]


def test_who_may_stay_where_it_stops_does() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2")],
        [make_container("a", "n0", 60, move_bytes=5), make_container("b", "n1", 70, move_bytes=9)],
    )
    assert _order(fleet, {"a": "n1", "b": "n0"})[0] == [("b", "n2", False), ("a", "n1", False)]


def test_without_a_place_to_stop_it_says_who_is_stuck() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1")], [make_container("a", "n0", 60), make_container("b", "n1", 70)]
    )
    steps, order = _order(fleet, {"a": "n1", "b": "n0"})
    assert steps == []
    assert sorted(order.stuck) == [0, 1]


def test_nobody_stops_on_a_drained_node() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 60), make_container("b", "n1", 70)],
    )
    assert _order(fleet, {"a": "n1", "b": "n0"})[0] == []


def test_those_of_drained_nodes_come_last() -> None:
    fleet = make_fleet(
        [make_node("n0"), make_node("n1"), make_node("n2", drained=True)],
        [make_container("a", "n0", 30), make_container("c", "n2", 30, move_bytes=10**6)],
    )
    assert [name for name, _, _ in _order(fleet, {"a": "n1", "c": "n0"})[0]] == ["a", "c"]
