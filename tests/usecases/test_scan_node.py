"""Looking at a node."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from migrations_app.models import AuditLine, Container, Node, Reservation
from migrations_app.ports.shell import Reply, ReplyLost
from migrations_app.usecases.scan_node import scan_node
from tests.factories import make_container, make_customer, make_migration, make_node
from tests.fakes.clock import START
from tests.fakes.node import FakeNode
from tests.fakes.work import public_key
from tests.fakes.world import FakeWorld

pytestmark = pytest.mark.django_db


def look_at(node: Node, world: FakeWorld, **overrides: Any) -> Node:
    scan_node(node_id=node.pk, outside=world.outside, settings=settings.OVZ | overrides)
    node.refresh_from_db()
    return node


class Impostor:
    """Something else than the gate, bound to the panel's key."""

    def __init__(self, exit_code: int = 127, output: str = "", error: str = "sh: hello: not found\n") -> None:
        self.reply = Reply(exit_code=exit_code, output=output, error=error)

    def call(self, words: tuple[str, ...], stdin: bytes) -> Reply:
        return self.reply


class Garbled:
    """The gate, but one tool prints something else than it should."""

    def __init__(self, node: FakeNode, **outputs: str) -> None:
        self.gate, self.outputs = node.gate, outputs

    def call(self, words: tuple[str, ...], stdin: bytes) -> Reply:
        reply = self.gate.call(words, stdin)
        rows = [self._garbled(row.split(" ")) for row in reply.output.splitlines()]
        return Reply(exit_code=reply.exit_code, output="".join(f"{row}\n" for row in rows), error=reply.error)

    def _garbled(self, row: list[str]) -> str:
        if (output := self.outputs.get(row[0])) is not None:
            row = [row[0], "0", base64.b64encode(output.encode()).decode() or "-", "-"]
        return " ".join(row)


# A node on its way into the fleet


def test_it_fetches_the_host_key_of_a_new_node_and_waits_for_a_person(world: FakeWorld) -> None:
    fake = world.node("node-1")
    node = look_at(make_node(fake=fake, state=Node.State.NEW, host_key="", offered_host_key=""), world)
    assert (node.state, node.offered_host_key, node.host_key) == (Node.State.KEY_OFFERED, fake.host_key, "")
    assert [call.words for call in world.calls] == [("host-key",)]


def test_it_shows_another_key_when_the_node_offers_another_before_one_is_pinned(world: FakeWorld) -> None:
    fake = world.node("node-1")
    node = make_node(fake=fake, state=Node.State.KEY_OFFERED, host_key="")
    fake.host_key = public_key("another")
    assert look_at(node, world).offered_host_key == fake.host_key


def test_it_refuses_a_host_key_of_an_unknown_kind(world: FakeWorld) -> None:
    world.node("node-1").host_key = "ssh-dss AAAA<script>"
    node = look_at(make_node(fake=world.node("node-1"), state=Node.State.NEW, offered_host_key=""), world)
    assert (node.state, node.offered_host_key, node.fault) == (Node.State.NEW, "", "HostKeyUnreadable")


def test_it_makes_a_pinned_node_ready_once_the_gate_answers(world: FakeWorld) -> None:
    node = look_at(make_node(fake=world.node("node-1"), state=Node.State.KEY_PINNED), world)
    assert (node.state, node.fault) == (Node.State.READY, "")


def test_it_says_what_to_do_while_nobody_ran_the_command(world: FakeWorld) -> None:
    world.node("node-1").accepts_panel = False
    node = look_at(make_node(fake=world.node("node-1"), state=Node.State.KEY_PINNED), world)
    assert (node.state, node.fault) == (Node.State.KEY_PINNED, "LoginRefused")
    assert "Run the command" in node.fault_detail


# Named faults


def test_it_names_a_node_that_does_not_answer(world: FakeWorld) -> None:
    world.node("node-1").is_up = False
    assert look_at(make_node(fake=world.node("node-1")), world).fault == "NodeUnreachable"


def test_it_names_a_node_that_falls_silent(world: FakeWorld) -> None:
    world.node("node-1").is_silent = True
    assert look_at(make_node(fake=world.node("node-1")), world).fault == "ReplyLost"


