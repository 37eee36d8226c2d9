"""What a contract suite is played on: two nodes behind a shell, pretend ones or those of the lab."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from migrations_app.ports.shell import Endpoint, Shell
from migrations_app.vz import gate
from migrations_app.vz.facts import CtConfig, Fact
from migrations_app.vz.gate import JobStatus, OpResult
from migrations_app.vz.ops import Define, JobOp, Op, Reserve, TrustAccept, TrustMake, TrustPin

T = TypeVar("T")
TOKEN = 1


@dataclass(frozen=True, kw_only=True)
class Guest:
    ctid: str
    address: str


class Stage(ABC):
    shell: Shell
    source: Endpoint
    target: Endpoint

    def __init__(self, first_migration: int) -> None:
        self._migrations = itertools.count(first_migration)

    @abstractmethod
    def guest(self) -> Guest:
        """Make a container with some data on the source; it runs and serves on port 80."""

    def migration(self) -> int:
        return next(self._migrations)

    def ask(self, node: Endpoint, fact: Fact[T]) -> T:
        return gate.ask(self.shell, node, fact)[0]

    def do(self, node: Endpoint, ctid: str, op: Op, *, token: int = TOKEN) -> OpResult:
        return gate.do(self.shell, node, ctid=ctid, token=token, op=op)

    def done(self, node: Endpoint, ctid: str, op: Op) -> str:
        """Carry out what must go well."""
        result = self.do(node, ctid, op)
        assert result.ok, result
        return result.output

    def start(self, node: Endpoint, ctid: str, key: str, op: JobOp) -> JobStatus:
        return gate.job_run(self.shell, node, key=key, ctid=ctid, token=TOKEN, op=op)

    def status(self, node: Endpoint, key: str, *, wait_seconds: float = 0) -> JobStatus:
        return gate.job_status(self.shell, node, key=key, wait_seconds=wait_seconds)

    def job(self, node: Endpoint, ctid: str, key: str, op: JobOp) -> JobStatus:
        """Run a job to its end."""
        self.start(node, ctid, key, op)
        for _ in range(60):
            status = self.status(node, key, wait_seconds=2)
            if status.state != "running":
                return status
        raise AssertionError(f"{key} does not end: {status}")

    def ran(self, node: Endpoint, ctid: str, key: str, op: JobOp) -> JobStatus:
        """Run a job that must go well."""
        status = self.job(node, ctid, key, op)
        assert status.exit_code == 0, status
        return status

    def befriend(self, ctid: str, migration: int) -> None:
        public_key = self.done(self.source, ctid, TrustMake(migration_id=migration)).strip()
        accept = TrustAccept(migration_id=migration, address=self.source.address, public_key=public_key)
        pin = TrustPin(migration_id=migration, address=self.target.address, public_key=self.target.host_key)
        self.done(self.target, ctid, accept)
        self.done(self.source, ctid, pin)

    def prepare(self, ctid: str, migration: int) -> None:
        """Bring a container's shape to the target: reserved, trusted, defined."""
        self.done(self.target, ctid, Reserve(migration_id=migration))
        self.befriend(ctid, migration)
        text = self.ask(self.source, CtConfig(ctid)).text
        self.ran(self.target, ctid, f"m{migration}-define-a1", Define(migration_id=migration, config_text=text))


def raises(error: type[Exception], act: Callable[..., Any], *args: Any, **kwargs: Any) -> Exception:
    """Return the error that must come, to be looked at."""
    try:
        act(*args, **kwargs)
    except error as seen:
        return seen
    raise AssertionError(f"{error.__name__} did not come")
