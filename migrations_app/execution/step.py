"""A step: four questions, and the little a step may know when it answers them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from migrations_app.execution import remote_job
from migrations_app.execution.outcome import CheckOutcome, Done, Evidence, Ready, Repeat, RunOutcome
from migrations_app.execution.outside import Outside
from migrations_app.execution.remote_job import JobStatus
from migrations_app.execution.second_person import NOBODY, SecondPerson
from migrations_app.ports.shell import Endpoint
from migrations_app.vz import gate
from migrations_app.vz.facts import Fact
from migrations_app.vz.gate import OpResult
from migrations_app.vz.ops import JobOp, Op

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be done, as scheduled: the migration's row as a value."""

    migration_id: int
    ctid: str
    target_ctid: str
    method: str
    hostname: str
    addresses: tuple[str, ...]
    new_addresses: tuple[str, ...] = ()  # each in the place of the old one; empty: it keeps them
    new_hostname: str = ""  # empty: it keeps it
    # Where it comes back while its old addresses are still passed on: those that it answers at beside its own.
    passed_on: tuple[str, ...] = ()
    returns: int | None = None  # the migration that this one takes back
    forward_released: bool = False  # a person's word that the old addresses need not be passed on any longer
    fall_back_to_dump: bool
    full_backup: bool
    rehearse: bool
    bandwidth_limit_kib: int  # 0: no cap
    freeze_budget_seconds: float
    retention_days: int
    settings: Mapping[str, Any]  # thresholds, as in settings.OVZ

    @property
    def addresses_there(self) -> tuple[str, ...]:
        """The addresses that it has on the target."""
        return self.new_addresses or self.addresses

    @property
    def replaced(self) -> tuple[tuple[str, str], ...]:
        """Pairs of old and new address; none where it keeps them."""
        return tuple(zip(self.addresses, self.new_addresses, strict=True)) if self.new_addresses else ()


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """One step's view: the order, both nodes, what earlier steps left as evidence, and the time."""

    order: Order
    source: Endpoint
    target: Endpoint
    home: Endpoint  # where the container lives now; after later migrations neither of the two need be it
    outside: Outside
    token: int
    attempt: int
    undo_attempt: int  # rises with every try to take the step back, so that each starts jobs of its own
    frozen: bool
    passed_point_of_no_return: bool
    started_at: datetime | None
    second_person: SecondPerson = NOBODY
    begun: frozenset[str] = frozenset()  # names of all steps that have acted, also those taken back since
    evidence: Mapping[str, Evidence] = field(default_factory=dict)  # by step name, newest run of it

    @property
    def now(self) -> datetime:
        return self.outside.clock()

    def evidence_of(self, step_name: str) -> Evidence:
        return self.evidence.get(step_name, {})

    def ask(self, node: Endpoint, fact: Fact[T]) -> T:
        """Return what the node says of one fact.

        :raises FactUnreadable: the tool answered something that is not an answer.
        """
        return gate.ask(self.outside.shell, node, fact)[0]

    def ask_all(self, node: Endpoint, *facts: Fact[Any]) -> tuple[Any, ...]:
        """Return several facts in one call, in the order asked; one connection, one moment."""
        return gate.ask(self.outside.shell, node, *facts)

    def must(self, node: Endpoint, op: Op) -> str:
        """Carry out one short operation and return what it said.

        :raises OpFailed: it did not succeed.
        """
        result = self.do(node, op)
        if result.exit_code != 0:
            raise OpFailed(node.name, op, result)
        return result.output

    def do(self, node: Endpoint, op: Op) -> OpResult:
        """Carry out one short operation on a node, fenced by this lease's token."""
        ctid = self.order.ctid if node == self.source else self.order.target_ctid
        return gate.do(self.outside.shell, node, ctid=ctid, token=self.token, op=op)

    def job(
        self, node: Endpoint, name: str, op: JobOp, *, wait_seconds: float = 0, attempt: int | None = None
    ) -> JobStatus:
        """Start the named job on the node, or adopt the one that is there, and say how it stands.

        The key is fixed before anything starts, so a second caller, or this one after a crash, meets the same job.
        """
        ctid = self.order.ctid if node == self.source else self.order.target_ctid
        return remote_job.start_or_adopt(
            self.outside.shell,
            node,
            key=self.job_key(name, attempt),
            ctid=ctid,
            token=self.token,
            op=op,
            wait_seconds=wait_seconds,
        )

    def job_key(self, name: str, attempt: int | None = None) -> str:
        return f"m{self.order.migration_id}-{name}-a{self.attempt if attempt is None else attempt}"


class OpFailed(Exception):
    """A short operation on a node did not succeed; it may be tried again."""

    def __init__(self, node: str, op: Op, result: OpResult) -> None:
        said = (result.error or result.output).strip() or "nothing"
        super().__init__(f"{op.name} on {node} ended with exit code {result.exit_code} and said: {said[:500]}")


class Step(ABC):
    """One act of a migration; it never sleeps, and its functions last seconds at most."""

    name: ClassVar[str]
    title: ClassVar[str]  # for staff, imperative: "Copy the dump to the target node"
    public_phrase: ClassVar[str] = "preparing"  # for customers: one of customers.exposure.PHRASES
    reversible: ClassVar[bool] = True
    # True on the step after whose verification the work rolls forward only.
    point_of_no_return: ClassVar[bool] = False
    opens_freeze: ClassVar[bool] = False
    closes_freeze: ClassVar[bool] = False
    # True where nothing has stopped yet, so that a pause or a closing window may hold the migration before it.
    may_wait_before: ClassVar[bool] = True
    retry_limit: ClassVar[int] = 3
    # True where nothing happens while it runs: a pause or a closing window holds it as if it had not begun.
    only_waits: ClassVar[bool] = False
    # True where what was done grows old while the migration waits for a person before its freeze.
    grows_stale: ClassVar[bool] = False

    def may_interrupt(self, ctx: StepContext) -> bool:
        """Return whether what runs now may be cut short by a person's cancel."""
        return True

    def check(self, ctx: StepContext) -> CheckOutcome:
        """Ask reality; change nothing. All objections at once."""
        return Ready()

    def admit(self, ctx: StepContext) -> Ready | Repeat:
        """Say whether it may begin, in the transaction that notes that it does; rows alone may be changed."""
        return Ready()

    @abstractmethod
    def run(self, ctx: StepContext) -> RunOutcome | Repeat:
        """Change the world a little; safe to call again after a kill at any line."""

    def verify(self, ctx: StepContext) -> RunOutcome:
        """Look with other eyes than ``run``; change nothing. Evidence is added to that of ``run``."""
        return Done()

    def undo(self, ctx: StepContext) -> RunOutcome:
        """Take back what ``run`` did or may have half done; safe to call again, and when nothing was done."""
        return Done()
