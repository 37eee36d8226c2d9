"""When a move may begin: window, earliest moment and freeze periods taken together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from migrations_app.calendar_rules.freezes import Freeze, holding, not_over
from migrations_app.calendar_rules.window import Span, Window, as_weekdays
from migrations_app.models import Batch

# Beyond this nothing is planned; freeze periods without a gap would be followed for ever.
FARTHEST: Final = timedelta(days=370)
# Who needs nearly the whole window never finds it whole: some moment of it has always passed.
NEARLY_ALL: Final = 0.8
# In less than this nothing is worth beginning that will not be done in it.
SHORTEST: Final = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Calendar:
    window: Window = field(default_factory=Window)
    not_before: datetime | None = None
    freezes: Sequence[Freeze] = ()

    def span(self, now: datetime, *, node_ids: Collection[int], customer_id: int | None) -> Span | None:
        """Return the stretch in which such a move may begin and go on, open now or next; None: not within a year."""
        return next(self._spans(now, node_ids, customer_id), None)

    def fitting(
        self, now: datetime, seconds: float, *, node_ids: Collection[int], customer_id: int | None
    ) -> Span | None:
        """Return the first stretch, from now on, that such a move fits into.

        One that is longer than any window is takes what comes: it is held at its end, and goes on in the next.
        """
        needed = timedelta(seconds=min(seconds, FARTHEST.total_seconds()))
        longest = self.window.longest
        if longest is not None and needed > longest * NEARLY_ALL:
            needed = min(SHORTEST, longest * NEARLY_ALL)
        spans = self._spans(now, node_ids, customer_id)
        return next((span for span in spans if span.left(now) >= needed), None)

    def _spans(self, now: datetime, node_ids: Collection[int], customer_id: int | None) -> Iterator[Span]:
        concerned = [one for one in self.freezes if one.concerns(node_ids, customer_id)]
        at = max(now, self.not_before or now)
        last = at + FARTHEST
        while at < last:
            span = self.window.span(at)
            begins = max(at, span.begins)
            held = holding(concerned, begins, node_ids=node_ids, customer_id=customer_id)
            if held:
                at = max(one.ends_at for one in held)
                continue
            ends = min([one.starts_at for one in concerned if one.starts_at > begins] + _known(span), default=None)
            yield Span(begins=begins, ends=ends)
            if ends is None:
                return
            at = ends


def _known(span: Span) -> list[datetime]:
    return [] if span.ends is None else [span.ends]


def of_batch(batch: Batch, now: datetime) -> Calendar:
    """Return when moves of the batch may begin, with the freeze periods as they are now."""
    window = Window(
        weekdays=as_weekdays(batch.weekdays),
        opens_at=batch.opens_at,
        closes_at=batch.closes_at,
        zone=batch.time_zone,
    )
    return Calendar(window=window, not_before=batch.not_before, freezes=not_over(now))
