"""Installing what a node lacks, after a yes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migrations_app.models import AuditLine, Preparation
from migrations_app.ports.shell import NodeUnreachable, Reply, ReplyLost
from migrations_app.usecases.follow_preparation import follow_preparation
from tests.factories import make_node
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld, SimulatedKill

pytestmark = pytest.mark.django_db

MOST_LOOKS = 1000


def make_preparation(world: FakeWorld, **overrides: Any) -> Preparation:
    values = {"need": "rsync", "command": "yum -y install rsync", "state": "accepted", "updated_at": START}
    node = make_node(fake=world.node("node-1"))
    world.node("node-1").tools["rsync"] = ""
    return Preparation.objects.create(node=node, next_look_at=START, **values | overrides)


def look(preparation: Preparation, world: FakeWorld) -> Preparation:
    follow_preparation(preparation_id=preparation.pk, outside=world.outside)
    preparation.refresh_from_db()
    return preparation


def follow_to_the_end(preparation: Preparation, world: FakeWorld) -> Preparation:
    for _ in range(MOST_LOOKS):
        look(preparation, world)
        if preparation.state != "accepted":
            return preparation
        assert preparation.next_look_at is not None
        world.clock.set(max(world.clock(), preparation.next_look_at))
    raise AssertionError("it never ends")


def jobs(world: FakeWorld) -> list[str]:
    return list(world.node("node-1").jobs.by_key)


@pytest.mark.parametrize("need", ["rsync", "vzdump", "ntp"])
def test_it_installs_and_looks_whether_it_is_there(world: FakeWorld, need: str) -> None:
    fake = world.node("node-1")
    fake.tools["vzdump"], fake.ntp_client = "", ""
    preparation = follow_to_the_end(make_preparation(world, need=need), world)
    assert (preparation.state, preparation.next_look_at) == ("done", None)
    assert jobs(world) == [f"n{preparation.node_id}-install_{need}-a1"]
    assert [effect[1:] for effect in world.effects] == [("0", f"install {need}")]


def test_it_says_that_the_node_is_at_work_and_when_it_looks_again(world: FakeWorld) -> None:
    preparation = look(make_preparation(world), world)
    assert (preparation.state, preparation.detail) == ("accepted", "The node is at work.")
    assert preparation.next_look_at is not None
    assert world.clock() < preparation.next_look_at <= world.clock() + timedelta(seconds=5)


def test_it_has_the_node_looked_at_afterwards(world: FakeWorld) -> None:
    preparation = follow_to_the_end(make_preparation(world), world)
    preparation.node.refresh_from_db()
    assert preparation.node.next_scan_at is not None
    assert preparation.node.next_scan_at <= world.clock()


def test_it_does_not_believe_the_package_tool(world: FakeWorld) -> None:
    preparation = make_preparation(world)
    look(preparation, world)
    world.clock.advance(10)
    world.settle()
    world.node("node-1").tools["rsync"] = ""
    assert look(preparation, world).state == "failed"
    assert "still missing" in preparation.detail


def test_it_shows_what_the_package_tool_complained_of(world: FakeWorld) -> None:
    preparation = make_preparation(world)
    world.node("node-1").fail("install", 1, "\x1b[31mNo package \u202ersync available.\x1b[0m")
    preparation = follow_to_the_end(preparation, world)
    assert preparation.state == "failed"
    assert preparation.detail == "It ended with exit code 1. No package rsync available."


def test_it_ends_an_installation_that_hangs(world: FakeWorld) -> None:
    preparation = make_preparation(world)
    world.node("node-1").hang("install")
    preparation = follow_to_the_end(preparation, world)
    assert preparation.state == "failed"
    assert "Ended after 900 s" in preparation.detail
    assert world.clock() - START < timedelta(seconds=1000)
    assert not any(job.runs for job in world.node("node-1").jobs.by_key.values())


def test_a_new_attempt_is_a_new_job(world: FakeWorld) -> None:
    preparation = make_preparation(world)
    world.node("node-1").fail("install", 1)
    follow_to_the_end(preparation, world)
    Preparation.objects.update(state="accepted", attempt=2, next_look_at=world.clock())
    assert follow_to_the_end(preparation, world).state == "done"
    assert [key.rpartition("-")[2] for key in jobs(world)] == ["a1", "a2"]


def test_it_waits_for_a_node_that_is_away(world: FakeWorld) -> None:
    preparation = make_preparation(world)
    world.node("node-1").is_up = False
    look(preparation, world)
    assert (preparation.state, jobs(world)) == ("accepted", [])
    assert "Trying again" in preparation.detail
    world.node("node-1").is_up = True
    assert follow_to_the_end(preparation, world).state == "done"


def test_it_ends_when_the_gate_refuses(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = make_preparation(world)
    refusal = Reply(exit_code=64, output="", error="refused: unknown job operation\n")
    monkeypatch.setattr(world.node("node-1").gate, "call", lambda words, stdin: refusal)
    assert look(preparation, world).state == "failed"
    assert "unknown job operation" in preparation.detail


@pytest.mark.parametrize("state", ["offered", "done", "failed"])
def test_it_leaves_what_nobody_accepted_alone(world: FakeWorld, state: str) -> None:
    assert look(make_preparation(world, state=state), world).state == state
    assert world.calls == []


def test_it_writes_one_audit_line_at_the_end(world: FakeWorld) -> None:
    preparation = follow_to_the_end(make_preparation(world), world)
    line = AuditLine.objects.get()
    assert (line.verb, line.actor, line.subject) == ("preparation_done", None, preparation.node.name)


@pytest.mark.parametrize("error", [SimulatedKill, ReplyLost, NodeUnreachable])
@pytest.mark.parametrize("takes_effect", [True, False])
@pytest.mark.parametrize("call", range(1, 8))
def test_it_installs_once_wherever_it_was_cut(
    world: FakeWorld, call: int, error: type[BaseException], takes_effect: bool
) -> None:
    preparation = make_preparation(world)
    world.cut_after(call, error, takes_effect=takes_effect)
    try:
        follow_to_the_end(preparation, world)
    except SimulatedKill:
        follow_to_the_end(preparation, world)
    preparation.refresh_from_db()
    assert preparation.state == "done"
    assert len(world.effects) == 1
