"""From a bare node to a ready one: the real gate, the real adapter, real sshd."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from lab import faults
from lab.handle import Lab
from migrations_app.adapters.clock import system_clock
from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.adapters.probe import TcpProbe
from migrations_app.adapters.ssh import SshShell
from migrations_app.adapters.ssh_key import read_or_make_key
from migrations_app.execution.outside import Outside
from migrations_app.models import Container, Node, Preparation
from migrations_app.usecases.accept_preparation import accept_preparation
from migrations_app.usecases.add_node import add_node
from migrations_app.usecases.follow_preparation import follow_preparation
from migrations_app.usecases.pin_host_key import pin_host_key
from migrations_app.usecases.scan_node import scan_node
from migrations_app.usecases.show_install_command import install_command_for

pytestmark = [pytest.mark.lab, pytest.mark.django_db]

Look = Callable[[Node], Node]

NODE = "node-3"  # the session's other tests leave their marks on the first two


@pytest.fixture
def outside(lab: Lab, tmp_path: Path) -> Iterator[Outside]:
    """The panel as it is on its own host, with a key that no node has seen."""
    shell = SshShell(read_or_make_key(tmp_path / "node_key"))
    with lab.inside("panel"):
        yield Outside(shell=shell, probe=TcpProbe(), clock=system_clock, nameserver=DnsNameServer(), resolvers=())
        shell.close()


@pytest.fixture
def look(outside: Outside) -> Look:
    def look_at(node: Node) -> Node:
        scan_node(node_id=node.pk, outside=outside, settings=settings.OVZ)
        node.refresh_from_db()
        return node

    return look_at


@pytest.fixture
def ready_node(lab: Lab, look: Look, ada: User, tmp_path: Path) -> Node:
    node = look(add_node(name=NODE, address=lab.node(NODE).address, port=22, actor=ada, now=timezone.now()))
    assert (node.state, node.offered_host_key) == (Node.State.KEY_OFFERED, lab.node(NODE).host_key)
    pin_host_key(node=node, shown_key=node.offered_host_key, actor=ada, now=timezone.now())
    assert look(node).fault == "LoginRefused"
    line = install_command_for(node=node, settings=settings.OVZ | {"ssh_key_file": tmp_path / "node_key"})
    for _ in range(2):
        shown = lab.node(NODE).run(["sh", "-c", line]).stdout
    assert "SHA256:" in shown
    return look(node)


def test_one_line_makes_a_bare_node_ready(lab: Lab, ready_node: Node) -> None:
    assert (ready_node.state, ready_node.fault) == (Node.State.READY, "")
    lines = lab.node(NODE).run(["cat", "/root/.ssh/authorized_keys"]).stdout.splitlines()
    assert [line.startswith("restrict,command=") for line in lines if "ovzgate" in line] == [True]


def test_a_look_reads_the_node(ready_node: Node) -> None:
    assert ready_node.tools["vzctl"] == "4.11.1"
    assert ready_node.cpu_count
    assert ready_node.disk_total_mib
    assert ready_node.clock_offset_seconds == pytest.approx(0, abs=0.25)
    assert ready_node.ntp_client


def test_a_look_reads_the_containers(lab: Lab, ready_node: Node, look: Look, fresh_ctid: Callable[[], int]) -> None:
    ctid = str(fresh_ctid())
    lab.node(NODE).run(["vzctl", "create", ctid, "--ostemplate", "lab-guest", "--hostname", "shop.example.net"])
    try:
        look(ready_node)
        row = Container.objects.get(ctid=ctid)
        assert (row.hostname, row.status, row.node) == ("shop.example.net", "stopped", ready_node)
    finally:
        lab.node(NODE).run(["vzctl", "destroy", ctid])
    look(ready_node)
    row.refresh_from_db()
    assert row.gone_at is not None


@pytest.fixture
def install(outside: Outside, ada: User) -> Callable[[Preparation], None]:
    """Say yes and follow it to its end."""

    def accept_and_follow(preparation: Preparation) -> None:
        accept_preparation(preparation=preparation, actor=ada, now=timezone.now())
        deadline = time.monotonic() + 60
        while preparation.state == "accepted" and time.monotonic() < deadline:
            follow_preparation(preparation_id=preparation.pk, outside=outside)
            preparation.refresh_from_db()
        assert preparation.state == "done", preparation.detail

    return accept_and_follow


@pytest.mark.parametrize("need", ["vzdump", "rsync"])
def test_a_missing_tool_is_installed_after_a_yes(
    lab: Lab, ready_node: Node, look: Look, install: Callable[[Preparation], None], need: str
) -> None:
    with faults.tool_missing(lab.node(NODE), f"/usr/bin/{need}") if need == "rsync" else nullcontext():
        assert not look(ready_node).tools[need]
        preparation = ready_node.preparations.get(need=need)
        assert preparation.command == f"yum -y install {need}"
        install(preparation)
        assert look(ready_node).tools[need]


def test_a_time_client_is_installed_and_started_after_a_yes(
    lab: Lab, ready_node: Node, look: Look, install: Callable[[Preparation], None]
) -> None:
    with faults.ntp_stopped(lab.node(NODE)):
        look(ready_node)
        install(ready_node.preparations.get(need="ntp"))
        assert look(ready_node).ntp_client == "ntpd"


@pytest.mark.parametrize("seconds", [-400, 400])
def test_a_wrong_clock_is_measured_and_named(lab: Lab, ready_node: Node, look: Look, seconds: int) -> None:
    with faults.clock_off(lab.node(NODE), seconds=seconds):
        assert look(ready_node).clock_offset_seconds == pytest.approx(seconds, abs=1)
        assert "400" in ready_node.preparations.get(need="clock").detail
    assert not look(ready_node).preparations.filter(need="clock").exists()


def test_a_broken_tool_is_a_named_fault(lab: Lab, ready_node: Node, look: Look) -> None:
    with faults.tool_does(lab.node(NODE), "vzlist", exit=3, stderr="Unable to open /dev/vzctl"):
        assert look(ready_node).fault == "FactUnreadable"
        assert "/dev/vzctl" in ready_node.fault_detail
    assert look(ready_node).fault == ""
