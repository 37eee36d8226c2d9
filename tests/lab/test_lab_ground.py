from __future__ import annotations

import smtplib
import socket
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

import pytest

from lab.handle import Lab

pytestmark = pytest.mark.lab


def test_each_node_has_a_name_processes_and_a_disk_of_its_own(lab: Lab) -> None:
    assert [node.run(["hostname"]).stdout.strip() for node in lab.nodes] == ["node-1", "node-2", "node-3"]
    for node in lab.nodes:
        assert node.run(["readlink", "/proc/1/exe"]).stdout.startswith("/usr/bin/python3")
        kib = int(node.run(["df", "-Pk", "/vz"]).stdout.splitlines()[1].split()[1])
        assert 5_500_000 < kib < 6_291_456


def test_a_node_shows_nothing_of_the_host(lab: Lab) -> None:
    node = lab.node("node-1")
    assert str(Path(__file__).parents[2]) not in node.run(["cat", "/proc/mounts"]).stdout
    assert node.run(["test", "-e", __file__], check=False).returncode == 1
    assert "node-2" not in node.run(["ps", "-eo", "args"]).stdout


def test_files_on_one_node_are_not_on_another(lab: Lab) -> None:
    lab.node("node-1").put("/vz/private/only-here", "x")
    assert lab.node("node-1").run(["cat", "/vz/private/only-here"]).stdout == "x"
    assert lab.node("node-2").run(["cat", "/vz/private/only-here"], check=False).returncode == 1


def test_ssh_shows_the_host_key_the_lab_tells(lab: Lab) -> None:
    for node in lab.nodes:
        scan = lab.argv_in("panel", ["ssh-keyscan", "-t", "ed25519", node.address])
        shown = subprocess.run(scan, capture_output=True, text=True, check=True).stdout
        assert shown.split(" ", 1)[1].strip() == node.host_key


def test_ssh_lets_root_in_by_key_only(lab: Lab, tmp_path: Path) -> None:
    node = lab.node("node-1")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    known = tmp_path / "known_hosts"
    known.write_text(f"{node.address} {node.host_key}\n")
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={known}", "-i", str(key)]
    enter = lab.argv_in("panel", ["ssh", *options, f"root@{node.address}", "hostname"])

    assert subprocess.run(enter, capture_output=True).returncode == 255
    node.put("/root/.ssh/authorized_keys", key.with_suffix(".pub").read_text(), mode=0o600)
    assert subprocess.run(enter, capture_output=True, text=True).stdout == "node-1\n"


def test_nodes_reach_each_other_by_name(lab: Lab) -> None:
    assert lab.node("node-1").run(["ping", "-c", "1", "-W", "2", "node-3"]).returncode == 0


def test_a_node_does_not_relay_for_an_address_it_gave_away(lab: Lab) -> None:
    assert lab.node("node-1").run(["cat", "/proc/sys/net/ipv4/ip_forward"]).stdout == "1\n"
    assert "-P FORWARD DROP" in lab.node("node-1").run(["iptables", "-S"]).stdout
    gone = "192.0.2.222"
    route = lab.argv_in("client", ["ip", "route", "add", gone, "via", lab.node("node-1").address])
    lab.node("node-2").run(["ip", "address", "add", f"{gone}/32", "dev", "lo"])
    subprocess.run(route, check=True)
    try:
        with lab.inside("client"), pytest.raises(TimeoutError):
            socket.create_connection((gone, 22), timeout=0.5).close()
    finally:
        subprocess.run(lab.argv_in("client", ["ip", "route", "delete", gone]), check=True)
        lab.node("node-2").run(["ip", "address", "delete", f"{gone}/32", "dev", "lo"])


def test_a_node_knows_its_services(lab: Lab) -> None:
    node = lab.node("node-2")
    assert node.run(["/etc/init.d/vz", "status"]).stdout == "OpenVZ is running...\n"
    assert node.run(["pgrep", "-x", "chronyd"]).returncode == 0
    assert "kernel_root=/run/vzkernel" in node.run(["cat", "/etc/ovzpanel/gate.conf"]).stdout.splitlines()


def test_the_kernel_files_say_whether_checkpointing_works(lab: Lab) -> None:
    found = lab.node("node-1").run(["ls", "/run/vzkernel/proc"]).stdout.split()
    assert ("cpt" in found, "rst" in found) == (lab.checkpointing, lab.checkpointing)


def test_process_one_buries_orphans(lab: Lab) -> None:
    node = lab.node("node-3")
    node.run(["sh", "-c", "(sh -c 'exit 3' &) ; sleep 0.1"])
    deadline = time.monotonic() + 3
    while "Z" in (states := node.run(["ps", "-eo", "stat="]).stdout):
        assert time.monotonic() < deadline, states
        time.sleep(0.05)


def test_a_command_that_takes_too_long_leaves_nothing_running(lab: Lab) -> None:
    node = lab.node("node-3")
    with pytest.raises(subprocess.TimeoutExpired):
        node.run(["sleep", "77"], timeout_seconds=0.3)
    time.sleep(0.1)
    assert node.run(["pgrep", "-xf", "sleep 77"], check=False).returncode == 1


def test_a_frozen_node_answers_when_thawed(lab: Lab) -> None:
    node = lab.node("node-3")
    node.freeze()
    try:
        with lab.inside("panel"), socket.create_connection((node.address, 22), timeout=2) as line:
            line.settimeout(0.3)
            with pytest.raises(TimeoutError):
                line.recv(1)
            node.thaw()
            line.settimeout(3)
            assert line.recv(3) == b"SSH"
    finally:
        node.thaw()


def test_mail_to_the_panels_sink_can_be_read(lab: Lab) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "panel@example.net", "ada@example.net", "Møved"
    message.set_content("It is done.")
    with lab.inside("panel"), smtplib.SMTP("127.0.0.1", 2525, timeout=5) as sink:
        sink.send_message(message)
    kept = [mail for mail in lab.mail() if mail["Subject"] == "Møved"]
    assert [mail["X-Envelope-To"] for mail in kept] == ["ada@example.net"]


def test_an_attached_lab_is_the_same_lab(lab: Lab) -> None:
    assert Lab.attach(lab.run_id).node("node-1").host_key == lab.node("node-1").host_key
    with pytest.raises(LookupError, match="no lab"):
        Lab.attach("00000000")


def test_a_node_that_lost_its_power_comes_back_with_its_disk() -> None:
    with Lab.start(nodes=1, vz_size_mib=256) as lab:
        node = lab.node("node-1")
        node.put("/vz/private/kept", "yes")
        node.run(["sync"])
        node.kill()
        with lab.inside("panel"), pytest.raises(OSError):
            socket.create_connection((node.address, 22), timeout=0.5).close()
        node.boot()
        assert node.run(["cat", "/vz/private/kept"]).stdout == "yes"
        with lab.inside("panel"), socket.create_connection((node.address, 22), timeout=3) as line:
            assert line.recv(3) == b"SSH"


def test_a_lab_told_not_to_checkpoint_has_no_kernel_files_for_it() -> None:
    with Lab.start(nodes=1, vz_size_mib=256, checkpointing=False) as lab:
        assert not lab.checkpointing
        assert "cpt" not in lab.node("node-1").run(["ls", "/run/vzkernel/proc"]).stdout.split()
