"""Twenty moves in flight with two workers: none of them waits for another."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import defaultdict

import pytest

from tests.durability.fleet import Fleet, until

pytestmark = pytest.mark.lab

MOVES = 20
# So slow that all of them copy at the same time: a mebibyte takes some sixteen seconds.
SLOWLY_KIB = 64
WATCHED_SECONDS = 10.0
POLL_SECONDS = 1.0
LONGEST_LAG_SECONDS = 5.0
USUAL_LAG_SECONDS = 2.0


def test_twenty_moves_wait_without_holding_a_worker(fleet: Fleet) -> None:
    containers = fleet.make_containers(MOVES)
    moves = fleet.order([(one, "stream") for one in containers], bandwidth_limit_kib=SLOWLY_KIB)
    until(lambda: _copying(fleet, moves) == MOVES, seconds=90)
    lags = _lags_while_copying(fleet, moves)
    assert len(lags) == MOVES
    every_lag = sorted(lag for some in lags.values() for lag in some)
    assert statistics.median(every_lag) < USUAL_LAG_SECONDS, every_lag
    assert every_lag[-1] < LONGEST_LAG_SECONDS, every_lag
    fleet.await_end(moves, seconds=180)
    assert {seen.state for seen in fleet.look(moves)} == {"done"}


def _copying(fleet: Fleet, moves: list[int]) -> int:
    return sum(seen.step == "first_copy" and seen.step_state == "running" for seen in fleet.look(moves))


def _lags_while_copying(fleet: Fleet, moves: list[int]) -> dict[int, list[float]]:
    """Return by how much each tick of each move came later than it was wanted."""
    ticked: dict[int, list[float]] = defaultdict(list)
    tokens: dict[int, int] = {}
    until_when = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < until_when:
        for pk, token in fleet.rows("SELECT id, lease_token FROM migrations_app_migration WHERE state = 'running'"):
            if pk in moves and tokens.get(pk) != token:
                tokens[pk] = token
                ticked[pk].append(time.monotonic())
        time.sleep(0.02)
    return {
        pk: [later - earlier - POLL_SECONDS for earlier, later in itertools.pairwise(times)]
        for pk, times in ticked.items()
    }
