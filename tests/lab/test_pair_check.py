"""Checks of node pairs on lab nodes: what they say, and that nothing stays behind but the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from lab import faults
from lab.handle import Lab, LabNode
from migrations_app.adapters.clock import system_clock
from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.adapters.probe import TcpProbe
from migrations_app.adapters.ssh import SshShell
from migrations_app.adapters.ssh_key import read_or_make_key
from migrations_app.execution.outside import Outside
from migrations_app.models import Node, PairCheck, Round
from migrations_app.usecases.begin_checks import begin_checks
from migrations_app.usecases.check_pair import check_pair
from migrations_app.usecases.request_check import request_check
from tests.lab.test_return_trip import Panel
from tests.lab.vz import LabContainer

pytestmark = [pytest.mark.lab, pytest.mark.django_db]

DONE_SECONDS = 60


@pytest.fixture
def panel(lab: Lab, ada: User, settings: Settings, tmp_path: Path) -> Iterator[Panel]:
    if not lab.checkpointing:
        pytest.skip("this machine cannot checkpoint")
    limits = {"panel_networks": ["192.0.2.5/32"], "node_networks": ["192.0.2.0/28"]}
    settings.OVZ = {**settings.OVZ, **limits, "ssh_key_file": tmp_path / "node_key"}
    before = {node: node.run(["cat", "/root/.ssh/authorized_keys"], check=False).stdout for node in lab.nodes}
    shell = SshShell(read_or_make_key(tmp_path / "node_key"))
    with lab.inside("panel"):
        outside = Outside(shell=shell, probe=TcpProbe(), clock=system_clock, nameserver=DnsNameServer(), resolvers=())
        panel = Panel(lab=lab, outside=outside, ada=ada, settings=settings.OVZ)
        for name in ("node-1", "node-2"):
            panel.enlist(name)
        yield panel
        shell.close()
    for node, keys in before.items():
        node.put("/root/.ssh/authorized_keys", keys, mode=0o600)


@pytest.fixture
def guest(lab: Lab, panel: Panel, fresh_ctid: Callable[[], int]) -> Iterator[LabContainer]:
    container = LabContainer(lab=lab, node=lab.node("node-1"), ctid=fresh_ctid())
    container.create()
    container.start()
    container.page()
    panel.look(Node.objects.get(name="node-1"))
    yield container
    container.remove_everywhere()


def checked(panel: Panel) -> PairCheck:
    source, target = Node.objects.get(name="node-1"), Node.objects.get(name="node-2")
    check = request_check(source=source, target=target, actor=panel.ada, now=system_clock())
    row = Round.objects.get(name=Round.Name.PAIRS)
    assert begin_checks(round_id=row.pk, now=system_clock(), settings=panel.settings) == [check.pk]
    deadline = time.monotonic() + DONE_SECONDS
    while time.monotonic() < deadline:
        due = check_pair(check_id=check.pk, outside=panel.outside, settings=panel.settings)
        check.refresh_from_db()
        if due is None:
            return check
        time.sleep(max((due - system_clock()).total_seconds(), 0))
    raise AssertionError(f"{check} does not end: {check.state} {check.closing_trouble}")


def left_of(check: PairCheck, node: LabNode) -> list[str]:
    """Return how many lines let its key in, and what else bears its number."""
    script = """
        grep -c "ovzpanel-m$1" /root/.ssh/authorized_keys
        ls -d /var/lib/ovzgate/m/$1 /var/lib/ovzgate/jobs/m$1-* 2>/dev/null; :
    """
    return node.run(["sh", "-c", script, "sh", str(check.number)]).stdout.split()


def test_it_says_possible_and_leaves_container_and_nodes_as_they_were(
    lab: Lab, panel: Panel, guest: LabContainer
) -> None:
    before = (guest.status(guest.node), guest.node.run(["cat", guest.conf]).stdout)
    check = checked(panel)
    assert (check.verdict, check.state) == ("possible", "ended"), check.causes
    assert check.ctid == str(guest.ctid)
    assert (guest.status(guest.node), guest.node.run(["cat", guest.conf]).stdout) == before
    assert not guest.there(guest.private, lab.node("node-2"))
    assert guest.page()
    for name in ("node-1", "node-2"):
        assert left_of(check, lab.node(name)) == ["0"]


@pytest.mark.parametrize(("exit_code", "about"), [(17, "nodes"), (14, "nodes")])
def test_it_says_impossible_with_the_cause_that_the_tool_gave(
    lab: Lab, panel: Panel, guest: LabContainer, exit_code: int, about: str
) -> None:
    said = "Error: Unsupported image version"
    with faults.tool_does(guest.node, "vzmigrate", exit=exit_code, stderr=said):
        check = checked(panel)
    stopping = [cause for cause in check.causes if cause["severity"] == "blocker"]
    assert check.verdict == "impossible", check.causes
    assert [(cause["id"], cause["about"]) for cause in stopping] == [(f"vzmigrate-{exit_code}", about)]
    assert "Unsupported image version" in check.summary
    assert stopping[0]["way_out"]
    assert guest.status(guest.node) == "exist mounted running"
    for name in ("node-1", "node-2"):
        assert left_of(check, lab.node(name)) == ["0"]
