"""There and back, and there again, by three methods under load; afterwards the old copies are given up one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from lab.handle import Lab, LabNode
from lab.load import under_load
from migrations_app.adapters.clock import system_clock
from migrations_app.adapters.nameserver import DnsNameServer
from migrations_app.adapters.probe import TcpProbe
from migrations_app.adapters.ssh import SshShell
from migrations_app.adapters.ssh_key import read_or_make_key
from migrations_app.execution.outside import Outside
from migrations_app.models import Container, Migration, Node
from migrations_app.usecases.add_node import add_node
from migrations_app.usecases.advance_migration import advance_migration
from migrations_app.usecases.pin_host_key import pin_host_key
from migrations_app.usecases.scan_node import scan_node
from migrations_app.usecases.schedule_migration import schedule_migration
from migrations_app.usecases.show_install_command import install_command_for
from tests.lab.vz import LabContainer
from tests.moves import story

pytestmark = [pytest.mark.lab, pytest.mark.django_db]

FILLER_MIB = 48
DONE_SECONDS = 120
KEEP_SECONDS = 12


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The panel on two lab nodes, in this process."""

    lab: Lab
    outside: Outside
    ada: User
    settings: dict[str, Any]

    def enlist(self, name: str) -> None:
        """Take a node in as a person does, with whatever migrating by dump needs."""
        lab_node = self.lab.node(name)
        node = add_node(name=name, address=lab_node.address, port=22, actor=self.ada, now=timezone.now())
        self.look(node)
        pin_host_key(node=node, shown_key=lab_node.host_key, actor=self.ada, now=timezone.now())
        lab_node.run(["sh", "-c", install_command_for(node=node, settings=self.settings)])
        lab_node.run(["sh", "-c", "command -v vzdump || yum -y install vzdump"])
        self.look(node)
        assert node.state == Node.State.READY, node.fault_detail

    def look(self, node: Node) -> None:
        scan_node(node_id=node.pk, outside=self.outside, settings=self.settings)
        node.refresh_from_db()

    def move(self, ctid: int, method: str, target: str) -> Migration:
        migration = schedule_migration(
            container=Container.objects.get(ctid=str(ctid)),
            target=Node.objects.get(name=target),
            method=method,
            actor=self.ada,
            now=timezone.now(),
            settings=self.settings,
            fall_back_to_dump=False,
            freeze_budget_seconds=60.0,  # how fast this machine is today is not what is asked here
        )
        self.work(migration)
        assert (migration.state, migration.method) == (Migration.State.DONE, method), story(migration)
        return migration

    def work(self, migration: Migration) -> None:
        deadline = time.monotonic() + DONE_SECONDS
        due: datetime | None = timezone.now()
        while due is not None and time.monotonic() < deadline:
            time.sleep(max((due - timezone.now()).total_seconds(), 0))
            due = advance_migration(
                migration_id=migration.pk, outside=self.outside, settings=self.settings
            ).next_tick_at
        migration.refresh_from_db()


@pytest.fixture
def panel(lab: Lab, ada: User, settings: Settings, tmp_path: Path) -> Iterator[Panel]:
    """The keys that let somebody in before are put back afterwards; so are the nodes' own settings."""
    limits = {"panel_networks": ["192.0.2.5/32"], "node_networks": ["192.0.2.0/28"]}
    settings.OVZ = {**settings.OVZ, **limits, "retention_days": 0, "ssh_key_file": tmp_path / "node_key"}
    before = {node: node.run(["cat", "/root/.ssh/authorized_keys"], check=False).stdout for node in lab.nodes}
    shell = SshShell(read_or_make_key(tmp_path / "node_key"))
    with lab.inside("panel"):
        panel = Panel(
            lab=lab,
            outside=Outside(
                shell=shell, probe=TcpProbe(), clock=system_clock, nameserver=DnsNameServer(), resolvers=()
            ),
            ada=ada,
            settings=settings.OVZ,
        )
        for name in ("node-1", "node-2"):
            panel.enlist(name)
        yield panel
        shell.close()
    for node, keys in before.items():
        node.put("/root/.ssh/authorized_keys", keys, mode=0o600)
        keep_at_least(node, 86400)


def keep_at_least(node: LabNode, seconds: int) -> None:
    script = (
        'f=/etc/ovzpanel/gate.conf; [ ! -f $f ] || { sed -i /^least_/d $f; echo "least_retention_seconds=$1" >>$f; }'
    )
    node.run(["sh", "-c", script, "sh", str(seconds)])


