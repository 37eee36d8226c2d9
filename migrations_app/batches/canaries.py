"""Canaries: the few moves that go alone and must go well, before the others begin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migrations_app.models import BatchItem

State = BatchItem.State
GONE_WRONG = (State.SKIPPED, State.FAILED)


def choose(items: Sequence[BatchItem], wanted: int) -> list[BatchItem]:
    """Return who has to become a canary, so that there are as many as wanted; the smallest that may go first."""
    there = sum(item.is_canary and item.state not in GONE_WRONG for item in items)
    return sorted(_eligible(items), key=lambda item: (item.bytes_forecast or 0, item.position))[
        : max(0, wanted - there)
    ]


def still_out(items: Iterable[BatchItem]) -> bool:
    """Say whether some canary has not come back yet."""
    return any(item.is_canary and item.state in (State.WAITING, State.MOVING) for item in items)


def _eligible(items: Sequence[BatchItem]) -> list[BatchItem]:
    """What waits for nobody: it is its container's first move, and needs no room made."""
    first_of: dict[int, int] = {}
    for item in items:
        first_of.setdefault(item.container_id, item.position)
    return [
        item
        for item in items
        if item.state == State.WAITING
        and not item.is_canary
        and not item.after
        and first_of[item.container_id] == item.position
    ]
