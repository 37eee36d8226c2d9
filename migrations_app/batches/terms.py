"""The terms of a batch: when, how many at once, how carefully."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any, Final

from migrations_app.batches.slots import Caps
from migrations_app.models import Batch

Objections = list[tuple[str, str]]
MOST_AT_ONCE: Final = 500


@dataclass(frozen=True, kw_only=True)
class BatchTerms:
    """As the columns of the batch; ``freeze_budget_seconds`` None: as everywhere."""

    not_before: datetime | None = None
    deadline: datetime | None = None
    weekdays: tuple[int, ...] = ()
    opens_at: time | None = None
    closes_at: time | None = None
    time_zone: str = "UTC"
    most_at_once: int = 4
    most_per_node: int = 2
    most_per_link: int = 1
    most_per_customer: int = 1
    bandwidth_limit_kib: int | None = None
    canaries: int = 1
    freeze_budget_seconds: float | None = None
    fall_back_to_dump: bool = True
    rehearse: bool = True

    def columns(self, *, usual_freeze_budget_seconds: float) -> dict[str, Any]:
        values = asdict(self) | {"weekdays": sorted(set(self.weekdays))}
        if self.freeze_budget_seconds is None:
            values["freeze_budget_seconds"] = usual_freeze_budget_seconds
        return values


def of_caps(terms: BatchTerms) -> Objections:
    """Return what is wrong with the numbers, as pairs of field name and reason."""
    names = ("most_at_once", "most_per_node", "most_per_link", "most_per_customer")
    found = [(name, f"Give 1 to {MOST_AT_ONCE}.") for name in names if not 1 <= getattr(terms, name) <= MOST_AT_ONCE]
    if not 0 <= terms.canaries <= MOST_AT_ONCE:
        found.append(("canaries", f"Give 0 to {MOST_AT_ONCE}."))
    return found


def caps_of(batch: Batch) -> Caps:
    return Caps(
        at_once=batch.most_at_once,
        per_node=batch.most_per_node,
        per_link=batch.most_per_link,
        per_customer=batch.most_per_customer,
    )
