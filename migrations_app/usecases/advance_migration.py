"""Take one migration one short stretch further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrations_app.batches import line
from migrations_app.batches import states as batch_states
from migrations_app.execution import engine
from migrations_app.execution.engine import LeaseTaken, TickResult
from migrations_app.execution.outside import Outside
from migrations_app.execution.second_person import Answer
from migrations_app.models import Migration
from migrations_app.notices import outbox
from migrations_app.strategies import RECIPES
from migrations_app.usecases.seek_approval import seek_approval
from migrations_app.usecases.use_approval import ApprovalMissing
from migrations_app.usecases.use_migration_approval import use_migration_approval

__all__ = ["LeaseTaken", "advance_migration"]


@dataclass(frozen=True, kw_only=True)
class _SecondPerson:
    settings: Mapping[str, Any]

    def answer(self, migration_id: int, now: datetime) -> Answer:
        return seek_approval(migration_id=migration_id, now=now, settings=self.settings)

    def spend(self, migration_id: int, now: datetime) -> str:
        try:
            use_migration_approval(migration_id=migration_id, now=now, settings=self.settings)
        except ApprovalMissing as missing:
            return str(missing)
        return ""


def advance_migration(*, migration_id: int, outside: Outside, settings: Mapping[str, Any]) -> TickResult:
    """Safe to call from any number of workers at any moment.

    :raises LeaseTaken: another worker holds the migration, or there is nothing to do.
    """

    def announce(migration: Migration, kind: str, now: datetime) -> None:
        if kind == "failed" and line.goes_on_by_itself(migration):
            return
        outbox.put(migration, kind, now=now, staff_addresses=settings["staff_mail"])

    result = engine.advance(
        migration_id,
        recipes=RECIPES,
        outside=outside,
        settings=settings,
        announce=announce,
        second_person=_SecondPerson(settings=settings),
    )
    if result.next_tick_at is None:
        # It has ended, or waits: a slot is free. Outside of its transactions, so that nobody waits for a batch in one.
        batch_states.make_due(outside.clock())
    return result