@pytest.fixture
def guest(lab: Lab, panel: Panel, fresh_ctid: Callable[[], int]) -> Iterator[LabContainer]:
    container = LabContainer(lab=lab, node=lab.node("node-1"), ctid=fresh_ctid())
    container.create()
    filler = ["dd", "if=/dev/urandom", f"of={container.private}/data/filler", "bs=1M", f"count={FILLER_MIB}"]
    container.node.run(filler)
    container.start()
    container.page()
    panel.look(Node.objects.get(name="node-1"))
    yield container
    container.remove_everywhere()
    for node in lab.nodes:
        node.run(["sh", "-c", f"rm -rf /vz/private/{container.ctid}.* /var/lib/ovzgate/retained/{container.ctid}*"])


def traces(container: LabContainer, node: LabNode) -> list[str]:
    """Return what bears the container's number on a node, once nothing is being deleted any more."""
    script = "ls -d /vz/private/$1* /vz/root/$1* /etc/vz/conf/$1* 2>/dev/null; :"
    deadline = time.monotonic() + 10
    while True:
        found = node.run(["sh", "-c", script, "sh", str(container.ctid)]).stdout.split()
        if not any("ovz-trash" in path for path in found) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def test_nothing_is_lost_and_at_the_end_only_the_living_copy_is_left(
    lab: Lab, panel: Panel, guest: LabContainer, ada: User, client: Client, tmp_path: Path
) -> None:
    there, back = lab.node("node-2"), lab.node("node-1")
    for node in (there, back):
        keep_at_least(node, 0)
    live = "live" if lab.checkpointing else "stream"
    with lab.watch() as watching, under_load(lab, guest.address, tmp_path, rate=40) as load:
        time.sleep(1)
        moves = [panel.move(guest.ctid, "stream", "node-2")]
        moves.append(panel.move(guest.ctid, live, "node-1"))
        moves.append(panel.move(guest.ctid, "dump", "node-2"))
        time.sleep(1)
    assert load.report is not None
    assert load.report["failed_requests"] == 0, load.report["failures"]
    assert load.report["acknowledged_writes"] > 100
    assert load.writes_lost_on(there, guest.ctid) == 0
    assert watching.report.max_copies_running == 1
    first, _, third = (move.pk for move in moves)
    assert {f"/vz/private/{guest.ctid}", f"/vz/private/{guest.ctid}.ovz-m{first}"} <= set(traces(guest, back))
    assert f"/etc/vz/conf/{guest.ctid}.conf.ovz-m{third}" in traces(guest, back)

    client.force_login(ada)
    for move in (moves[1], moves[0], moves[2]):
        client.post(reverse("migration-retire", args=[move.pk]))
        panel.work(move)
        assert move.retired_at is not None, story(move)
    assert traces(guest, back) == []
    assert sorted(traces(guest, there)) == sorted([guest.conf, guest.private, f"/vz/root/{guest.ctid}"])
    assert guest.status(there) == "exist mounted running"
    assert load.writes_lost_on(there, guest.ctid) == 0


def test_an_old_copy_frees_its_disk_once_its_time_has_come_and_not_before(
    lab: Lab, panel: Panel, guest: LabContainer, ada: User, client: Client
) -> None:
    """The node keeps copies longer than the panel asks for, and the page counts by that."""
    keep_at_least(guest.node, KEEP_SECONDS)
    move = panel.move(guest.ctid, "stream", "node-2")
    client.force_login(ada)
    retire = reverse("migration-retire", args=[move.pk])
    assert move.retire_after is not None
    assert f"is kept until {move.retire_after:%Y-%m-%d %H:%M} UTC" in client.post(retire, follow=True).content.decode()
    assert guest.there(guest.private, guest.node)

    time.sleep(max((move.retire_after - timezone.now()).total_seconds(), 0) + 1)
    assert 'id="retire"' in client.get(reverse("migration", args=[move.pk])).content.decode()
    before = free_mib(guest.node)
    client.post(retire)
    panel.work(move)
    assert move.retired_at is not None, story(move)
    assert traces(guest, guest.node) == []
    assert free_mib(guest.node) - before >= FILLER_MIB
    assert "was removed on" in client.get(reverse("migration", args=[move.pk])).content.decode()
    assert "was given up at" in client.post(retire, follow=True).content.decode()


def free_mib(node: LabNode) -> int:
    return int(node.run(["df", "-m", "--output=avail", "/vz"]).stdout.split()[-1])
