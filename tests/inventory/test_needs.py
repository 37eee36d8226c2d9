"""What a node lacks, and what is offered for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migrations_app.inventory import needs
from migrations_app.inventory.needs import Need, needs_of
from migrations_app.inventory.reading import NodeReading
from migrations_app.models import Node, Preparation
from migrations_app.vz.facts import DiskSpace, Filesystem, Tools
from tests.factories import make_container, make_node
from tests.fakes.clock import START

LATER = START + timedelta(minutes=5)
SETTINGS = {"max_clock_offset_seconds": 2.0, "disk_reserve_percent": 10}
WHOLE = {"vzctl": "4.11.1", "rsync": "3.4.1", "vzdump": "present", "vzrestore": "present", "yum": "present"}
LACKING = Need(name="rsync", finding="rsync is not installed.", command="yum -y install rsync")


def reading(*, tools: dict[str, str] | None = None, dump_free_mib: int = 1000, **rest: Any) -> NodeReading:
    place = {"mount_point": "/vz", "is_mountpoint": True, "total_kib": 2**30, "inodes_total": 0, "inodes_free": 0}
    dump = Filesystem(path="/vz/dump", free_kib=dump_free_mib * 1024, **place)
    values = {"ntp_client": "chronyd", "clock_offset_seconds": 0.1} | rest
    disk = DiskSpace(private=dump, dump=dump, work=dump)
    return NodeReading(asked_at=START, tools=Tools(versions=WHOLE if tools is None else tools), disk=disk, **values)


def lacking(read: NodeReading, *, largest_container_mib: int = 100) -> dict[str, Need]:
    found = needs_of(read, largest_container_mib=largest_container_mib, settings=SETTINGS)
    return {need.name: need for need in found}


def test_a_whole_node_lacks_nothing() -> None:
    assert lacking(reading()) == {}


def test_what_could_not_be_read_is_not_held_against_the_node() -> None:
    assert lacking(NodeReading(asked_at=START)) == {}


@pytest.mark.parametrize("tool", ["rsync", "vzdump"])
@pytest.mark.parametrize(("manager", "command"), [("yum", "yum -y install"), ("apt-get", "apt-get -y install")])
def test_a_missing_tool_is_named_with_the_command_of_the_nodes_own_manager(
    tool: str, manager: str, command: str
) -> None:
    tools = WHOLE | {"yum": "", "apt-get": ""} | {manager: "present", tool: ""}
    assert lacking(reading(tools=tools))[tool].command == f"{command} {tool}"


def test_vzdump_of_the_old_kind_needs_no_restore_program() -> None:
    assert lacking(reading(tools=WHOLE | {"vzrestore": ""})) == {}


def test_a_clock_nobody_keeps_is_named() -> None:
    command = lacking(reading(ntp_client=""))["ntp"].command
    assert command == "yum -y install ntp && service ntpd start && chkconfig ntpd on"


@pytest.mark.parametrize(("offset", "words"), [(2.1, "2.1 s ahead of"), (-400.0, "400.0 s behind")])
def test_a_clock_that_is_off_is_named_with_numbers(offset: float, words: str) -> None:
    found = lacking(reading(clock_offset_seconds=offset))["clock"]
    assert words in found.finding
    assert "2 s are allowed" in found.finding
    assert found.command == ""


@pytest.mark.parametrize("offset", [2.0, -2.0])
def test_a_clock_at_the_limit_is_good_enough(offset: float) -> None:
    assert lacking(reading(clock_offset_seconds=offset)) == {}


def test_room_for_the_largest_dump_counts_the_reserve() -> None:
    assert lacking(reading(dump_free_mib=110), largest_container_mib=100) == {}
    found = lacking(reading(dump_free_mib=109), largest_container_mib=100)["dump_space"]
    assert "109 MiB free" in found.finding
    assert "110 MiB" in found.finding


@pytest.fixture
def node(db: None) -> Node:
    return make_node()


def test_the_largest_container_is_that_of_most_files_or_memory(node: Node) -> None:
    assert needs.largest_container_mib(node) == 0
    make_container(node=node, disk_used_mib=0, memory_held_mib=700)
    make_container(node=node, disk_used_mib=500, memory_held_mib=None)
    make_container(node=node, disk_used_mib=9_000, gone_at=START)
    assert needs.largest_container_mib(node) == 700


def offered(node: Node) -> Preparation:
    return node.preparations.get()


def test_a_need_is_offered_once(node: Node) -> None:
    needs.offer(node, [LACKING], now=START)
    needs.offer(node, [LACKING], now=LATER)
    assert (offered(node).state, offered(node).command) == ("offered", LACKING.command)
    assert offered(node).detail == LACKING.finding


def test_an_offer_nobody_took_goes_when_the_need_goes(node: Node) -> None:
    needs.offer(node, [LACKING], now=START)
    needs.offer(node, [], now=LATER)
    assert not node.preparations.exists()


def test_work_under_way_is_left_alone(node: Node) -> None:
    needs.offer(node, [LACKING], now=START)
    node.preparations.update(state="accepted", detail="The node is at work.")
    for found in ([LACKING], []):
        needs.offer(node, found, now=LATER)
        assert (offered(node).state, offered(node).detail) == ("accepted", "The node is at work.")


def test_a_failure_stays_until_the_need_is_met(node: Node) -> None:
    needs.offer(node, [LACKING], now=START)
    node.preparations.update(state="failed", detail="No package rsync available.")
    needs.offer(node, [LACKING], now=LATER)
    assert (offered(node).state, offered(node).detail) == ("failed", "No package rsync available.")
    needs.offer(node, [], now=LATER)
    assert offered(node).state == "done"


def test_what_was_installed_and_is_gone_is_offered_as_new_work(node: Node) -> None:
    needs.offer(node, [LACKING], now=START)
    node.preparations.update(state="done")
    needs.offer(node, [LACKING], now=LATER)
    assert (offered(node).state, offered(node).attempt) == ("offered", 2)