def test_it_names_a_wrong_host_key_and_sends_nothing_else(world: FakeWorld) -> None:
    node = look_at(make_node(fake=world.node("node-1"), host_key=public_key("pinned before")), world)
    assert (node.fault, node.host_key) == ("HostKeyChanged", public_key("pinned before"))
    assert len(world.calls) == 1


@pytest.mark.parametrize(
    "impostor", [Impostor(), Impostor(0, "uid=0(root)\n"), Impostor(0, "ovzgate 99 node-1\n"), Impostor(0, "")]
)
def test_it_names_a_missing_gate(world: FakeWorld, impostor: Impostor) -> None:
    world.node("node-1").gate = impostor  # type: ignore[assignment]
    node = look_at(make_node(fake=world.node("node-1")), world)
    assert node.fault == "GateMissing"
    assert "Run the command" in node.fault_detail


@pytest.mark.parametrize("version", ["", "present", "3.0.28", "4.2", "5.0", "9"])
def test_it_names_an_unknown_tool_version(world: FakeWorld, version: str) -> None:
    world.node("node-1").tools["vzctl"] = version
    assert look_at(make_node(fake=world.node("node-1")), world).fault == "UnknownToolVersion"


@pytest.mark.parametrize("version", ["4.3", "4.11.1", "7.0.194"])
def test_it_takes_the_versions_it_knows(world: FakeWorld, version: str) -> None:
    world.node("node-1").tools["vzctl"] = version
    assert look_at(make_node(fake=world.node("node-1")), world).fault == ""


def test_it_names_a_kernel_that_is_not_openvz(world: FakeWorld) -> None:
    world.node("node-1").kernel = "6.12.0-amd64"
    assert look_at(make_node(fake=world.node("node-1")), world).fault == "NotAnOpenVzNode"


@pytest.mark.parametrize(
    "output", ["", "nonsense", "\x1b]0;title\x07", "<script>" * 1000, "processors=-1\nload=a b c\n"]
)
def test_it_names_unreadable_output_and_keeps_what_it_can_read(world: FakeWorld, output: str) -> None:
    fake = world.node("node-1")
    fake.make_container("101")
    fake.gate = Garbled(fake, cpu=output)  # type: ignore[assignment]
    node = look_at(make_node(fake=fake, cpu_count=7, memory_total_mib=1), world)
    assert node.fault == "FactUnreadable"
    assert "cpu" in node.fault_detail
    assert "\x1b" not in node.fault_detail
    assert (node.cpu_count, node.memory_total_mib) == (7, 16_384)
    assert Container.objects.get().ctid == "101"


def test_it_forgets_a_fault_that_is_over(world: FakeWorld) -> None:
    node = look_at(make_node(fake=world.node("node-1"), fault="NodeUnreachable", fault_detail="gone"), world)
    assert (node.fault, node.fault_detail) == ("", "")


