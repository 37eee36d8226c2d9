"""One detached job of a pretend node: a generator that yields the seconds it needs, and dies where it stands."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode


class JobFailed(Exception):
    """A tool gave up."""

    def __init__(self, code: int, error: str = "") -> None:
        super().__init__(error)
        self.code = code


@dataclass(kw_only=True)
class Job:
    node: FakeNode
    key: str
    ctid: str
    op: str
    args: list[str]
    stdin: bytes
    started_at: datetime
    wakes_at: datetime
    work: Generator[float, None, int] | None = None
    output: list[str] = field(default_factory=list)
    error: list[str] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    ended_at: datetime | None = None
    is_lost: bool = False
    spoke_at: datetime | None = None

    @property
    def state(self) -> str:
        if self.runs:
            return "running"
        return "lost" if self.is_lost else f"done {self.exit_code}"

    @property
    def age_seconds(self) -> float:
        return (self.node.world.clock() - self.started_at).total_seconds()

    @property
    def took_seconds(self) -> float | None:
        return None if self.ended_at is None else (self.ended_at - self.started_at).total_seconds()

    @property
    def quiet_seconds(self) -> float:
        return (self.node.world.clock() - (self.spoke_at or self.started_at)).total_seconds()

    def argument(self, position: int) -> str:
        return self.args[position] if position < len(self.args) else ""

    def say(self, *lines: str) -> None:
        self.output.extend(f"{line}\n" for line in lines)
        self.spoke_at = self.wakes_at

    def complain(self, *lines: str) -> None:
        self.error.extend(f"{line}\n" for line in lines)
        self.spoke_at = self.wakes_at

    @property
    def runs(self) -> bool:
        return self.work is not None

    def go_on(self) -> None:
        """Work until the next pause or the end."""
        assert self.work is not None
        try:
            self.wakes_at += timedelta(seconds=next(self.work))
        except StopIteration as end:
            self.die(self.wakes_at, exit_code=end.value)
        except JobFailed as failure:
            self.complain(*filter(None, [str(failure)]))
            self.die(self.wakes_at, exit_code=failure.code)

    def die(self, at: datetime, *, exit_code: int | None) -> None:
        work, self.work = self.work, None
        if work is not None:
            work.close()  # a generator that has ended does not mind
        self.exit_code, self.ended_at = exit_code, at
