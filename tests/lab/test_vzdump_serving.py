"""vzdump of a container that works: with the node's real vzctl, under the measuring client's load."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.client import lost_writes
from lab.handle import Lab, LabNode

pytestmark = pytest.mark.lab

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def node(lab: Lab) -> LabNode:
    node = lab.node("node-3")
    node.run(["yum", "-y", "install", "vzdump"])
    return node


@pytest.fixture
def serving(node: LabNode, fresh_ctid: Callable[[], int]) -> Iterator[int]:
    """A container that answers at its address."""
    ctid = fresh_ctid()
    node.run(["mkdir", "-p", dumps_of(ctid)])
    node.run(["vzctl", "create", str(ctid), "--ostemplate", "lab-guest"])
    node.run(["vzctl", "set", str(ctid), "--ipadd", f"192.0.2.{ctid}", "--hostname", "shop", "--save"])
    node.run(["vzctl", "start", str(ctid)])
    # A start returns before the service listens on port 80.
    node.run(["vzctl", "exec2", str(ctid), "until grep -q ':0050 00000000:0000 0A' /proc/net/tcp; do sleep 0.05; done"])
    yield ctid
    node.run(["sh", "-c", f"vzctl stop {ctid}; vzctl destroy {ctid}; rm -rf {dumps_of(ctid)}"], check=False)


def dumps_of(ctid: int) -> str:
    return f"/vz/dumps-of-{ctid}"


@contextmanager
def load_on(lab: Lab, ctid: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Load a container meanwhile; the report is filled in at the end."""
    words = ["--address", f"192.0.2.{ctid}", "--until-file", str(folder / "enough")]
    words += ["--journal", str(folder / "journal"), "--report", str(folder / "report.json")]
    argv = lab.argv_in("client", [sys.executable, "-m", "lab.client", *words])
    report: dict[str, Any] = {}
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as client:
        time.sleep(1.5)
        yield report
        time.sleep(0.5)
        (folder / "enough").touch()
    assert client.returncode == 0
    report.update(json.loads((folder / "report.json").read_text()))


def test_a_dump_by_suspension_costs_no_request_no_write_and_no_memory(
    lab: Lab, node: LabNode, serving: int, tmp_path: Path
) -> None:
    with load_on(lab, serving, tmp_path) as report:
        done = node.run(["vzdump", "--suspend", "--bwlimit", "0", "--dumpdir", dumps_of(serving), str(serving)])
    assert "INFO: Backup job finished successfuly" in done.stdout
    assert report["failed_requests"] == 0
    assert report["memory_kept"] is True
    assert report["connections"]["unbroken"] == 4
    assert report["longest_stall_s"] < 1
    (tmp_path / "survived").write_text(node.run(["cat", f"/vz/private/{serving}/data/journal"]).stdout)
    assert lost_writes(tmp_path / "journal", tmp_path / "survived") == []


def test_what_was_acknowledged_before_the_dump_is_in_the_archive(
    lab: Lab, node: LabNode, serving: int, fresh_ctid: Callable[[], int], tmp_path: Path
) -> None:
    with load_on(lab, serving, tmp_path):
        before = (tmp_path / "journal").read_text().splitlines()
        node.run(["vzdump", "--suspend", "--bwlimit", "0", "--dumpdir", dumps_of(serving), str(serving)])
    other = fresh_ctid()
    node.run(["sh", "-c", f"vzrestore {dumps_of(serving)}/*.tar {other}"])
    restored = node.run(["cat", f"/vz/private/{other}/data/journal"]).stdout.splitlines()
    node.run(["vzctl", "destroy", str(other)])
    assert before
    assert set(before) <= set(restored)


def test_stop_mode_brings_the_container_back_with_a_new_memory(
    lab: Lab, node: LabNode, serving: int, tmp_path: Path
) -> None:
    with load_on(lab, serving, tmp_path) as report:
        node.run(["vzdump", "--stop", "--bwlimit", "0", "--dumpdir", dumps_of(serving), str(serving)])
        assert "mounted running" in node.run(["vzctl", "status", str(serving)]).stdout
        time.sleep(1)
    assert report["memory_kept"] is False
    # Nobody held new connections back: those who came meanwhile were refused.
    assert report["failed_requests"] > 0
