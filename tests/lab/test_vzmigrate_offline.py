"""vzmigrate without --live: what it says, what it leaves on both nodes, and how it fails."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import faults
from lab.handle import Lab, LabNode
from tests.lab.vz import LabContainer, trust_each_other

pytestmark = pytest.mark.lab


@pytest.fixture
def target(lab: Lab) -> LabNode:
    trust_each_other(lab)
    return lab.node("node-2")


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    container = LabContainer.on(lab, "node-1")
    container.create()
    container.start()
    yield container
    container.remove_everywhere()


def move(ct: LabContainer, target: LabNode, *words: str) -> subprocess.CompletedProcess[str]:
    return ct.node.run(["vzmigrate", *words, target.address, str(ct.ctid)], check=False)


def test_a_running_container_is_stopped_here_and_started_there(ct: LabContainer, target: LabNode) -> None:
    before = json.loads(ct.page())
    done = move(ct, target, "-r", "no")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"Locked CT {ct.ctid}",
        f"Starting migration of CT {ct.ctid} to {target.address}",
        "Preparing remote node",
        "Syncing private",
        "Stopping container",
        "Starting container",
        "Cleaning up",
    ]
    after = json.loads(ct.page())
    assert after["identity"] == before["identity"]
    assert after["incarnation"] != before["incarnation"]


def test_by_default_the_source_is_destroyed(ct: LabContainer, target: LabNode) -> None:
    assert move(ct, target).returncode == 0
    assert ct.status() == "deleted unmounted down"
    assert ct.there(f"{ct.conf}.destroyed")
    assert not ct.there(ct.private)
    assert ct.status(target) == "exist mounted running"


def test_with_r_no_the_source_keeps_its_data_and_the_way_back_works(ct: LabContainer, target: LabNode) -> None:
    assert move(ct, target, "-r", "no").returncode == 0
    assert ct.status() == "deleted unmounted down"
    assert ct.there(f"{ct.conf}.migrated")
    assert ct.there(f"{ct.private}/data/identity")
    ct.vzctl("stop", node=target)
    ct.node.run(["mv", f"{ct.conf}.migrated", ct.conf])
    assert ct.vzctl("start").returncode == 0
    assert json.loads(ct.page())["identity"] == ct.read(f"{ct.private}/data/identity").strip()


def test_a_stopped_container_is_copied_and_stays_stopped(ct: LabContainer, target: LabNode) -> None:
    ct.vzctl("stop")
    done = move(ct, target, "-r", "no")
    assert done.stdout.splitlines()[2:] == ["Preparing remote node", "Syncing private", "Cleaning up"]
    assert ct.status(target) == "exist unmounted down"


def test_a_suspended_container_stays_suspended(ct: LabContainer, target: LabNode) -> None:
    if not ct.lab.checkpointing:
        pytest.skip("this machine cannot checkpoint")
    before = json.loads(ct.page())
    ct.vzctl("suspend")
    assert move(ct, target, "-r", "no").returncode == 0
    assert ct.status(target) == "exist unmounted down suspended"
    assert ct.there(f"/vz/dump/Dump.{ct.ctid}")
    assert ct.vzctl("resume", node=target).returncode == 0
    assert json.loads(ct.page())["incarnation"] == before["incarnation"]


def test_its_action_scripts_and_its_name_go_along(ct: LabContainer, target: LabNode) -> None:
    name = f"shop{ct.ctid}"
    ct.vzctl("set", "--name", name, "--save")
    script = ct.conf.replace(".conf", ".mount")
    ct.node.put(script, "#!/bin/sh\nexit 0\n", mode=0o755)
    assert move(ct, target, "-r", "no").returncode == 0
    assert ct.there(script)
    assert ct.there(script, target)
    assert target.run(["vzctl", "status", name]).stdout.startswith(f"CTID {ct.ctid} exist mounted running")


def test_a_stop_that_fails_leaves_everything_as_it_was(ct: LabContainer, target: LabNode) -> None:
    with faults.tool_does(ct.node, "vzctl stop", exit=33, stderr="Unable to stop container"):
        done = move(ct, target, "-r", "no")
    assert (done.returncode, done.stderr) == (8, "Error: Failed to stop container\n")
    assert_rolled_back(ct, target)


def test_a_start_that_fails_over_there_starts_the_source_again(ct: LabContainer, target: LabNode) -> None:
    before = json.loads(ct.page())
    with faults.tool_does(target, "vzctl start", exit=6):
        done = move(ct, target, "-r", "no")
    assert done.returncode == 7
    assert done.stderr.startswith("Error: Failed to start container\n")
    assert_rolled_back(ct, target)
    assert json.loads(ct.page())["incarnation"] != before["incarnation"]


def test_a_name_taken_over_there_ends_it_with_fifteen(ct: LabContainer, target: LabNode) -> None:
    with faults.tool_does(target, f"vzctl set {ct.ctid}", exit=131):
        assert move(ct, target).returncode == 15
    assert_rolled_back(ct, target)


def test_keep_dst_keeps_the_copied_area_and_the_next_try_uses_it(ct: LabContainer, target: LabNode) -> None:
    with faults.tool_does(ct.node, "vzctl stop", exit=33):
        assert move(ct, target, "-r", "no", "--keep-dst").returncode == 8
    assert ct.there(f"{ct.private}/data/identity", target)
    assert not ct.there(ct.conf, target)
    assert ct.status(target) == "deleted unmounted down"
    assert move(ct, target, "-r", "no", "--keep-dst").returncode == 0


def test_a_full_disk_over_there_ends_it_with_six(ct: LabContainer, target: LabNode) -> None:
    ct.node.run(["sh", "-c", f"head -c 30000000 /dev/urandom >{ct.private}/data/big"])
    with faults.full_disk(target, leave_mib=8):
        done = move(ct, target, "-r", "no")
        assert done.returncode == 6
        assert "Error: Failed to sync container private areas" in done.stderr
        assert "No space left on device" in done.stderr
    assert_rolled_back(ct, target)


def test_where_disk_quota_is_on_it_goes_along(ct: LabContainer, target: LabNode) -> None:
    with disk_quota_on(ct.node), faults.tool_missing(target, "/usr/sbin/vzdqload"):
        done = move(ct, target, "-r", "no")
    assert (done.returncode, "Error: Failed to load 2nd level quota\n" in done.stderr) == (13, True)
    assert_rolled_back(ct, target)
    with disk_quota_on(ct.node):
        done = move(ct, target, "-r", "no")
    assert done.returncode == 0
    assert done.stdout.splitlines()[2:7] == [
        "Preparing remote node",
        "Initializing remote quota",
        "Syncing private",
        "Stopping container",
        "Syncing 2nd level quota",
    ]


@contextmanager
def disk_quota_on(node: LabNode) -> Iterator[None]:
    node.run(["sed", "-i", "s/^DISK_QUOTA=no/DISK_QUOTA=yes/", "/etc/vz/vz.conf"])
    try:
        yield
    finally:
        node.run(["sed", "-i", "s/^DISK_QUOTA=yes/DISK_QUOTA=no/", "/etc/vz/vz.conf"])


def test_a_killed_migration_cleans_nothing(ct: LabContainer, target: LabNode) -> None:
    with faults.tool_does(ct.node, "vzmigrate@Stopping container", signal=15):
        assert move(ct, target, "-r", "no").returncode in (143, -15)
    assert ct.status() == "exist mounted running"
    assert ct.there(ct.lock)
    assert ct.there(ct.conf, target)
    assert ct.there(ct.private, target)
    assert move(ct, target, "-r", "no").returncode == 20
    ct.node.run(["rm", ct.lock])
    assert move(ct, target, "-r", "no").returncode == 9


def test_a_key_whose_path_holds_p_is_lost_on_the_way_to_scp(ct: LabContainer, target: LabNode) -> None:
    ct.node.run(["mv", "/root/.ssh/id_ed25519", "/root/vz-panel.key"])
    try:
        done = move(ct, target, "-r", "no", "--ssh=-i /root/vz-panel.key")
    finally:
        ct.node.run(["mv", "/root/vz-panel.key", "/root/.ssh/id_ed25519"])
    assert done.returncode == 6
    assert done.stderr.endswith("Error: Failed to copy config file\n")
    assert ct.status() == "exist mounted running"


def assert_rolled_back(ct: LabContainer, target: LabNode) -> None:
    assert ct.status() == "exist mounted running"
    assert not ct.there(ct.lock)
    for path in (ct.conf, ct.private, ct.private.replace("private", "root")):
        assert not ct.there(path, target)
