from __future__ import annotations

import json
import socket
import time

import pytest

from lab import faults
from lab.handle import Lab, LabNode

pytestmark = pytest.mark.lab


def greets(lab: Lab, node: LabNode, *, within_seconds: float = 3) -> bool:
    try:
        with lab.inside("panel"), socket.create_connection((node.address, 22), timeout=within_seconds) as line:
            return line.recv(3) == b"SSH"
    except OSError:
        return False


def test_a_cut_link_loses_packets_in_silence_until_it_is_mended(lab: Lab) -> None:
    node = lab.node("node-1")
    with faults.cut_link(lab, "node-1"):
        assert not greets(lab, node, within_seconds=0.5)
        assert greets(lab, lab.node("node-2"))
    assert greets(lab, node)


def test_a_connection_outlives_a_short_cut(lab: Lab) -> None:
    node = lab.node("node-1")
    with lab.inside("panel"):
        line = socket.create_connection((node.address, 22), timeout=10)
    with line:
        assert line.recv(3) == b"SSH"
        with faults.cut_link(lab, "node-1"):
            line.sendall(b"nonsense\r\n")
        assert line.recv(1)


@pytest.mark.alone
def test_a_slow_link_is_as_slow_as_asked(lab: Lab) -> None:
    node = lab.node("node-2")
    node.run(
        ["sh", "-c", 'head -c 500000 /dev/zero | nohup timeout 20 python3 -c "$1" >/dev/null 2>&1 &', "sh", SENDER]
    )
    time.sleep(0.3)
    with faults.slow_link(lab, "node-2", kbit_per_second=4000):
        with lab.inside("client"):
            line = socket.create_connection((node.address, 7777), timeout=5)
        begun = time.monotonic()
        with line:
            received = sum(len(piece) for piece in iter(lambda: line.recv(65536), b""))
        took = time.monotonic() - begun
    assert received == 500_000
    assert 0.7 < took < 2.0
    assert "tbf" not in node.run(["tc", "qdisc"]).stdout


SENDER = """
import socket, sys
payload = sys.stdin.buffer.read()
line, _ = socket.create_server(("0.0.0.0", 7777)).accept()
line.sendall(payload)
"""


def test_a_full_disk_takes_nothing_more_and_is_empty_afterwards(lab: Lab) -> None:
    node = lab.node("node-3")
    write = ["dd", "if=/dev/zero", "of=/vz/dump/more", "bs=1M", "count=4", "conv=fsync"]
    with faults.full_disk(node):
        assert "No space left" in node.run(write, check=False).stderr
    with faults.full_disk(node, leave_mib=64):
        assert node.run(write, check=False).returncode == 0
    node.run(["rm", "-f", "/vz/dump/more"])
    used = int(node.run(["df", "-Pm", "/vz"]).stdout.splitlines()[1].split()[2])
    assert used < 100


def test_a_process_is_killed_by_its_name_only(lab: Lab) -> None:
    node = lab.node("node-3")
    node.run(
        [
            "sh",
            "-c",
            "cp /usr/bin/sleep /tmp/victim; cp /usr/bin/sleep /tmp/victims; cd /tmp; for p in victim victims; do "
            "setsid ./$p 60 >/dev/null 2>&1 & done; sleep 0.1",
        ]
    )
    faults.kill_process(node, "victim")
    assert node.run(["pgrep", "-x", "victim"], check=False).returncode == 1
    assert node.run(["pgrep", "-x", "victims"]).returncode == 0
    faults.kill_process(node, "victims")


def test_plans_for_tools_are_added_and_taken_back_one_by_one(lab: Lab) -> None:
    node = lab.node("node-1")
    with faults.tool_does(node, "vzmigrate", exit=7):
        with faults.tool_does(node, "vzctl start 101", hang_seconds=600):
            assert json.loads(node.run(["cat", faults.PLANS]).stdout) == {
                "vzmigrate": {"exit": 7},
                "vzctl start 101": {"hang_seconds": 600},
            }
        assert json.loads(node.run(["cat", faults.PLANS]).stdout) == {"vzmigrate": {"exit": 7}}
    assert node.run(["test", "-e", faults.PLANS], check=False).returncode == 1


def test_a_skewed_clock_is_what_date_tells(lab: Lab) -> None:
    node = lab.node("node-2")
    with faults.clock_off(node, seconds=-3600.5):
        told = float(node.run(["date", "+%s.%N"]).stdout)
        assert told == pytest.approx(time.time() - 3600.5, abs=1)
        assert node.run(["date", "-u", "+%Z"]).stdout == "UTC\n"
    assert float(node.run(["date", "+%s.%N"]).stdout) == pytest.approx(time.time(), abs=1)


def test_a_stopped_ntp_client_runs_again_afterwards(lab: Lab) -> None:
    node = lab.node("node-2")
    with faults.ntp_stopped(node):
        assert node.run(["pgrep", "-x", "chronyd"], check=False).returncode == 1
    time.sleep(0.1)
    assert node.run(["pgrep", "-x", "chronyd"]).returncode == 0


def test_a_missing_tool_can_be_installed_again_and_is_there_afterwards(lab: Lab) -> None:
    node = lab.node("node-2")
    with faults.tool_missing(node, "/usr/bin/rsync"):
        assert node.run(["sh", "-c", "command -v rsync"], check=False).returncode == 127
        node.run(["yum", "-y", "install", "rsync"])
        assert node.run(["rsync", "--version"]).returncode == 0
    with faults.tool_missing(node, "/usr/bin/rsync"):
        assert node.run(["test", "-e", "/usr/bin/rsync"], check=False).returncode == 1
    assert node.run(["rsync", "--version"]).returncode == 0
