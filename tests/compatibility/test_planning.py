"""Which pairs a night checks, and with which containers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from migrations_app.compatibility import nights, planning, samples
from migrations_app.compatibility.planning import Wanted
from migrations_app.compatibility.samples import Candidate
from tests.fakes.clock import START


def pairs(wanted: Wanted, most: int = 1000) -> list[planning.Pair]:
    return planning.choose(wanted, most)


def test_a_small_fleet_is_checked_whole() -> None:
    found = pairs(Wanted(groups=[(1, 2), (3,)], last={}))
    assert sorted(found) == [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]


def test_each_class_pair_gets_one_before_any_gets_two() -> None:
    found = pairs(Wanted(groups=[(1, 2, 3), (4, 5, 6)], last={}), 4)
    assert {(one > 3, two > 3) for one, two in found} == {(a, b) for a in (False, True) for b in (False, True)}


def test_what_was_never_checked_comes_first_and_then_the_oldest() -> None:
    last = {(1, 2): START, (2, 1): START - timedelta(days=1), (2, 3): START, (3, 2): START}
    found = pairs(Wanted(groups=[(1, 2, 3)], last=last))
    assert set(found[:2]) == {(1, 3), (3, 1)}
    assert found[2] == (2, 1)


def test_the_class_pair_unchecked_longest_comes_first() -> None:
    last = {(1, 2): START, (1, 3): START - timedelta(days=3), (3, 1): START - timedelta(days=2)}
    assert pairs(Wanted(groups=[(1, 2), (3,)], last=last), 1) == [(2, 3)]


def test_what_waits_is_not_chosen_again_nor_what_is_new_nor_a_node_without_samples() -> None:
    wanted = Wanted(
        groups=[(1, 2, 3)], last={(1, 2): START}, taken={(1, 3)}, sources={1, 2}, not_since=START - timedelta(hours=1)
    )
    assert sorted(pairs(wanted)) == [(2, 1), (2, 3)]


def test_neighbours_in_the_list_touch_many_nodes() -> None:
    found = pairs(Wanted(groups=[tuple(range(1, 11))], last={}), 10)
    assert len({one for one, _ in found}) == 10
    assert len({two for _, two in found}) == 10


def test_night_after_night_a_large_fleet_is_gone_through_without_repeating() -> None:
    last: dict[planning.Pair, datetime] = {}
    for night in range(5):
        found = pairs(Wanted(groups=[tuple(range(300)), tuple(range(300, 400))], last=last), 50)
        assert len(found) == 50
        assert not set(found) & set(last)
        last |= dict.fromkeys(found, START + timedelta(days=night))


def test_two_thousand_nodes_are_no_work() -> None:
    """Four million pairs are never listed: the choice reads as many as it returns."""
    drawn = 0

    class Counted(tuple[int, ...]):
        def __getitem__(self, place):  # type: ignore[no-untyped-def]
            nonlocal drawn
            drawn += 1
            return super().__getitem__(place)

    groups = [Counted(range(first, first + 200)) for first in range(0, 2000, 200)]
    assert len(pairs(Wanted(groups=groups, last={}), 300)) == 300
    assert drawn < 5_000


def candidate(pk: int, memory_mib: int = 512, layout: str = "simfs", tried: int | None = None) -> Candidate:
    tried_at = None if tried is None else START - timedelta(days=tried)
    return Candidate(pk=pk, ctid=str(100 + pk), memory_mib=memory_mib, layout=layout, tried_at=tried_at)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ([], None),
        ([candidate(1, 8), candidate(2, 500), candidate(3, 90_000)], 2),
        ([candidate(1, 512, "ploop"), candidate(2, 480), candidate(3, 530)], 3),
        ([candidate(1, tried=1), candidate(2, 90_000), candidate(3, tried=5)], 2),
        ([candidate(1, tried=1), candidate(2, tried=9), candidate(3, tried=5)], 2),
    ],
)
def test_the_sample_is_ordinary_and_not_always_the_same(found: list[Candidate], chosen: int | None) -> None:
    sample = samples.choose(found)
    assert (sample and sample.pk) == chosen


@pytest.mark.parametrize(
    ("hour", "at", "began", "following"),
    [
        (2, (5, 2, 0), (5, 2), (6, 2)),
        (2, (5, 5, 59), (5, 2), (6, 2)),
        (2, (5, 6, 0), None, (6, 2)),
        (2, (5, 1, 59), None, (5, 2)),
        (23, (5, 1, 0), (4, 23), (5, 23)),
        (23, (5, 3, 0), None, (5, 23)),
    ],
)
def test_a_night_is_four_hours_also_across_midnight(
    hour: int, at: tuple[int, int, int], began: tuple[int, int] | None, following: tuple[int, int]
) -> None:
    now = datetime(2026, 3, *at, tzinfo=UTC)
    assert nights.began(now, hour) == (datetime(2026, 3, *began, tzinfo=UTC) if began else None)
    assert nights.next_one(now, hour) == datetime(2026, 3, *following, tzinfo=UTC)
