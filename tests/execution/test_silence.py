"""Silences between answers."""

from __future__ import annotations

import pytest

from migrations_app.execution.silence import Tally
from migrations_app.ports.knocker import Knock

PLACE = ("192.0.2.101", 80)


def _knock(sent_at_seconds: float, took_seconds: float = 0.001, *, answered: bool = True) -> Knock:
    heard_at_seconds = sent_at_seconds + took_seconds
    return Knock(place=PLACE, sent_at_seconds=sent_at_seconds, heard_at_seconds=heard_at_seconds, answered=answered)


def _counted(*knocks: Knock) -> Tally:
    tally = Tally()
    for knock in knocks:
        tally.count(knock)
    return tally


def test_a_service_that_always_answers_was_never_silent() -> None:
    tally = _counted(*(_knock(index / 4) for index in range(40)))
    assert (tally.knocks, tally.unanswered, tally.silent_seconds) == (40, 0, 0.0)


def test_a_silence_lasts_from_one_answer_to_the_next() -> None:
    """The first who called in it is answered last: its kernel asked again after a second."""
    tally = _counted(_knock(0.0), _knock(1.0, 0.05), _knock(0.25, 1.01))
    assert tally.longest_silence_seconds == pytest.approx(1.049)
    assert tally.silent_seconds == pytest.approx(1.049)


def test_silences_add_up_and_the_longest_is_told() -> None:
    tally = _counted(*(_knock(at) for at in (0.0, 1.0, 1.25, 3.25, 3.5)))
    assert tally.silent_seconds == pytest.approx(3.0)
    assert tally.longest_silence_seconds == pytest.approx(2.0)


def test_refused_or_silent_to_the_end_is_unanswered_and_ends_no_silence() -> None:
    tally = _counted(_knock(0.0), _knock(0.25, answered=False), _knock(0.5, 5.0, answered=False), _knock(6.0))
    assert tally.unanswered == 2
    assert tally.longest_silence_seconds == pytest.approx(6.0)


def test_what_was_before_the_first_answer_is_not_known() -> None:
    assert _counted(_knock(0.0, 5.0, answered=False), _knock(9.0)).silent_seconds == 0.0


def test_between_seldom_knocks_there_is_no_silence() -> None:
    tally = Tally(pace_seconds=2.0)
    for at in (0.0, 2.0, 4.1, 9.0):
        tally.count(_knock(at))
    assert tally.silent_seconds == pytest.approx(4.9)
