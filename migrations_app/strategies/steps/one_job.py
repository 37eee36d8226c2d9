"""Steps whose only trace is one job on one node."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, Literal

from migrations_app.execution.outcome import Done, RunOutcome
from migrations_app.execution.step import Step, StepContext
from migrations_app.strategies.steps import remote


class OneJob(Step, ABC):
    """The job bears the step's name; taken back, it is ended, and what it made goes with the reservation."""

    works_on: ClassVar[Literal["source", "target"]] = "source"

    def undo(self, ctx: StepContext) -> RunOutcome:
        remote.cancel(ctx, ctx.source if self.works_on == "source" else ctx.target, self.name)
        return Done()
