"""The timetable: the batch played through beforehand, with the same slots and the same order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from migrations_app.batches.slots import Caps, Slots, Trip
from migrations_app.batches.timetable import Move, Planned, UnderWay, plan
from migrations_app.calendar_rules.calendar import Calendar
from tests.fakes.clock import START

WIDE = Caps(at_once=99, per_node=99, per_link=99, per_customer=99)


def move(key: int, seconds: float = 100, **more: object) -> Move:
    trip = Trip(source_id=1, target_id=2)
    return Move(**{"key": key, "trip": trip, "seconds": seconds} | more)


def times(
    moves: Sequence[Move], *, caps: Caps = WIDE, under_way: Sequence[UnderWay] = ()
) -> dict[int, tuple[float, float]]:
    found = plan(moves, under_way, caps=caps, calendar=Calendar(), now=START)
    return {key: (_since(one.begins), _since(one.ends)) for key, one in found.items()}


def _since(at: datetime) -> float:
    return (at - START).total_seconds()


def caps(**more: int) -> Caps:
    wide = {"at_once": 99, "per_node": 99, "per_link": 99, "per_customer": 99}
    return Caps(**wide | more)


def test_each_takes_the_slot_that_is_free_first() -> None:
    found = times([move(0, 100), move(1, 300), move(2, 50), move(3, 50)], caps=caps(at_once=2))
    assert found == {0: (0, 100), 1: (0, 300), 2: (100, 150), 3: (150, 200)}


def test_room_is_made_before_it_is_taken() -> None:
    assert times([move(0), move(1, after=frozenset({0}))])[1] == (100, 200)


def test_canaries_come_back_before_the_others_begin() -> None:
    found = times([move(0), move(1, 30, is_canary=True), move(2)])
    assert found == {1: (0, 30), 0: (30, 130), 2: (30, 130)}


def test_what_is_under_way_takes_its_slot_until_it_ends() -> None:
    trip = Trip(source_id=8, target_id=9)
    others = UnderWay(key=None, trip=trip, ends_at=START + timedelta(seconds=70))
    assert times([move(0)], caps=caps(at_once=1), under_way=[others]) == {0: (70, 170)}


def test_one_that_is_waited_for_and_under_way_is_waited_for() -> None:
    own = UnderWay(key=0, trip=Trip(source_id=1, target_id=2), ends_at=START + timedelta(seconds=70))
    assert times([move(1, after=frozenset({0}))], under_way=[own])[1] == (70, 170)


def test_what_waits_for_itself_is_left_out() -> None:
    assert times([move(0, after=frozenset({1})), move(1, after=frozenset({0})), move(2)]) == {2: (0, 100)}


SMALL = st.integers(1, 3)


@given(
    trips=st.lists(
        st.builds(
            Trip,
            source_id=st.integers(1, 4),
            target_id=st.integers(5, 8),
            customer_id=st.one_of(st.none(), st.integers(1, 3)),
            apart_group=st.sampled_from(["", "", "a", "b"]),
        ),
        max_size=25,
    ),
    allowed=st.builds(Caps, at_once=SMALL, per_node=SMALL, per_link=SMALL, per_customer=SMALL),
    seconds=st.lists(st.integers(1, 50), min_size=25, max_size=25),
)
def test_no_cap_is_ever_exceeded_and_all_find_a_time(trips: list[Trip], allowed: Caps, seconds: list[int]) -> None:
    moves = [Move(key=key, trip=trip, seconds=seconds[key]) for key, trip in enumerate(trips)]
    found = plan(moves, (), caps=allowed, calendar=Calendar(), now=START)
    assert len(found) == len(trips)
    for key, planned in found.items():
        running = [other for other in found if _overlaps(found[other], planned.begins) and other != key]
        slots = Slots(allowed)
        for other in running:
            assert slots.objection(trips[other]) == ""
            slots.take(trips[other])
        assert slots.objection(trips[key]) == ""


def _overlaps(planned: Planned, at: datetime) -> bool:
    return planned.begins <= at < planned.ends
