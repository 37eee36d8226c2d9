"""The life of a container by vzctl: words, states and exit codes of vzctl 4.11.1."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from lab import faults
from lab.handle import Lab
from tests.lab.vz import LabContainer

pytestmark = pytest.mark.lab


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    container = LabContainer.on(lab, "node-1")
    container.create()
    yield container
    container.remove_everywhere()


def test_it_tells_its_version(lab: Lab) -> None:
    assert lab.node("node-1").run(["vzctl", "--version"]).stdout == "vzctl version 4.11.1\n"


def test_an_unknown_container_is_deleted_and_that_is_no_error(lab: Lab) -> None:
    done = lab.node("node-1").run(["vzctl", "status", "99999"], check=False)
    assert (done.returncode, done.stdout) == (0, "CTID 99999 deleted unmounted down\n")


@pytest.mark.parametrize(("words", "code"), [(["status", "x;id"], 21), (["start", "0"], 21), (["dance", "101"], 20)])
def test_it_refuses_words_it_does_not_know(lab: Lab, words: list[str], code: int) -> None:
    assert lab.node("node-1").run(["vzctl", *words], check=False).returncode == code


def test_without_a_configuration_file_it_refuses(lab: Lab) -> None:
    done = lab.node("node-1").run(["vzctl", "start", "99999"], check=False)
    assert (done.returncode, done.stderr) == (14, "Container config file does not exist\n")


def test_a_container_lives_through_all_its_states(ct: LabContainer) -> None:
    assert ct.status() == "exist unmounted down"
    assert ct.vzctl("mount").stdout == "Container is mounted\n"
    assert ct.status() == "exist mounted down"
    assert ct.vzctl("mount").returncode == 41
    assert ct.vzctl("umount").stdout == "Container is unmounted\n"
    assert ct.vzctl("umount").returncode == 40
    started = ct.vzctl("start")
    assert started.stdout.splitlines() == [
        "Starting container...",
        "Container is mounted",
        f"Adding IP address(es): {ct.address}",
        "Setting CPU units: 1000",
        "Container start in progress...",
    ]
    assert ct.status() == "exist mounted running"
    stopped = ct.vzctl("stop")
    assert stopped.stdout.splitlines() == ["Stopping container ...", "Container was stopped", "Container is unmounted"]
    assert ct.status() == "exist unmounted down"


def test_a_running_container_serves_at_its_address_and_a_stopped_one_does_not(ct: LabContainer) -> None:
    ct.start()
    assert json.loads(ct.page())["identity"] == ct.read(f"{ct.private}/data/identity").strip()
    ct.vzctl("stop")
    with pytest.raises(OSError, match=r"timed out|unreachable|No route"):
        ct.page(timeout_seconds=0.5)


def test_it_starts_no_container_twice(ct: LabContainer) -> None:
    ct.start()
    again = ct.vzctl("start")
    assert (again.returncode, again.stderr) == (32, "Container is already running\n")


def test_a_disabled_container_starts_only_by_force(ct: LabContainer) -> None:
    ct.vzctl("set", "--disabled", "yes", "--save")
    assert ct.vzctl("start").returncode == 105
    assert ct.vzctl("start", "--force").returncode == 0


def test_stopping_what_does_not_run_is_no_error(ct: LabContainer) -> None:
    done = ct.vzctl("stop")
    assert (done.returncode, done.stdout) == (0, "Unable to stop: container is not running\n")


def test_a_guest_that_ignores_the_stop_is_killed_and_the_exit_code_hides_it(ct: LabContainer) -> None:
    ct.node.put(f"{ct.private}/sbin/init", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 60; done\n", mode=0o755)
    ct.vzctl("set", "--stop-timeout", "1", "--save")
    ct.start()
    started_at = time.monotonic()
    done = ct.vzctl("stop")
    assert 0.9 < time.monotonic() - started_at < 8
    assert done.returncode == 0
    assert "Killing container ...\nContainer was stopped\n" in done.stdout


def test_a_container_without_an_init_does_not_start_and_is_not_left_mounted(ct: LabContainer) -> None:
    ct.node.run(["rm", f"{ct.private}/sbin/init"])
    assert ct.vzctl("start").returncode == 47
    assert ct.status() == "exist unmounted down"


def test_it_refuses_an_address_another_container_of_the_node_has(ct: LabContainer) -> None:
    ct.start()
    other = LabContainer.on(ct.lab, ct.node.name)
    try:
        other.create()
        other.vzctl("set", "--ipdel", "all", "--ipadd", ct.address, "--save")
        assert other.vzctl("start").returncode == 78
        assert other.status() == "exist unmounted down"
    finally:
        other.remove_everywhere()


def test_the_kernel_shows_the_addresses_of_running_containers_only(ct: LabContainer) -> None:
    ct.start()
    veip = "/run/vzkernel/proc/vz/veip"
    assert f"{ct.address:>39s} {ct.ctid:>10d}" in ct.read(veip).splitlines()
    ct.vzctl("stop")
    assert ct.address not in ct.read(veip)


def test_commands_inside_end_with_their_own_code_or_with_eight(ct: LabContainer) -> None:
    ct.start()
    assert ct.vzctl("exec2", "hostname").stdout == f"ct{ct.ctid}.example.net\n"
    assert ct.vzctl("exec2", "exit 5").returncode == 5
    assert ct.vzctl("exec", "exit 5").returncode == 8
    ct.vzctl("stop")
    assert ct.vzctl("exec", "true").returncode == 31


def test_a_lock_whose_holder_lives_is_respected(ct: LabContainer) -> None:
    ct.node.run(["sh", "-c", f"echo 1 >{ct.lock}"])
    done = ct.vzctl("start")
    assert done.returncode == 9
    assert done.stderr.startswith("Locked by: pid 1, cmdline ")
    assert done.stderr.endswith("Container already locked\n")
    assert ct.node.run(["vzctl", "--skiplock", "start", str(ct.ctid)]).returncode == 0


def test_a_lock_whose_holder_is_dead_is_removed(ct: LabContainer) -> None:
    ct.node.run(["sh", "-c", f"echo 4000000 >{ct.lock}"])
    done = ct.vzctl("start")
    assert done.returncode == 0
    assert "Removing stale lock file" in done.stderr
    assert not ct.there(ct.lock)


def test_a_failed_mount_script_stops_the_start(ct: LabContainer) -> None:
    script = ct.conf.replace(".conf", ".mount")
    ct.node.put(script, "#!/bin/sh\necho no disk for $VEID >&2\nexit 1\n", mode=0o755)
    done = ct.vzctl("start")
    assert done.returncode == 79
    assert f"no disk for {ct.ctid}" in done.stderr
    assert ct.status() == "exist unmounted down"


def test_destroying_keeps_the_configuration_under_another_name(ct: LabContainer) -> None:
    ct.start()
    running = ct.vzctl("destroy")
    assert (running.returncode, running.stderr) == (32, "Container is currently running. Stop it first.\n")
    ct.vzctl("stop")
    done = ct.vzctl("destroy")
    assert done.stdout == f"Destroying container private area: {ct.private}\nContainer private area was destroyed\n"
    assert not ct.there(ct.private)
    assert ct.there(f"{ct.conf}.destroyed")
    assert ct.status() == "deleted unmounted down"


def test_creating_over_an_existing_container_is_refused(ct: LabContainer) -> None:
    assert ct.vzctl("create", "--ostemplate", "lab-guest").returncode == 44


@pytest.mark.parametrize(("words", "code"), [(["--ostemplate", "suse-99"], 91), (["--layout", "ploop"], 99)])
def test_what_the_node_cannot_create_it_refuses(lab: Lab, words: list[str], code: int) -> None:
    nobody = LabContainer.on(lab, "node-1")
    node, ctid = nobody.node, str(nobody.ctid)
    assert node.run(["vzctl", "create", ctid, *words], check=False).returncode == code
    assert node.run(["test", "-e", f"/etc/vz/conf/{ctid}.conf"], check=False).returncode == 1


def test_a_tool_misbehaves_on_demand(ct: LabContainer) -> None:
    with faults.tool_does(ct.node, f"vzctl start {ct.ctid}", exit=50, stderr="Can't mount", times=1):
        broken = ct.vzctl("start")
        assert (broken.returncode, broken.stderr) == (50, "Can't mount\n")
        assert ct.vzctl("start").returncode == 0
