"""Somebody edits the zone at any moment between plan and publication: nothing of theirs is ever overwritten."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.ports.nameserver import Key, NameServer, RRset, Server, Update
from migrations_app.zones import publish
from migrations_app.zones.plan import Guarantee, RecordChange
from migrations_app.zones.publish import Conflict, Settled
from migrations_app.zones.rfc2136 import NameServerProvider
from tests.nameservers import bind
from tests.nameservers.ground import KEY, OTHER_KEY, ZONE_TEXT

EDITS, ZONES_AT_ONCE = 1_000, 4
MOST_CALLS = 8  # a publication takes seven at least: look, update, look
net = DnsNameServer()


@pytest.fixture(scope="module")
def real() -> Iterator[Server]:
    text = ZONE_TEXT.replace("ns1.example.net.", "ns1")
    with bind.primary({f"race-{number}.example.": text for number in range(ZONES_AT_ONCE)}) as running:
        yield running.server


@dataclass
class Interrupted:
    """A provider's way to the server, on which somebody else acts before the n-th call."""

    server: Server
    at_call: int
    edit: RRset
    zone: str
    calls: int = 0
    real: NameServer = field(default_factory=DnsNameServer)

    def ask(self, *args: object, **kwargs: object) -> object:
        self._moment()
        return self.real.ask(*args, **kwargs)  # type: ignore[arg-type]

    def update(self, server: Server, update: Update, *, key: Key | None = None, timeout_seconds: float = 5) -> None:
        self._moment()
        self.real.update(server, update, key=key, timeout_seconds=timeout_seconds)
        self._moment()

    def _moment(self) -> None:
        if self.calls == self.at_call:
            self.intrude()
        self.calls += 1

    def intrude(self) -> None:
        self.real.update(self.server, Update(zone=self.zone, requires=(), puts=(self.edit,)), key=OTHER_KEY)


def test_none_of_a_thousand_edits_is_overwritten(real: Server) -> None:
    share = EDITS // ZONES_AT_ONCE
    with ThreadPoolExecutor(ZONES_AT_ONCE) as pool:
        told = list(pool.map(lambda number: _race(real, f"race-{number}.example.", share), range(ZONES_AT_ONCE)))
    overwritten = [one for lost, _ in told for one in lost]
    results = [kind for _, kinds in told for kind in kinds]
    assert overwritten == []
    assert len(results) == EDITS
    # Before the update most of them make it void; after it they are simply later.
    assert results.count("Conflict") > EDITS // 4
    assert results.count("Settled") > EDITS // 4


def _race(real: Server, zone: str, rounds: int) -> tuple[list[str], list[str]]:
    """Return the edits that were lost, and how each publication ended."""
    chance, lost, ends = random.Random(zone), [], []
    stands = RRset(name=f"shop.{zone}", type="A", ttl=3600, values=("192.0.2.101",))
    for number in range(rounds):
        change = RecordChange(
            zone=zone,
            server="ns1",
            before=stands,
            after=replace(stands, ttl=60, values=("198.51.100.1",)),
            why=(),
            guarantee=Guarantee.GUARDED,
        )
        edit = _edit(stands, number, chance)
        way = Interrupted(server=real, at_call=chance.randrange(MOST_CALLS), edit=edit, zone=zone)
        result = publish.settle(NameServerProvider(nameserver=way, server=real, key=KEY), zone, [change])  # type: ignore[arg-type]
        if way.calls <= way.at_call:
            way.intrude()
        if not isinstance(result, Conflict | Settled) or net.ask(real, edit.name, "A").find(edit.name, "A") != edit:
            lost.append(f"{edit} at call {way.at_call}")
        ends.append(type(result).__name__)
        stands = edit
    return lost, ends


def _edit(stands: RRset, number: int, chance: random.Random) -> RRset:
    """Another address, one more address, or another TTL alone; never one that ours has."""
    address = f"192.0.{number % 200 + 3}.{chance.randrange(1, 255)}"
    return chance.choice(
        [
            replace(stands, ttl=3600 + number, values=(address,)),
            replace(stands, ttl=3600 + number, values=tuple(sorted({stands.values[0], address}))),
            replace(stands, ttl=7200 + number),
        ]
    )
