"""The pretend fleet itself: it remembers, it refuses, and it notices what must never happen."""

from __future__ import annotations

import base64

import pytest

from migrations_app.ports.shell import HostKeyChanged, LoginRefused, NodeUnreachable, Reply, ReplyLost
from tests.fakes.node import FakeNode
from tests.fakes.world import FakeWorld, InvariantBroken, SimulatedKill, endpoint


def call(node: FakeNode, *words: str, stdin: bytes = b"") -> Reply:
    return node.world.outside.shell.call(endpoint(node), words, stdin=stdin)


def do(node: FakeNode, op: str, *args: str, ctid: str = "101", token: int = 1) -> int:
    reply = call(node, "do", ctid, str(token), op, *args)
    return int(reply.output.split()[0]) if reply.exit_code == 0 else reply.exit_code


def job(node: FakeNode, name: str, op: str, *args: str, stdin: bytes = b"") -> tuple[str, str]:
    """Start a job and wait for its end; return its state and output."""
    call(node, "job", "start", f"m7-{name}-a1", "101", "1", op, *args, stdin=stdin)
    for _ in range(100):
        state, output, *_ = call(node, "job", "status", f"m7-{name}-a1", "5").output.splitlines()
        if state != "running":
            return state, base64.b64decode(output.split()[1].replace("-", "")).decode()
    raise AssertionError("the job does not end")


def befriend(source: FakeNode, target: FakeNode) -> None:
    reply = call(source, "do", "101", "1", "trust_make", "7")
    kind, key, *_ = base64.b64decode(reply.output.split()[1]).decode().split()
    do(target, "trust_accept", "7", source.address, kind, key)
    do(source, "trust_pin", "7", target.address, *target.host_key.split())


@pytest.fixture
def source(world: FakeWorld) -> FakeNode:
    world.node("node-1").make_container("101", address="192.0.2.101")
    befriend(world.node("node-1"), world.node("node-2"))
    return world.node("node-1")


@pytest.fixture
def target(world: FakeWorld) -> FakeNode:
    return world.node("node-2")


def only_identity(world: FakeWorld) -> str:
    (identity,) = world.identities()
    return identity


def test_it_moves_a_container_live_and_loses_no_write(world: FakeWorld, source: FakeNode, target: FakeNode) -> None:
    state, output = job(source, "migrate", "vzmigrate", target.address, "7", "live", "0")
    assert state == "done 0"
    assert "Resuming container" in output
    assert world.copies(only_identity(world)) == ["node-2/101"]
    assert world.lost_writes(only_identity(world)) == []
    assert world.failed_requests == []
    assert ".migrated" in source.containers["101"].configs


def test_it_moves_a_container_by_stream_and_loses_no_write(
    world: FakeWorld, source: FakeNode, target: FakeNode
) -> None:
    config = base64.b64decode(call(source, "ask", "ct_config,101").output.split()[2])
    assert do(target, "reserve", "7") == 0
    assert job(target, "define", "define", "7", stdin=config)[0] == "done 0"
    assert job(source, "first", "sync", target.address, "7", "first", "0")[0] == "done 0"
    do(source, "freeze", "192.0.2.101")
    assert job(source, "stop", "stop", "60")[0] == "done 0"
    assert "data/journal" in job(source, "early", "sync", target.address, "7", "verify", "0")[1]
    assert job(source, "final", "sync", target.address, "7", "final", "0")[0] == "done 0"
    assert ">f" not in job(source, "verify", "sync", target.address, "7", "verify", "0")[1]
    do(target, "address", "192.0.2.101", "hostname=ct101.example.net")
    assert job(target, "start", "start")[0] == "done 0"
    do(source, "unfreeze", "192.0.2.101")
    world.settle()
    (identity,) = {container.area.identity for container in target.containers.values() if container.area}
    assert world.copies(identity) == ["node-2/101"]
    assert world.lost_writes(identity) == []
    assert world.failed_requests == []
    assert world.stalled_requests > 0


def test_it_moves_a_container_by_dump(world: FakeWorld, source: FakeNode, target: FakeNode) -> None:
    do(target, "reserve", "7")
    assert job(source, "dump", "vzdump", "7", "suspend", "0")[0] == "done 0"
    assert job(source, "push", "push_archive", target.address, "7", "0")[0] == "done 0"
    assert job(target, "restore", "restore", "7")[0] == "done 0"
    # The restored configuration still claims the source's address: starting it now would be a disaster.
    assert target.containers["101"].addresses == ("192.0.2.101",)


def test_it_counts_writes_that_were_left_behind(world: FakeWorld, source: FakeNode, target: FakeNode) -> None:
    config = base64.b64decode(call(source, "ask", "ct_config,101").output.split()[2])
    do(target, "reserve", "7")
    job(target, "define", "define", "7", stdin=config)
    job(source, "first", "sync", target.address, "7", "first", "0")
    world.settle()  # a client writes after the last sync
    job(source, "stop", "stop", "60")
    do(target, "address", "192.0.2.101")
    job(target, "start", "start")
    assert world.lost_writes(only_identity(world)) != []


