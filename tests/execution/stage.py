"""A recipe of pretend steps: what they are told to answer, and what they did to the world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings

from migrations_app.execution import engine, recorder
from migrations_app.execution.engine import TickResult
from migrations_app.execution.outcome import CheckOutcome, Done, Ready, RunOutcome
from migrations_app.execution.outside import Outside
from migrations_app.execution.step import Step, StepContext
from migrations_app.models import Migration
from tests.factories import make_migration
from tests.fakes.clock import START, SettableClock
from tests.fakes.nameserver import FakeNameServers
from tests.fakes.probe import FakeProbe
from tests.fakes.shell import FakeShell
from tests.fakes.world import FakeWorld

MOST_TICKS = 400
Answer = Any  # an outcome, an exception to raise, or a function of the context that returns an outcome


class Stage:
    def __init__(self) -> None:
        self.clock = SettableClock()
        self.done: list[str] = []  # "+name" and "-name", in the order in which the world changed
        self.answers: dict[str, list[Answer]] = defaultdict(list)  # by "name.question", first one first
        self.announced: list[str] = []
        self.before_each: Callable[[], None] = lambda: None
        self.after_each: Callable[[], None] = lambda: None
        self.recipes: dict[str, tuple[type[Step], ...]] = {}
        world = FakeWorld()
        self.outside = Outside(
            shell=FakeShell(world),
            probe=FakeProbe(world),
            clock=self.clock,
            nameserver=FakeNameServers(),
            resolvers=(),
        )

    # Making

    def step(self, name: str, **facts: Any) -> type[Step]:
        return type(name, (PretendStep,), {"name": name, "title": name.capitalize(), "stage": self} | facts)

    def play(self, *steps: str | type[Step], **overrides: Any) -> Migration:
        """Make a migration of these steps, due now; a string is a step without anything special."""
        recipe = tuple(self.step(step) if isinstance(step, str) else step for step in steps)
        self.recipes["dump"] = recipe
        migration = make_migration(method="dump", **overrides)
        recorder.write_plan(migration, recipe)
        return migration

    def tell(self, question: str, *answers: Answer) -> None:
        """Let "name.question" (check, run, verify, undo) answer so the next times, and well after that."""
        self.answers[question].extend(answers)

    # Playing

    def tick(self, migration: Migration) -> TickResult:
        return engine.advance(
            migration.pk,
            recipes=self.recipes,
            outside=self.outside,
            settings=settings.OVZ,
            announce=self._announce,
        )

    def tick_to_end(self, migration: Migration) -> Migration:
        """Tick whenever a tick is due, and return the row once no more are wanted."""
        for _ in range(MOST_TICKS):
            due = self.tick(migration).next_tick_at
            if due is None:
                migration.refresh_from_db()
                return migration
            self.clock.set(max(self.clock(), due))
        raise AssertionError(f"{migration} does not end: {self.done[-5:]}")

    def _announce(self, migration: Migration, kind: str, now: datetime) -> None:
        self.announced.append(kind)

    # What steps do

    def ask(self, question: str, ctx: StepContext, otherwise: Any) -> Any:
        answer = self.answers[question].pop(0) if self.answers[question] else otherwise
        if isinstance(answer, BaseException):
            raise answer
        return answer(ctx) if callable(answer) else answer

    def change(self, what: str) -> None:
        """Change the world, unless it is so already: steps are asked again after a kill."""
        self.before_each()
        if not self.done or what not in self.standing():
            self.done.append(what)
        self.after_each()

    def standing(self) -> Mapping[str, None]:
        """What stands at this moment: done and not taken back, or taken back and not done again."""
        return {("+" if change[0] == "+" else "-") + change[1:]: None for change in self._newest().values()}

    def _newest(self) -> dict[str, str]:
        return {change[1:]: change for change in self.done}


class PretendStep(Step):
    stage: ClassVar[Stage]

    def check(self, ctx: StepContext) -> CheckOutcome:
        return self.stage.ask(f"{self.name}.check", ctx, Ready())

    def run(self, ctx: StepContext) -> RunOutcome:
        outcome = self.stage.ask(f"{self.name}.run", ctx, Done())
        if isinstance(outcome, Done):
            self.stage.change(f"+{self.name}")
        return outcome

    def verify(self, ctx: StepContext) -> RunOutcome:
        return self.stage.ask(f"{self.name}.verify", ctx, Done())

    def undo(self, ctx: StepContext) -> RunOutcome:
        outcome = self.stage.ask(f"{self.name}.undo", ctx, Done())
        if isinstance(outcome, Done):
            self.stage.change(f"-{self.name}")
        return outcome


def begun(**overrides: Any) -> dict[str, Any]:
    """Columns of a migration that is under way."""
    return {"state": Migration.State.RUNNING, "started_at": START} | overrides
