"""Freeze periods: when nothing may begin, and for whom."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from migrations_app.models import FreezePeriod


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """One freeze period as a value; of neither a node nor a customer: it holds everywhere."""

    name: str
    starts_at: datetime
    ends_at: datetime
    node_id: int | None = None
    customer_id: int | None = None

    def concerns(self, node_ids: Collection[int], customer_id: int | None) -> bool:
        if self.node_id is not None:
            return self.node_id in node_ids
        return self.customer_id is None or self.customer_id == customer_id

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


def not_over(now: datetime) -> tuple[Freeze, ...]:
    """Return what holds now or will, the first to begin first."""
    rows = FreezePeriod.objects.filter(ends_at__gt=now).order_by("starts_at", "pk")
    return tuple(as_value(row) for row in rows)


def as_value(row: FreezePeriod) -> Freeze:
    return Freeze(
        name=row.name,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        node_id=row.node_id,
        customer_id=row.customer_id,
    )


def holding(
    freezes: Iterable[Freeze], at: datetime, *, node_ids: Collection[int], customer_id: int | None
) -> Sequence[Freeze]:
    """Return those that forbid a move between these nodes, of this customer's container, to begin at that moment."""
    return [one for one in freezes if one.holds(at) and one.concerns(node_ids, customer_id)]
