"""Cut every call of every method, in every way a call can be cut: the end is that of an undisturbed move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from migrations_app.models import Approval, Migration
from migrations_app.ports.shell import NodeUnreachable, ReplyLost
from migrations_app.usecases.decide_approval import decide_approval
from tests.fakes.world import FakeWorld, SimulatedKill
from tests.moves import ADDRESS, begin, begin_to_new_address, run_to_end, story

Effect = tuple[str, str]  # node, operation
NEVER = 10**9
CALLERS_KNOW_THE_OLD_ADDRESS_FOR_SECONDS = 60
SHORT = {"forward_least_seconds": 60, "forward_quiet_seconds": 40}
HARMFUL_TWICE = ("start", "stop", "vzmigrate", "vzdump", "restore", "rehearse_start")


@dataclass(frozen=True)
class Cut:
    error: type[BaseException]
    takes_effect: bool


CUTS = {
    "reply-lost": Cut(ReplyLost, takes_effect=True),
    "unreachable": Cut(NodeUnreachable, takes_effect=False),
    "killed-before": Cut(SimulatedKill, takes_effect=False),
    "killed-after": Cut(SimulatedKill, takes_effect=True),
}
FAILURES: dict[str, tuple[str, Callable[[FakeWorld], None]]] = {
    "target does not start": ("stream", lambda world: world.node("node-2").fail("start", 50, "boom", times=9)),
    "source does not stop": ("stream", lambda world: world.node("node-1").hang("stop", times=9)),
    "dump fails": ("dump", lambda world: world.node("node-1").fail("vzdump", 1, "boom", times=9)),
    "restore fails": ("dump", lambda world: world.node("node-2").fail("restore", 255, "boom", times=9)),
    "not live": ("live", lambda world: world.node("node-1").fail("vzmigrate", 8, "boom", times=9)),
    "live in doubt": ("live", lambda world: world.node("node-1").fail("vzmigrate", 7, "boom", times=9)),
}


# Method, way, first call that is cut, and how many calls further the next one is. Live and the ways that leave an
# effect without an answer are tried at every call; dump shares most of its steps with stream.
SWEEPS = [
    *(("live", way, 1, 1) for way in CUTS),
    ("stream", "reply-lost", 1, 1),
    ("stream", "killed-after", 1, 1),
    ("stream", "unreachable", 1, 2),
    ("stream", "killed-before", 2, 2),
    *(("dump", way, first, 4) for first, way in enumerate(CUTS, start=1)),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "way", "first", "stride"), SWEEPS)
def test_a_move_ends_as_if_no_call_had_been_cut(method: str, way: str, first: int, stride: int) -> None:
    usual = _begun(_undisturbed_but(method, way, NEVER, lambda world: None)[0])
    cut_at, was_cut = first - stride, True
    while was_cut:
        cut_at += stride
        world, migration = _undisturbed_but(method, way, cut_at, lambda world: None)
        assert migration.state == Migration.State.DONE, story(migration)
        assert _where_it_runs(world) == ["node-2/101"]
        _assert_sound(world, cut_at, usual)
        was_cut = any(call.cut for call in world.calls)
    assert cut_at > 20


@pytest.mark.django_db
@pytest.mark.parametrize(("way", "first"), [(way, first) for first, way in enumerate(CUTS, start=1)])
def test_a_move_to_a_new_address_ends_as_if_no_call_had_been_cut(way: str, first: int, ada: User, boris: User) -> None:
    """It is approved while it waits, once: no cut makes it ask again, nor freeze without."""
    usual = _begun(_to_new_address_but(way, NEVER, ada, boris)[0])
    cut_at, was_cut = first - 4, True
    while was_cut:
        cut_at += 4
        world, migration = _to_new_address_but(way, cut_at, ada, boris)
        assert migration.state == Migration.State.DONE, story(migration)
        assert _where_it_runs(world) == ["node-far/101"]
        _assert_sound(world, cut_at, usual)
        assert all(not node.forwards and not node.dropped for node in world.nodes.values()), cut_at
        was_cut = any(call.cut for call in world.calls)
    assert cut_at > 20


def _to_new_address_but(way: str, cut_at: int, author: User, second: User) -> tuple[FakeWorld, Migration]:
    """Callers know the old address only, and stop coming once it is no longer passed on."""
    world, cut = FakeWorld(nodes=1), CUTS[way]
    mark = transaction.savepoint()
    migration = begin_to_new_address(world, "stream", actor=author)

    def approve() -> None:
        for asked in Approval.objects.filter(state="asked"):
            decide_approval(approval=asked, decision="approve", comment="", actor=second, now=world.clock())

    world.cut_after(cut_at, cut.error, takes_effect=cut.takes_effect)
    world.later(CALLERS_KNOW_THE_OLD_ADDRESS_FOR_SECONDS, world.node("node-1").clients_know.clear)
    try:
        migration = _run_through_kills(world, migration, meanwhile=approve, **SHORT)
        assert [one.state for one in Approval.objects.all()] == ["used"]
    finally:
        transaction.savepoint_rollback(mark)
    return world, migration


@pytest.mark.django_db
@pytest.mark.parametrize(("way", "first"), [("reply-lost", 1), ("killed-before", 2), ("killed-after", 3)])
@pytest.mark.parametrize("failure", FAILURES)
def test_a_rollback_ends_as_if_no_call_had_been_cut(failure: str, way: str, first: int) -> None:
    """Every call is cut in one of three ways."""
    method, break_something = FAILURES[failure]
    usual = _begun(_undisturbed_but(method, way, NEVER, break_something)[0])
    cut_at, was_cut = first - 3, True
    while was_cut:
        cut_at += 3
        world, migration = _undisturbed_but(method, way, cut_at, break_something)
        assert migration.state == Migration.State.ROLLED_BACK, story(migration)
        assert _where_it_runs(world) == ["node-1/101"]
        _assert_sound(world, cut_at, usual)
        _assert_nothing_is_left(world)
        was_cut = any(call.cut for call in world.calls)
    assert cut_at > 20


def _undisturbed_but(
    method: str, way: str, cut_at: int, break_something: Callable[[FakeWorld], None]
) -> tuple[FakeWorld, Migration]:
    """Run one move whose nth call to the outside is cut; the database forgets it afterwards."""
    world, cut = FakeWorld(), CUTS[way]
    mark = transaction.savepoint()
    migration = begin(world, method, fall_back_to_dump=False)
    break_something(world)
    world.cut_after(cut_at, cut.error, takes_effect=cut.takes_effect)
    try:
        migration = _run_through_kills(world, migration)
    finally:
        transaction.savepoint_rollback(mark)
    return world, migration


def _run_through_kills(world: FakeWorld, migration: Migration, **settings: Any) -> Migration:
    try:
        return run_to_end(world, migration, **settings)
    except SimulatedKill:
        return run_to_end(world, migration, **settings)


def _where_it_runs(world: FakeWorld) -> list[str]:
    (identity,) = world.acknowledged
    return world.copies(identity)


def _assert_sound(world: FakeWorld, cut_at: int, usual: Counter[Effect]) -> None:
    (identity,) = world.acknowledged
    where = f"cut at {cut_at}: {next((call.words for call in world.calls if call.cut), 'nothing')}"
    assert world.violations == [], where
    assert world.lost_writes(identity) == [], where
    assert world.failed_requests == [], where
    assert _begun(world) == usual, where


def _begun(world: FakeWorld) -> Counter[Effect]:
    return Counter((node, op) for node, _, words in world.effects if (op := words.split()[0]) in HARMFUL_TWICE)


def _assert_nothing_is_left(world: FakeWorld) -> None:
    source, target = world.node("node-1"), world.node("node-2")
    config = source.containers["101"].config
    assert config is not None
    assert (config["ONBOOT"], config["IP_ADDRESS"]) == ("yes", ADDRESS)
    assert (source.dropped, target.dropped) == ({}, {})
    for node in (source, target):
        assert (node.authorized, node.work, node.jobs.by_key) == ({}, {}, {})
    arrived = target.container("101")
    assert (arrived.config, arrived.area, arrived.incoming_for) == (None, None, None)
