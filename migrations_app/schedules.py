"""The recurring work as one table: what may be due, and which queue door it rings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from migrations_app.bell import ring
from migrations_app.models import (
    Alternative,
    Approval,
    Batch,
    Forward,
    Migration,
    Node,
    Notice,
    PairCheck,
    Preparation,
    Publication,
    Round,
    Zone,
)

# A ring that was lost is heard again after this; a doubled one is harmless.
RING_AGAIN = timedelta(seconds=6)
MOST_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True)
class Due:
    """Rows whose time has come, the column that says so, and the door that takes their id."""

    door: str
    column: str
    rows: Callable[[datetime], models.QuerySet[Any]]

    def ring_for_all(self, now: datetime) -> int:
        """Ring once for each row that is due, and return for how many.

        Several conductors may look at the same moment: who moves the row's time on is the one who rings.
        """
        due = self.rows(now).filter(**{f"{self.column}__lte": now}).order_by(self.column)
        return sum(self._claim(pk, at, now) for pk, at in due.values_list("pk", self.column)[:MOST_AT_ONCE])

    def call_again(self, now: datetime) -> None:
        """Make due at once what may have been rung for and not heard; what is rung for too early is harmless."""
        claimed_until = now + RING_AGAIN
        claimed = self.rows(claimed_until).filter(**{f"{self.column}__gt": now, f"{self.column}__lte": claimed_until})
        claimed.update(**{self.column: now})

    def _claim(self, pk: int, at: datetime, now: datetime) -> bool:
        with transaction.atomic():
            claimed = self.rows(now).filter(pk=pk, **{self.column: at}).update(**{self.column: now + RING_AGAIN})
            if claimed:
                ring(self.door, pk)
        return bool(claimed)


def _waiting_notices(now: datetime) -> models.QuerySet[Any]:
    return Notice.objects.filter(Q(state=Notice.State.WAITING) | Q(state=Notice.State.SENDING))


TABLE = (
    Due(door="advance", column="next_tick_at", rows=lambda now: Migration.objects.due(now)),
    Due(door="look_after", column="next_tick_at", rows=lambda now: Batch.objects.due(now)),
    Due(door="keep_passing_on", column="next_look_at", rows=lambda now: Forward.objects.open()),
    Due(door="scan", column="next_scan_at", rows=lambda now: Node.objects.all()),
    Due(
        door="prepare",
        column="next_look_at",
        rows=lambda now: Preparation.objects.filter(state=Preparation.State.ACCEPTED),
    ),
    Due(door="deliver", column="next_try_at", rows=_waiting_notices),
    Due(
        door="work_out",
        column="next_try_at",
        rows=lambda now: Alternative.objects.filter(state=Alternative.State.WAITING),
    ),
    Due(door="names", column="next_look_at", rows=lambda now: Publication.objects.due(now)),
    Due(door="read_zone", column="next_read_at", rows=lambda now: Zone.objects.all()),
    Due(door="expire", column="next_look_at", rows=lambda now: Approval.objects.open()),
    Due(door="sample", column="next_at", rows=lambda now: Round.objects.filter(name=Round.Name.SAMPLE)),
    Due(door="roll_up", column="next_at", rows=lambda now: Round.objects.filter(name=Round.Name.ROLL_UP)),
    Due(door="thin", column="next_at", rows=lambda now: Round.objects.filter(name=Round.Name.THIN)),
    Due(door="plan_pairs", column="next_at", rows=lambda now: Round.objects.filter(name=Round.Name.PLAN_PAIRS)),
    Due(door="pairs", column="next_at", rows=lambda now: Round.objects.filter(name=Round.Name.PAIRS)),
    Due(door="check_pair", column="next_look_at", rows=lambda now: PairCheck.objects.open()),
)


def call_again(now: datetime) -> None:
    """Forget what was rung for a moment ago: with the queue's processes the calls they had taken are gone."""
    for due in TABLE:
        due.call_again(now)


def ring_for_everything_due(now: datetime) -> int:
    """Ring for all rows of the table that are due, and return for how many."""
    return sum(due.ring_for_all(now) for due in TABLE)
