"""A pretend fleet with memory: nodes, the network between them, and the clients that write all the time.

It keeps count of what must never happen (two copies of a container running, an address served twice, an acknowledged
write lost) at every change, whoever caused it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from migrations_app.execution.outside import Outside
from migrations_app.ports.nameserver import Server
from migrations_app.ports.shell import Endpoint, NodeUnreachable, ReplyLost
from tests.fakes.clock import SettableClock
from tests.fakes.container import FakeContainer
from tests.fakes.nameserver import FakeNameServers
from tests.fakes.node import FakeNode
from tests.fakes.probe import FakeProbe
from tests.fakes.shell import FakeShell

CALL_SECONDS = 0.02


class SimulatedKill(BaseException):
    """The panel's process dies here; nothing may catch it but the test."""


class InvariantBroken(AssertionError):
    """Something happened that must never happen."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call to the outside, and whether it was cut."""

    node: str
    words: tuple[str, ...]
    cut: str = ""


@dataclass(kw_only=True)
class _Cut:
    calls_left: int
    error: type[BaseException]
    takes_effect: bool


class FakeWorld:
    def __init__(self, *, nodes: int = 2) -> None:
        self.clock = SettableClock()
        self.nodes: dict[str, FakeNode] = {}
        self.nameservers = FakeNameServers()
        self.resolvers: tuple[Server, ...] = ()
        self.calls: list[Call] = []
        # What was carried out, in order: (node, ctid, words of the op). Asking leaves no trace here.
        self.effects: list[tuple[str, str, str]] = []
        self.violations: list[str] = []
        # Clients write to every address before every call, so that each moment of a migration sees a new write.
        self.clients_write = True
        self.acknowledged: dict[str, dict[str, int]] = {}  # identity -> path -> version
        self.failed_requests: list[str] = []
        self.stalled_requests = 0
        self.split_brain_is_expected = False
        self.partitions: set[frozenset[str]] = set()
        self._versions = itertools.count(1)
        self._cut: _Cut | None = None
        self._at_call: list[tuple[int, Callable[[], None]]] = []
        self._at_time: list[tuple[datetime, Callable[[], None]]] = []
        for number in range(1, nodes + 1):
            self.add_node(f"node-{number}", f"192.0.2.{10 + number}")

    # Making

    def add_node(self, name: str, address: str, *, port: int = 22) -> FakeNode:
        node = self.nodes[name] = FakeNode(self, name=name, address=address, port=port)
        return node

    def node(self, name: str) -> FakeNode:
        return self.nodes[name]

    def node_at(self, address: str, port: int | None = None) -> FakeNode | None:
        matches = (node for node in self.nodes.values() if node.address == address and port in (None, node.port))
        return next(matches, None)

    def next_version(self) -> int:
        return next(self._versions)

    @property
    def outside(self) -> Outside:
        return Outside(
            shell=FakeShell(self),
            probe=FakeProbe(self),
            clock=self.clock,
            nameserver=self.nameservers,
            resolvers=self.resolvers,
        )

    # Faults

    def cut_after(
        self, calls: int, error: type[BaseException] = ReplyLost, *, takes_effect: bool | None = None
    ) -> None:
        """Let the nth outside call from now fail.

        ``ReplyLost`` and ``SimulatedKill`` strike after the effect unless told otherwise, ``NodeUnreachable`` before.
        """
        effect = not issubclass(error, NodeUnreachable) if takes_effect is None else takes_effect
        self._cut = _Cut(calls_left=calls, error=error, takes_effect=effect)

    def heal(self) -> None:
        self._cut = None
        self.partitions.clear()

    def part(self, one: str, other: str) -> None:
        """Cut the network between two places: names of nodes, or "panel"."""
        self.partitions.add(frozenset((one, other)))

    def part_for(self, one: str, other: str, *, seconds: float) -> None:
        self.part(one, other)
        self.later(seconds, lambda: self.partitions.discard(frozenset((one, other))))

    def at_call(self, number: int, happens: Callable[[], None]) -> None:
        """Let something happen just before the nth outside call from now."""
        self._at_call.append((len(self.calls) + number, happens))

    def later(self, seconds: float, happens: Callable[[], None]) -> None:
        self._at_time.append((self.clock() + timedelta(seconds=seconds), happens))

    def _let_happen(self) -> None:
        due = [happens for number, happens in self._at_call if number <= len(self.calls)]
        self._at_call = [(number, happens) for number, happens in self._at_call if number > len(self.calls)]
        due += [happens for at, happens in self._at_time if at <= self.clock()]
        self._at_time = [(at, happens) for at, happens in self._at_time if at > self.clock()]
        for happens in due:
            happens()

    def can_reach(self, one: str, other: str) -> bool:
        node = self.nodes.get(other)
        return frozenset((one, other)) not in self.partitions and (node is None or node.is_up)

    @contextmanager
    def outside_call(self, node: str, words: tuple[str, ...]) -> Iterator[None]:
        """Count one call, let time pass and clients write, and fail where a fault was ordered."""
        cut = self._due_cut()
        self.calls.append(Call(node=node, words=words, cut=cut.error.__name__ if cut else ""))
        self.clock.advance(CALL_SECONDS)
        self._let_happen()
        self.settle()
        if cut and not cut.takes_effect:
            raise cut.error(f"cut before {words!r} on {node}")
        yield
        self.settle()
        if cut:
            raise cut.error(f"cut after {words!r} on {node}")

    def _due_cut(self) -> _Cut | None:
        if self._cut is None:
            return None
        self._cut.calls_left -= 1
        if self._cut.calls_left > 0:
            return None
        due, self._cut = self._cut, None
        return due

    # Life

    def wait(self, seconds: float) -> None:
        """Let time pass without anybody asking."""
        self.clock.advance(seconds)
        self._let_happen()
        self.settle()

    def settle(self) -> None:
        """Carry every job on to now."""
        for node in self.nodes.values():
            node.jobs.settle()
        self.moment()

    def moment(self) -> None:
        """Let clients write, and look whether all is still sound."""
        if self.clients_write:
            for address in self.addresses():
                self.request(address)
        self.check()

    def addresses(self) -> set[str]:
        return {address for node in self.nodes.values() for address in node.clients_know}

    def who_answers(self, address: str) -> list[FakeContainer]:
        """Return the containers that take new connections at this address, seen from outside."""
        return [
            container
            for node in self.nodes.values()
            if node.is_up and address not in node.dropped and node.hears(address)
            for container in (node.serving(address) or self._passed_on(node, address))
            if container.state == "running"
        ]

    def _passed_on(self, node: FakeNode, address: str) -> list[FakeContainer]:
        """Return who is reached through what the node passes on."""
        record = node.forwards.get(address)
        peer = self.node_at(record.peer) if record and record.in_force and record.side == "out" else None
        if record is None or peer is None or not self.can_reach(node.name, peer.name):
            return []
        if record.kind == "nat":
            return self.who_answers(record.new)
        back = peer.forwards.get(address)
        if back is None or not back.in_force or back.kind != record.kind or address in peer.dropped:
            return []
        return peer.serving(address)

    def is_held_back(self, address: str) -> bool:
        """Whether a new connection waits instead of failing: its packets are dropped, or its owner is frozen."""
        dropped = any(address in node.dropped for node in self.nodes.values())
        return dropped or any(node.serving(address) for node in self.nodes.values())

    def request(self, address: str) -> bool:
        """Let a client write once; return whether the write was acknowledged."""
        match self.who_answers(address):
            case [owner, *_] if owner.area is not None:
                self._count_arrival(address)
                version = self.next_version()
                path = f"data/journal/{version}"  # one file each, so that no later write hides a lost one
                owner.area.write(path, version=version)
                self.acknowledged.setdefault(owner.area.identity, {})[path] = version
                return True
            case _ if self.is_held_back(address):
                self.stalled_requests += 1
            case _:
                self.failed_requests.append(address)
        return False

    def _count_arrival(self, address: str) -> None:
        for node in self.nodes.values():
            record = node.forwards.get(address)
            if record is not None and record.in_force and record.side == "out":
                record.new_connections += 1
                record.packets += 5

    # What must hold

    def copies(self, identity: str) -> list[str]:
        """Return where copies with this data run, as NODE/CTID; a rehearsal is not one, nor is a frozen copy."""
        return [
            f"{node.name}/{container.ctid}"
            for node in self.nodes.values()
            for container in node.containers.values()
            if container.state == "running" and container.area is not None and container.area.identity == identity
            if not container.rehearses
        ]

    def identities(self) -> set[str]:
        containers = (ct for node in self.nodes.values() for ct in node.containers.values())
        return {container.area.identity for container in containers if container.area is not None}

    def check(self) -> None:
        if self.split_brain_is_expected:
            return
        for identity in self.identities():
            if len(running := self.copies(identity)) > 1:
                self.forbid(f"two copies run: {', '.join(running)}")
        for address in self.addresses():
            owners = [node.name for node in self.nodes.values() if node.serving(address) and node.hears(address)]
            if len(owners) > 1:
                self.forbid(f"{address} is served by {', '.join(owners)}")

    def forbid(self, what: str) -> None:
        """Note and raise; the note stays when somebody swallows the error."""
        self.violations.append(what)
        raise InvariantBroken(what)

    def lost_writes(self, identity: str) -> list[str]:
        """Return the acknowledged writes that the running copy, or the newest there is, does not have."""
        copies = [
            container.area
            for node in self.nodes.values()
            for container in node.containers.values()
            if container.area is not None and container.area.identity == identity and not container.rehearses
            if container.state == "running" or not self.copies(identity)
        ]
        wanted = self.acknowledged.get(identity, {})
        missing = [
            [path for path, version in wanted.items() if path not in area.files or area.files[path].content < version]
            for area in copies
        ]
        return min(missing, key=len, default=sorted(wanted))

    def announced_by(self, node: str) -> set[str]:
        return set(self.nodes[node].announced)

    def effects_of(self, op: str) -> list[tuple[str, str, str]]:
        return [effect for effect in self.effects if effect[2].split()[0] == op]


def endpoint(node: FakeNode) -> Endpoint:
    return Endpoint(name=node.name, address=node.address, port=node.port, host_key=node.host_key)
