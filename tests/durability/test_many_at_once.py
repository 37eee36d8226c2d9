"""Twenty moves in flight with two workers: none of them waits for another."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.durability.fleet import Fleet, until

pytestmark = pytest.mark.lab

MOVES = 20
# So slow that all of them copy at the same time: a mebibyte takes some sixteen seconds.
SLOWLY_KIB = 64
WATCHED_SECONDS = 10.0
# One look a second is wished for; the first one seen counts as none.
LEAST_LOOKS = 3


def test_twenty_moves_wait_without_holding_a_worker(fleet: Fleet) -> None:
    """Were one worker to wait for one copy, only two of them would be looked at meanwhile."""
    containers = fleet.make_containers(MOVES)
    moves = fleet.order([(one, "stream") for one in containers], bandwidth_limit_kib=SLOWLY_KIB)
    until(lambda: _copying(fleet, moves) == MOVES, seconds=180)
    looks = _looks_while_copying(fleet, moves)
    assert {move: looks[move] for move in moves if looks[move] < LEAST_LOOKS} == {}
    fleet.await_end(moves, seconds=180)
    assert {seen.state for seen in fleet.look(moves)} == {"done"}


def _copying(fleet: Fleet, moves: list[int]) -> int:
    return sum(seen.step == "first_copy" and seen.step_state == "running" for seen in fleet.look(moves))


def _looks_while_copying(fleet: Fleet, moves: list[int]) -> Counter[int]:
    """Return how often a worker looked at each move."""
    looks: Counter[int] = Counter()
    tokens: dict[int, int] = {}
    until_when = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < until_when:
        for pk, token in fleet.rows("SELECT id, lease_token FROM migrations_app_migration WHERE state = 'running'"):
            looks[pk] += tokens.get(pk) != token
            tokens[pk] = token
        time.sleep(0.02)
    return looks
