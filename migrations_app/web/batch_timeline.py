"""The moves of a batch along a line of time, over its windows and the freeze periods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from migrations_app.calendar_rules import freezes
from migrations_app.calendar_rules.freezes import Freeze
from migrations_app.calendar_rules.window import Window, as_weekdays
from migrations_app.models import Batch, BatchItem
from migrations_app.templatetags.timeline import Mark, Piece, Timeline
from migrations_app.web.batch_shown import ItemRow

SHORTEST = timedelta(minutes=2)
MARGIN = 0.02
MOST_BANDS = 400
LEGEND = {
    "bar-waiting": "Waiting",
    "bar-moving": "Under way",
    "bar-done": "Done",
    "bar-failed": "Failed",
    "band-closed": "Outside the window",
    "band-freeze": "Freeze period",
    "mark-now": "Now",
    "mark-deadline": "Deadline",
}
# A deadline further off than this many times the work would squeeze the work into a corner.
FARTHEST_DEADLINE = 3


def of_rows(batch: Batch, rows: Sequence[ItemRow], now: datetime) -> Timeline | None:
    """Return the line of these moves; None where no time of any is known."""
    bars = [bar for row in rows if (bar := _bar(row, now))]
    if not bars:
        return None
    begins, ends = _ends(batch, bars, now)
    bands = [*_closed(batch, begins, ends), *(_frozen(one) for one in touching(rows, begins, ends))]
    marks = [mark for mark in _marks(batch, now) if begins <= mark.at <= ends]
    drawn = {piece.css for piece in (*bars, *bands)} | {mark.css for mark in marks}
    return Timeline(
        begins=begins,
        ends=ends,
        label=f"When each of {len(bars)} moves is or was under way; the table below says the same in words",
        bars=bars,
        bands=bands,
        marks=marks,
        legend=[(css, words) for css, words in LEGEND.items() if css in drawn],
    )


def touching(rows: Sequence[ItemRow], begins: datetime, ends: datetime) -> list[Freeze]:
    """Return the freeze periods of that time that concern any of the moves."""
    ways = {(row.item.source_id, row.item.target_id, row.item.container.owner_id) for row in rows}
    return [
        one
        for one in freezes.not_over(begins)
        if one.starts_at < ends and any(one.concerns((source, target), owner) for source, target, owner in ways)
    ]


def _bar(row: ItemRow, now: datetime) -> Piece | None:
    begins, ends = row.begins, row.ends
    if begins is None or row.item.state == BatchItem.State.SKIPPED:
        return None
    if row.item.state == BatchItem.State.MOVING:
        ends = max(ends or now, now)
    item = row.item
    words = f"{row.number}. {item.container}: {item.source} to {item.target}, {item.get_state_display().lower()}"
    return Piece(begins=begins, ends=max(begins, ends or begins), css=f"bar-{item.state}", words=words)


def _ends(batch: Batch, bars: Sequence[Piece], now: datetime) -> tuple[datetime, datetime]:
    moments = [moment for bar in bars for moment in (bar.begins, bar.ends)]
    moments += [now] if batch.finished_at is None else []
    begins, ends = min(moments), max(moments)
    length = max(ends - begins, SHORTEST)
    if batch.deadline and batch.deadline - begins <= length * FARTHEST_DEADLINE:
        length = max(length, batch.deadline - begins)
    return begins - length * MARGIN, begins + length * (1 + MARGIN)


def _closed(batch: Batch, begins: datetime, ends: datetime) -> Iterator[Piece]:
    """Yield the stretches in which the batch's window is shut."""
    window = Window(
        weekdays=as_weekdays(batch.weekdays), opens_at=batch.opens_at, closes_at=batch.closes_at, zone=batch.time_zone
    )
    at = begins
    for _ in range(MOST_BANDS):
        span = window.span(at)
        if span.begins > at:
            yield Piece(begins=at, ends=min(span.begins, ends), css="band-closed", words="Outside the window")
        if span.ends is None or span.ends >= ends:
            return
        at = span.ends


def _frozen(one: Freeze) -> Piece:
    return Piece(begins=one.starts_at, ends=one.ends_at, css="band-freeze", words=f"Freeze period: {one.name}")


def _marks(batch: Batch, now: datetime) -> Iterator[Mark]:
    if batch.finished_at is None:
        yield Mark(at=now, css="mark-now", words="Now")
    if batch.deadline is not None:
        yield Mark(at=batch.deadline, css="mark-deadline", words="Deadline")