def test_it_notices_two_running_copies() -> None:
    world = FakeWorld()
    container = world.node("node-1").make_container("101")
    twin = world.node("node-2").make_container("101", address="192.0.2.102")
    assert container.area is not None
    twin.area = container.area.copy()
    with pytest.raises(InvariantBroken, match="two copies run: node-1/101, node-2/101"):
        world.settle()
    assert world.violations


def test_it_notices_an_address_served_twice() -> None:
    world = FakeWorld()
    world.node("node-1").make_container("101", address="192.0.2.101")
    world.node("node-2").make_container("102", address="192.0.2.101")
    with pytest.raises(InvariantBroken, match=r"192\.0\.2\.101 is served by node-1, node-2"):
        world.settle()


def test_it_refuses_an_older_token(source: FakeNode) -> None:
    do(source, "set_onboot", "no", token=5)
    assert do(source, "set_onboot", "yes", token=4) == 75
    assert source.containers["101"].config is not None
    assert source.containers["101"].config["ONBOOT"] == "no"


@pytest.mark.parametrize("words", [("id",), ("do", "101", "1", "sh"), ("hello", ";"), ("ask", "passwd"), ("ask",)])
def test_it_refuses_what_the_gate_does_not_know(source: FakeNode, words: tuple[str, ...]) -> None:
    assert call(source, *words).exit_code == 64


def test_it_needs_trust_for_everything_between_nodes(world: FakeWorld) -> None:
    source, target = world.node("node-1"), world.node("node-2")
    source.make_container("101")
    assert job(source, "migrate", "vzmigrate", target.address, "7", "live", "0")[0] == "done 4"
    assert job(source, "first", "sync", target.address, "7", "first", "0")[0] == "done 255"


def test_it_starts_a_job_once(world: FakeWorld, source: FakeNode) -> None:
    words = ("job", "start", "m7-stop-a1", "101", "1", "stop", "60")
    assert call(source, *words).output == "started\n"
    assert call(source, *words).output == "adopted\n"
    assert len(world.effects_of("stop")) == 1


def test_it_leaves_lock_and_frozen_processes_when_a_move_is_killed(
    world: FakeWorld, source: FakeNode, target: FakeNode
) -> None:
    call(source, "job", "start", "m7-migrate-a1", "101", "1", "vzmigrate", target.address, "7", "live", "0")
    while source.containers["101"].state != "frozen":
        world.clock.advance(0.1)
        world.settle()
    source.jobs.kill("m7-migrate-a1")
    assert call(source, "job", "status", "m7-migrate-a1").output.splitlines()[0] == "done 137"
    assert do(source, "thaw") == 0
    assert do(source, "clear_stale_lock") == 0
    assert target.containers["101"].exists


def test_it_cannot_freeze_a_container_into_which_somebody_looked(
    world: FakeWorld, source: FakeNode, target: FakeNode
) -> None:
    call(source, "job", "start", "m7-migrate-a1", "101", "1", "vzmigrate", target.address, "7", "live", "0")
    call(source, "ask", "ct_listen,101")
    assert job(source, "migrate", "vzmigrate", target.address, "7", "live", "0")[0] == "done 8"
    assert source.containers["101"].state == "running"


@pytest.mark.parametrize(("error", "had_effect"), [(ReplyLost, True), (SimulatedKill, True), (NodeUnreachable, False)])
def test_it_cuts_the_ordered_call(
    world: FakeWorld, source: FakeNode, error: type[BaseException], had_effect: bool
) -> None:
    world.cut_after(2, error)
    call(source, "hello")
    with pytest.raises(error):
        do(source, "set_onboot", "no")
    assert (source.containers["101"].config or {})["ONBOOT"] == ("no" if had_effect else "yes")
    assert do(source, "set_onboot", "no") == 0


def test_it_shows_its_shell_only_to_those_who_know_its_key(world: FakeWorld, source: FakeNode) -> None:
    known = endpoint(source)
    source.host_key = "ssh-ed25519 AAAAother"
    with pytest.raises(HostKeyChanged):
        world.outside.shell.call(known, ("hello",))
    source.accepts_panel = False
    with pytest.raises(LoginRefused):
        call(source, "hello")
    source.is_up = False
    with pytest.raises(NodeUnreachable):
        call(source, "hello")


def test_its_probe_sees_what_a_client_sees(world: FakeWorld, source: FakeNode) -> None:
    probe = world.outside.probe
    assert probe.connect("192.0.2.101", 80, timeout_seconds=1).answers
    assert probe.connect("192.0.2.101", 81, timeout_seconds=1).detail == "Connection refused"
    source.dropped["192.0.2.101"] = "101"
    assert probe.connect("192.0.2.101", 80, timeout_seconds=1).detail == "no answer within 1 s"