def test_it_bounds_numbers_that_no_machine_has(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.gate = Garbled(fake, cpu=f"processors={2**62}\nload=1 1 1\n", links=f"default=e\ne={2**62}\n")  # type: ignore[assignment]
    node = look_at(make_node(fake=fake), world)
    assert (node.cpu_count, node.link_mbps, node.fault) == (None, None, "")


# When to look again


def test_it_comes_back_after_the_usual_time(world: FakeWorld) -> None:
    node = look_at(make_node(fake=world.node("node-1"), next_scan_at=START), world, scan_every_seconds=300)
    assert node.next_scan_at is not None
    assert timedelta(seconds=299) < node.next_scan_at - START < timedelta(seconds=302)


def test_it_comes_back_soon_while_somebody_prepares_the_node(world: FakeWorld) -> None:
    node = look_at(make_node(fake=world.node("node-1"), state=Node.State.NEW, host_key=""), world)
    assert node.next_scan_at is not None
    assert node.next_scan_at - START < timedelta(seconds=15)


def test_it_does_not_overwrite_a_wish_for_another_look(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    node = make_node(fake=world.node("node-1"), next_scan_at=START)
    wished = START + timedelta(seconds=1)
    moment = world.moment

    def somebody_presses_the_button() -> None:
        Node.objects.filter(pk=node.pk).update(next_scan_at=wished)
        moment()

    monkeypatch.setattr(world, "moment", somebody_presses_the_button)
    assert look_at(node, world).next_scan_at == wished


def test_it_moves_the_next_look_on_before_it_looks(world: FakeWorld) -> None:
    """A look that dies must not be repeated at once for ever."""
    node = make_node(fake=world.node("node-1"), next_scan_at=START)
    world.cut_after(1, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        look_at(node, world)
    node.refresh_from_db()
    assert node.next_scan_at is not None
    assert node.next_scan_at > START + timedelta(seconds=60)


def test_a_late_answer_does_not_undo_a_newer_one(world: FakeWorld) -> None:
    newer = START + timedelta(hours=1)
    node = look_at(make_node(fake=world.node("node-1"), scanned_at=newer, cpu_count=99), world)
    assert (node.scanned_at, node.cpu_count) == (newer, 99)


def test_every_cut_is_borne_and_the_next_look_is_whole(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.make_container("101")
    node = make_node(fake=fake)
    for call in (1, 2):
        world.cut_after(call, ReplyLost)
        assert look_at(node, world).fault == "ReplyLost"
    assert look_at(node, world).fault == ""
    assert Container.objects.count() == 1


# What it reads


def test_it_stores_what_the_node_is(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.clock_offset_seconds = -3.5
    node = look_at(make_node(fake=fake, cpu_count=None, kernel="", tools={}, ntp_client=""), world)
    assert (node.kernel, node.architecture, node.cpu_count) == ("2.6.32-042stab145.3", "x86_64", 4)
    assert (node.disk_total_mib, node.disk_free_mib) == (102_400, 81_920)
    assert (node.link_mbps, node.can_checkpoint, node.ntp_client) == (1000, True, "chronyd")
    assert node.tools["vzctl"] == "4.11.1"
    assert node.clock_offset_seconds == pytest.approx(-3.5, abs=0.05)


def test_it_takes_the_length_of_the_call_out_of_the_clock(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds over the wire, nine at work on the node, two seconds back: the clock is right all the same."""
    fake = world.node("node-1")
    answer = fake.gate.call

    def slow_call(words: tuple[str, ...], stdin: bytes) -> Reply:
        world.clock.advance(2)
        first = answer(("ask", "clock"), b"").output
        world.clock.advance(9)
        reply = answer(words, stdin)
        world.clock.advance(2)
        if words[0] == "hello":
            return reply
        return Reply(exit_code=0, output="".join([first, *reply.output.splitlines(keepends=True)[1:]]), error="")

    monkeypatch.setattr(fake.gate, "call", slow_call)
    node = look_at(make_node(fake=fake), world)
    assert node.clock_offset_seconds == pytest.approx(0, abs=0.05)


def test_it_reads_the_containers(world: FakeWorld) -> None:
    world.node("node-1").make_container("101", address="192.0.2.101")
    world.node("node-1").make_container("102", address="192.0.2.102", running=False)
    look_at(make_node(fake=world.node("node-1")), world)
    rows = {row.ctid: row for row in Container.objects.all()}
    assert (rows["101"].status, rows["102"].status) == ("running", "stopped")
    assert rows["101"].addresses == ["192.0.2.101"]
    assert (rows["101"].hostname, rows["101"].layout, rows["101"].onboot) == ("ct101.example.net", "simfs", True)
    assert rows["101"].memory_limit_mib == 512


def test_it_knows_a_container_whose_text_breaks_the_list_by_its_number(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.make_container("101")
    fake.make_container("102", address="192.0.2.102")
    node = make_node(fake=fake)
    make_container(node=node, ctid="101", hostname="known.example", status="stopped")
    fake.gate = Garbled(fake, containers='[\n  {\n    "ctid": 101,\n    "hostname": "x"}, {"ctid"')  # type: ignore[assignment]
    assert look_at(node, world).fault == "FactUnreadable"
    rows = {row.ctid: row for row in Container.objects.all()}
    assert (rows["101"].hostname, rows["101"].status) == ("known.example", "running")
    assert rows["102"].status == "running"


def test_it_does_not_ask_a_tool_that_hangs_twice(world: FakeWorld) -> None:
    node = make_node(fake=world.node("node-1"))
    container = make_container(node=node)
    world.node("node-1").fail("containers", 124)
    assert look_at(node, world).fault == "FactUnreadable"
    assert [call.words[0] for call in world.calls] == ["hello", "ask"]
    container.refresh_from_db()
    assert container.gone_at is None


def test_it_keeps_containers_while_no_list_can_be_read(world: FakeWorld) -> None:
    node = make_node(fake=world.node("node-1"))
    container = make_container(node=node)
    world.node("node-1").fail("containers", 1, "Unable to open /dev/vzctl")
    world.node("node-1").fail("containers_plain", 1, "Unable to open /dev/vzctl")
    assert look_at(node, world).fault == "FactUnreadable"
    container.refresh_from_db()
    assert container.gone_at is None


def test_it_keeps_containers_while_openvz_is_down(world: FakeWorld) -> None:
    """A node without its private file system lists nothing, with exit code 0."""
    fake = world.node("node-1")
    fake.service_runs = False
    node = make_node(fake=fake)
    container = make_container(node=node)
    assert look_at(node, world).fault == "OpenVzNotRunning"
    container.refresh_from_db()
    assert container.gone_at is None


def test_it_writes_one_audit_line_for_a_container_moved_by_hand(world: FakeWorld) -> None:
    old, new = make_node(fake=world.node("node-1")), make_node(fake=world.node("node-2"))
    owner = make_customer()
    container = make_container(node=old, ctid="101", owner=owner)
    world.node("node-2").make_container("101")
    look_at(old, world)
    look_at(new, world)
    container.refresh_from_db()
    assert (container.node, container.owner, container.moved_from) == (new, owner, old)
    assert AuditLine.objects.filter(verb="moved_by_hand", subject=str(container)).count() == 1


def test_it_looks_again_where_a_container_that_turned_up_was_last_seen(world: FakeWorld) -> None:
    old = make_node(fake=world.node("node-1"), next_scan_at=START + timedelta(days=1))
    new = make_node(fake=world.node("node-2"))
    container = make_container(node=old, ctid="101", owner=make_customer())
    world.node("node-2").make_container("101")
    look_at(new, world)
    assert Container.objects.filter(ctid="101", gone_at=None).count() == 2
    old.refresh_from_db()
    assert old.next_scan_at is not None
    assert old.next_scan_at < START + timedelta(seconds=5)
    look_at(old, world)
    container.refresh_from_db()
    assert (container.node, container.moved_from) == (new, old)
    assert Container.objects.filter(ctid="101").count() == 1


def test_it_leaves_a_container_under_way_to_its_migration(world: FakeWorld) -> None:
    source, target = make_node(fake=world.node("node-1")), make_node(fake=world.node("node-2"))
    container = make_container(node=source, ctid="101")
    make_migration(container=container, target=target, state="running", started_at=START)
    world.node("node-2").make_container("101", running=False)
    look_at(source, world)
    look_at(target, world)
    container.refresh_from_db()
    assert (container.node, container.gone_at, container.moved_by_hand_at) == (source, None, None)
    assert Container.objects.count() == 1


# What it offers


def test_it_offers_what_the_node_lacks(world: FakeWorld) -> None:
    fake = world.node("node-1")
    del fake.tools["rsync"], fake.tools["vzdump"]
    fake.tools["yum"] = "present"
    fake.ntp_client = ""
    node = look_at(make_node(fake=fake), world)
    commands = {preparation.need: preparation.command for preparation in node.preparations.all()}
    assert commands.keys() == {"rsync", "vzdump", "ntp"}
    assert all(command.startswith(f"yum -y install {need}") for need, command in commands.items())


def test_a_wrong_clock_and_a_full_dump_disk_are_findings_for_a_person(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.make_container("101")
    fake.clock_offset_seconds, fake.disk_free_kib = 120.0, 1024
    node = look_at(make_node(fake=fake), world)
    found = {preparation.need: preparation for preparation in node.preparations.all()}
    assert found.keys() == {"clock", "dump_space"}
    assert "120.0 s ahead" in found["clock"].detail
    assert "1 MiB free" in found["dump_space"].detail
    assert {preparation.command for preparation in found.values()} == {""}


def test_a_promised_address_that_the_scan_shows_is_promised_no_longer(world: FakeWorld) -> None:
    fake = world.node("node-1")
    fake.make_container("101", address="192.0.2.101")
    node = make_node(fake=fake)
    moved = make_container(node=node, ctid="101", addresses=["192.0.2.5"])
    migration = make_migration(container=moved, state="done")
    for address in ("192.0.2.101", "192.0.2.102"):
        Reservation.objects.create(address=address, container=moved, migration=migration, reserved_at=START)
    look_at(node, world)
    assert list(Reservation.objects.open().values_list("address", flat=True)) == ["192.0.2.102"]
