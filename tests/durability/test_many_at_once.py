"""Twenty moves in flight with two workers: none of them waits for another."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.durability.fleet import Fleet, until

pytestmark = pytest.mark.lab

MOVES = 20
# So slow that all of them copy at the same time, and for long enough: that much takes some forty-eight seconds.
SLOWLY_KIB, DATA_MIB = 64, 3
# How soon depends on the machine, which copies twenty times meanwhile; the first look seen counts as none.
LEAST_LOOKS = 3
LONGEST_SECONDS = 35.0


def test_twenty_moves_wait_without_holding_a_worker(fleet: Fleet) -> None:
    """Were one worker to wait for one copy, only two of them would be looked at meanwhile."""
    containers = fleet.make_containers(MOVES, data_mib=DATA_MIB)
    moves = fleet.order([(one, "stream") for one in containers], bandwidth_limit_kib=SLOWLY_KIB)
    until(lambda: _copying(fleet, moves) == MOVES, seconds=180)
    looks = _looks(fleet, moves)
    assert {move: looks[move] for move in moves if looks[move] < LEAST_LOOKS} == {}
    assert _copying(fleet, moves) == MOVES, "some copies had ended, and held nobody up any more"
    fleet.await_end(moves, seconds=180)
    assert {seen.state for seen in fleet.look(moves)} == {"done"}


def _copying(fleet: Fleet, moves: list[int]) -> int:
    return sum(seen.step == "first_copy" and seen.step_state == "running" for seen in fleet.look(moves))


def _looks(fleet: Fleet, moves: list[int]) -> Counter[int]:
    """Return how often a worker looked at each move, as soon as it was often enough for all."""
    looks: Counter[int] = Counter()
    tokens: dict[int, int] = {}
    until_when = time.monotonic() + LONGEST_SECONDS
    while min(looks[move] for move in moves) <= LEAST_LOOKS and time.monotonic() < until_when:
        for pk, token in fleet.rows("SELECT id, lease_token FROM migrations_app_migration WHERE state = 'running'"):
            looks[pk] += tokens.get(pk) != token
            tokens[pk] = token
        time.sleep(0.02)
    return looks
