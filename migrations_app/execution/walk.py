"""What the engine carries while it holds one migration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from migrations_app.execution import context, recorder, states
from migrations_app.execution.lease import Lease
from migrations_app.execution.outside import Outside
from migrations_app.execution.second_person import SecondPerson
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Migration, StepRun
from migrations_app.ports.shell import NodeUnreachable, ReplyLost

# Two names for one trouble, as the connection breaks now before and now after something was said.
NODE_IS_AWAY = frozenset({NodeUnreachable.__name__, ReplyLost.__name__})


@dataclass(kw_only=True)
class Walk:
    lease: Lease
    recipes: Mapping[str, Sequence[type[Step]]]
    outside: Outside
    settings: Mapping[str, Any]
    announce: Callable[[Migration, str, datetime], None]
    second_person: SecondPerson
    migration: Migration = field(init=False)

    def __post_init__(self) -> None:
        self.refresh()

    @property
    def now(self) -> datetime:
        return self.outside.clock()

    def refresh(self) -> Migration:
        """Read the row again: a person may have wished something since."""
        self.migration = Migration.objects.select_related("container", "source", "target").get(
            pk=self.lease.migration_id
        )
        return self.migration

    def recipe_of(self, method: str) -> Sequence[type[Step]]:
        """Return the method's steps; where the address or the name changes, those of its other endings."""
        return self.recipes[recipe_name(method, self.migration)]

    def step_of(self, run: StepRun) -> Step:
        """Return the step the plan's row names.

        :raises UnknownStep: the plan was made by a release that knew a step this one does not.
        """
        for steps in self.recipes.values():
            for step in steps:
                if step.name == run.name:
                    return step()
        raise UnknownStep(f"the plan of {self.migration} names the step {run.name!r}, which this release does not know")

    def context(self, run: StepRun) -> StepContext:
        return context.of(
            self.migration,
            run,
            token=self.lease.token,
            outside=self.outside,
            settings=self.settings,
            second_person=self.second_person,
        )

    def park(self, *, failure: str, detail: str, may_come_back: bool = False) -> None:
        """Stop and call a person; told once for each new failure."""
        migration = self.refresh()
        told_already = migration.failure == failure or {migration.failure, failure} <= NODE_IS_AWAY
        with transaction.atomic():
            states.park(
                migration,
                token=self.lease.token,
                now=self.now,
                failure=failure,
                detail=detail[:4000],
                may_come_back=may_come_back,
            )
            states.tell(migration, f"{failure}: {detail}", at=self.now, level="error")
            if not told_already:
                self.announce(migration, "failed", self.now)

    def retry_later(self, run: StepRun, reason: str) -> None:
        with transaction.atomic():
            recorder.try_again(run, self.lease, reason=reason)
            states.tell(self.migration, f"Trying again: {reason}", at=self.now, step=run.name, level="warning")


def recipe_name(method: str, migration: Migration) -> str:
    if migration.changes_address:
        return f"{method}_new_address"
    return f"{method}_new_name" if migration.new_hostname else method


class UnknownStep(Exception):
    """A plan names a step that does not exist here: an older or newer release made it."""
