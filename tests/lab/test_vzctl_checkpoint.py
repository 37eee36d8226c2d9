"""vzctl chkpnt and restore: whole, in steps, across nodes, and where they refuse."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from lab.handle import Lab, LabNode
from tests.lab.vz import LabContainer, trust_each_other

pytestmark = pytest.mark.lab


@pytest.fixture
def ct(lab: Lab) -> Iterator[LabContainer]:
    if not lab.checkpointing:
        pytest.skip("this machine cannot checkpoint")
    container = LabContainer.on(lab, "node-1")
    container.create()
    container.start()
    yield container
    container.remove_everywhere()


def traces(node: LabNode) -> str:
    """What routing, filtering and devices of a node hold of its containers."""
    script = "ip rule; iptables -t mangle -S; ls /sys/class/net /run/netns; ip neighbour show proxy; pgrep -c vzctl"
    return node.run(["sh", "-c", script], check=False).stdout


def test_a_suspended_container_goes_on_where_it_was(ct: LabContainer) -> None:
    before = json.loads(ct.page())
    done = ct.vzctl("suspend")
    assert done.stdout.splitlines() == [
        "Setting up checkpoint...",
        "\tsuspend...",
        "\tdump...",
        "\tkill...",
        "Checkpointing completed successfully",
        "Container is unmounted",
    ]
    assert ct.status() == "exist unmounted down suspended"
    assert ct.there(f"/vz/dump/Dump.{ct.ctid}")
    resumed = ct.vzctl("resume")
    assert resumed.stdout.splitlines() == [
        "Restoring container ...",
        "Container is mounted",
        "\tundump...",
        "\tresume...",
        "Container start in progress...",
        "Restoring completed successfully",
    ]
    after = json.loads(ct.page())
    assert after["incarnation"] == before["incarnation"]
    assert after["memory_counter"] == before["memory_counter"] + 1
    assert not ct.there(f"/vz/dump/Dump.{ct.ctid}")


def test_a_start_throws_the_suspended_state_away(ct: LabContainer) -> None:
    before = json.loads(ct.page())
    ct.vzctl("suspend")
    ct.start()
    assert not ct.there(f"/vz/dump/Dump.{ct.ctid}")
    assert json.loads(ct.page())["incarnation"] != before["incarnation"]


def test_a_frozen_container_says_running_and_answers_nobody_until_it_goes_on(ct: LabContainer) -> None:
    ct.vzctl("chkpnt", "--suspend")
    assert ct.status() == "exist mounted running"
    with pytest.raises(OSError, match="timed out"):
        ct.page(timeout_seconds=0.5)
    assert ct.vzctl("chkpnt", "--resume").returncode == 0
    assert json.loads(ct.page())["memory_counter"] >= 1


def test_an_open_exec_blocks_the_checkpoint(ct: LabContainer) -> None:
    with subprocess.Popen(
        ct.node.argv(["vzctl", "exec", str(ct.ctid), "echo in; sleep 60"]), stdout=subprocess.PIPE
    ) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == b"in\n"
        done = ct.vzctl("chkpnt", "--suspend")
        busy.kill()
    assert done.returncode == 16
    assert "Error: foreign process " in done.stderr
    assert "inside CT (e.g. vzctl enter or vzctl exec)." in done.stderr
    assert done.stderr.endswith("Checkpointing failed\n")
    assert json.loads(ct.page())["memory_counter"] == 1


def test_a_dump_that_fails_leaves_a_running_container_and_no_file(ct: LabContainer) -> None:
    done = ct.vzctl("chkpnt", "--dumpfile", "/vz/no-such-folder/dump")
    assert done.returncode == 16
    assert ct.status() == "exist mounted running"
    assert json.loads(ct.page())["memory_counter"] == 1


def test_an_undump_that_fails_says_so_and_leaves_nothing_running(ct: LabContainer) -> None:
    ct.vzctl("suspend")
    ct.node.run(["sh", "-c", f"echo rubbish >/vz/dump/Dump.{ct.ctid}"])
    done = ct.vzctl("restore")
    assert done.returncode == 17
    assert "Restore error, undump failed: Invalid argument\nError: " in done.stderr
    assert ct.status() == "exist unmounted down suspended"


def test_checkpointing_leaves_no_trace_in_the_nodes_network(ct: LabContainer) -> None:
    before = traces(ct.node)
    for step in ("--suspend", "--dump", "--resume"):
        assert ct.vzctl("chkpnt", step, "--dumpfile", "/vz/dump/trial").returncode == 0
    assert ct.page()
    assert traces(ct.node) == before


def test_the_small_steps_carry_a_container_to_another_node(ct: LabContainer, lab: Lab) -> None:
    trust_each_other(lab)
    target = lab.node("node-2")
    before = json.loads(ct.page())
    here = ["--skiplock", "chkpnt", str(ct.ctid)]
    ct.node.run(["vzctl", *here, "--suspend"])
    ct.node.run(["vzctl", *here, "--dump", "--dumpfile", "/var/tmp/dump"])
    assert ct.address not in ct.node.run(["ip", "route"]).stdout
    for path in (ct.conf, "/var/tmp/dump"):
        ct.node.run(["scp", path, f"root@{target.address}:{path}"])
    ct.node.run(["rsync", "-aHAX", "--numeric-ids", f"{ct.private}/", f"root@{target.address}:{ct.private}/"])
    assert (
        ct.vzctl("restore", "--undump", "--dumpfile", "/var/tmp/dump", "--skip_arpdetect", node=target).returncode == 0
    )
    assert ct.address in ct.read("/run/vzkernel/proc/vz/veip", node=target)
    assert ct.vzctl("restore", "--resume", node=target).returncode == 0
    ct.node.run(["vzctl", *here, "--kill"])
    after = json.loads(ct.page())
    assert after["incarnation"] == before["incarnation"]
    assert ct.status() == "exist mounted down"
    assert ct.status(target) == "exist mounted running"


def test_without_the_kernels_files_there_is_no_checkpointing(ct: LabContainer) -> None:
    ct.node.run(["mv", "/run/vzkernel/proc/cpt", "/run/vzkernel/proc/cpt.off"])
    try:
        done = ct.vzctl("chkpnt")
    finally:
        ct.node.run(["mv", "/run/vzkernel/proc/cpt.off", "/run/vzkernel/proc/cpt"])
    assert done.returncode == 16
    assert "No checkpointing support, unable to open /proc/cpt" in done.stderr


def test_another_number_may_start_the_same_private_area_for_a_rehearsal(ct: LabContainer) -> None:
    ct.vzctl("stop")
    rehearsal = LabContainer.on(ct.lab, ct.node.name)
    conf = ct.read(ct.conf).replace("/vz/private/$VEID", ct.private)
    conf = "".join(line for line in conf.splitlines(keepends=True) if not line.startswith("IP_ADDRESS"))
    ct.node.put(rehearsal.conf, conf)
    try:
        assert rehearsal.vzctl("start").returncode == 0
        assert rehearsal.vzctl("exec2", "cat /data/identity").stdout == ct.read(f"{ct.private}/data/identity")
        assert rehearsal.vzctl("stop").returncode == 0
    finally:
        ct.node.run(["rm", "-rf", rehearsal.conf, f"/vz/root/{rehearsal.ctid}"])
    assert ct.vzctl("start").returncode == 0
