"""A timeline that needs no script: bars in lanes over bands of time, as SVG of numbers, classes and escaped words.

Places along the line are in percent, so that the words keep their size on any screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

LANE, BAR, HEAD = 16, 10, 22
LEAST_WIDTH_PERCENT = 0.4
MOST_TICKS = 6
# A word that would begin further right has no room.
LAST_WORD_PERCENT = 90.0
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STEPS = (_MINUTE, 5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY)
_LONG_STEPS = (2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of time with its class of colour, and what it says when it is pointed at."""

    begins: datetime
    ends: datetime
    css: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    at: datetime
    css: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    begins: datetime
    ends: datetime
    label: str
    bars: Sequence[Piece]
    bands: Sequence[Piece] = ()
    marks: Sequence[Mark] = ()
    legend: Sequence[tuple[str, str]] = ()  # classes of colour, each with what it says
    lanes: Sequence[int] = field(init=False)  # of each bar

    def __post_init__(self) -> None:
        object.__setattr__(self, "lanes", _lanes(self.bars))

    def place(self, at: datetime) -> float:
        """Return how far along the line a moment is, in percent."""
        return max(0.0, min(100.0, (at - self.begins) / (self.ends - self.begins) * 100))


@register.simple_tag
def draw_timeline(line: Timeline) -> SafeString:
    height = HEAD + (max(line.lanes, default=0) + 1) * LANE
    return format_html(
        '<svg class="timeline" width="100%" height="{}" role="img" aria-label="{}">{}{}{}{}</svg>',
        height,
        line.label,
        _pieces((line, piece, HEAD, height - HEAD) for piece in line.bands),
        format_html_join("", "{}", ((_tick(line, tick, height),) for tick in enumerate(_ticks(line)))),
        _pieces(
            (line, bar, HEAD + lane * LANE + (LANE - BAR) // 2, BAR)
            for bar, lane in zip(line.bars, line.lanes, strict=True)
        ),
        format_html_join("", "{}", ((_mark(line, mark, height),) for mark in line.marks)),
    )


def _pieces(placed: Iterator[tuple[Timeline, Piece, int, int]]) -> SafeString:
    drawn = (
        (
            piece.css,
            f"{line.place(piece.begins):.2f}",
            f"{max(LEAST_WIDTH_PERCENT, line.place(piece.ends) - line.place(piece.begins)):.2f}",
            top,
            height,
            piece.words,
        )
        for line, piece, top, height in placed
    )
    rect = '<rect class="{}" x="{}%" width="{}%" y="{}" height="{}" rx="2"><title>{}</title></rect>'
    return format_html_join("", rect, drawn)


def _tick(line: Timeline, tick: tuple[int, tuple[datetime, str]], height: int) -> SafeString:
    """Every second one can be told from the others: on a phone there is no room for its words."""
    number, (at, words) = tick
    place = f"{line.place(at):.2f}"
    return format_html(
        '<line class="tick" x1="{0}%" x2="{0}%" y1="{1}" y2="{2}"/>'
        '<text class="tick-words{4}" x="{0}%" dx="2" y="14">{3}</text>',
        place,
        HEAD - 4,
        height,
        words if line.place(at) <= LAST_WORD_PERCENT else "",
        " is-second" if number % 2 else "",
    )


def _mark(line: Timeline, mark: Mark, height: int) -> SafeString:
    line_ = '<line class="mark {0}" x1="{1}%" x2="{1}%" y1="{2}" y2="{3}"><title>{4}</title></line>'
    return format_html(line_, mark.css, f"{line.place(mark.at):.2f}", HEAD - 4, height, mark.words)


def _lanes(bars: Sequence[Piece]) -> list[int]:
    """Return for each bar the first lane that is free when it begins."""
    free_from: list[datetime] = []
    lanes = [0] * len(bars)
    for number in sorted(range(len(bars)), key=lambda number: (bars[number].begins, number)):
        bar = bars[number]
        lane = next((lane for lane, at in enumerate(free_from) if at <= bar.begins), len(free_from))
        free_from[lane : lane + 1] = [bar.ends]
        lanes[number] = lane
    return lanes


def _ticks(line: Timeline) -> Iterator[tuple[datetime, str]]:
    """Yield round moments of the reader's clock; each says its day where that is another one than before."""
    length = line.ends - line.begins
    step = next((step for step in (*_STEPS, *_LONG_STEPS) if length / step <= MOST_TICKS), length)
    wall = timezone.localtime(line.begins).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    zone, day = timezone.get_current_timezone(), None
    for _ in range(int((_DAY + length) / step) + 2):
        at = wall.replace(tzinfo=zone)
        if line.begins <= at <= line.ends:
            yield at, _words(wall, step, wall.date() != day)
            day = wall.date()
        wall += step


def _words(wall: datetime, step: timedelta, is_new_day: bool) -> str:
    if step >= _DAY:
        return f"{wall:%a} {wall.day} {wall:%b}"
    return f"{wall:%a %H:%M}" if is_new_day else f"{wall:%H:%M}"
