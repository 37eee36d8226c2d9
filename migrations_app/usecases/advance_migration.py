"""Take one migration one short stretch further."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from migrations_app.batches import line
from migrations_app.batches import states as batch_states
from migrations_app.execution import engine
from migrations_app.execution.engine import LeaseTaken, TickResult
from migrations_app.execution.outside import Outside
from migrations_app.models import Migration
from migrations_app.notices import outbox
from migrations_app.strategies import RECIPES

__all__ = ["LeaseTaken", "advance_migration"]


def advance_migration(*, migration_id: int, outside: Outside, settings: Mapping[str, Any]) -> TickResult:
    """Safe to call from any number of workers at any moment.

    :raises LeaseTaken: another worker holds the migration, or there is nothing to do.
    """

    def announce(migration: Migration, kind: str, now: datetime) -> None:
        if kind == "failed" and line.goes_on_by_itself(migration):
            return
        outbox.put(migration, kind, now=now, staff_addresses=settings["staff_mail"])

    result = engine.advance(migration_id, recipes=RECIPES, outside=outside, settings=settings, announce=announce)
    if result.next_tick_at is None:
        # It has ended, or waits: a slot is free. Outside of its transactions, so that nobody waits for a batch in one.
        batch_states.make_due(outside.clock())
    return result
