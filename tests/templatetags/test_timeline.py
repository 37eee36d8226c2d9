"""A line of time drawn on the server: where things stand on it, in whose clock, and that words stay words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from migrations_app.templatetags.timeline import Mark, Piece, Timeline, draw_timeline

START = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def bar(begins: float, ends: float, words: str = "") -> Piece:
    return Piece(begins=START + begins * HOUR, ends=START + ends * HOUR, css="bar-done", words=words)


def line(bars: Sequence[Piece] = (), *, begins: datetime = START, hours: float = 10, **more: object) -> Timeline:
    return Timeline(begins=begins, ends=begins + hours * HOUR, label="When", bars=bars, **more)  # type: ignore[arg-type]


def words_of(drawn: str) -> list[str]:
    return [part.partition("</text>")[0].rpartition(">")[2] for part in drawn.split("<text")[1:]]


def test_a_bar_stands_where_its_time_is() -> None:
    assert 'x="20.00%" width="30.00%"' in draw_timeline(line([bar(2, 5)]))


def test_what_is_short_is_still_seen_and_what_reaches_out_is_cut() -> None:
    assert 'width="0.40%"' in draw_timeline(line([bar(2, 2.001)]))
    assert 'x="0.00%" width="100.00%"' in draw_timeline(line(bands=[bar(-5, 50)]))


def test_bars_at_the_same_time_lie_in_lanes_of_their_own_and_lanes_are_used_again() -> None:
    assert line([bar(0, 2), bar(1, 3), bar(2, 4), bar(1.5, 2.5)]).lanes == [0, 1, 0, 2]


def test_lanes_do_not_depend_on_the_order_of_the_bars() -> None:
    assert line([bar(2, 4), bar(0, 2)]).lanes == [0, 0]


@pytest.mark.parametrize(
    ("hours", "wanted"),
    [
        (1, ["Sat 12:00", "12:15", "12:30", "12:45", ""]),
        (10, ["Sat 12:00", "14:00", "16:00", "18:00", "20:00", ""]),
        (20, ["Sat 12:00", "18:00", "Sun 00:00", "06:00"]),
        (24 * 5, ["Sun 29 Nov", "Mon 30 Nov", "Tue 1 Dec", "Wed 2 Dec", "Thu 3 Dec"]),
    ],
)
def test_ticks_are_round_and_say_a_new_day(hours: float, wanted: list[str]) -> None:
    with timezone.override("UTC"):
        assert words_of(draw_timeline(line(hours=hours))) == wanted


def test_ticks_are_round_by_the_readers_clock_also_on_the_day_it_is_put_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime(2026, 10, 24, 23, tzinfo=berlin)
    with timezone.override(berlin):
        found = words_of(draw_timeline(line(begins=midnight.astimezone(UTC), hours=12)))
    assert found == ["Sun 00:00", "02:00", "04:00", "06:00", "08:00", ""]


@pytest.mark.parametrize("hours", [0.01, 0.2, 24 * 370])
def test_there_are_neither_too_many_ticks_nor_none_at_all(hours: float) -> None:
    assert len(words_of(draw_timeline(line(hours=hours)))) <= 8


def test_words_of_strangers_stay_words() -> None:
    hostile = '</title><script>alert("1")</script>'
    mark = Mark(at=START, css="mark-now", words=hostile)
    drawn = draw_timeline(line([bar(0, 1, hostile)], bands=[bar(0, 1, hostile)], marks=[mark]))
    assert "<script" not in drawn
    assert drawn.count("&lt;/title&gt;&lt;script&gt;") == 3
    assert "style=" not in drawn
