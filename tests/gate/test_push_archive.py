"""The archive travels while it is written, and arrives whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.gate.rig import Gate

PEER = "192.0.2.12"
NAME = "vzdump-openvz-101-2026_01_02-03_04_05"
# The other node is this machine: what ssh is told to run there runs here, unless a file says how it fails.
SSH = """
case "$*" in
-V) echo "OpenSSH_9.2p1 x" >&2; exit ;;
"-Q cipher") exit ;;
*vz.conf) echo "DUMPDIR=@ROOT@/far"; exit ;;
*" | sha256sum"*) [ ! -e @ROOT@/broken ] || { head -c 5000 >/dev/null; exit 255; } ;;
esac
while [ "${1%192.0.2.12}" = "$1" ]; do shift; done
shift
echo "far $*" >>@ROOT@/calls
[ ! -e @ROOT@/loses ] || case "$*" in *tee*) head -c 70000 | sh -c "$*"; exit ;; esac
exec sh -c "$*"
"""
VZDUMP = """
folder=@ROOT@/dump/ovzpanel-m7
for part in 1 2 3 4 5 6; do cat @ROOT@/part; sleep 0.2; done >$folder/@NAME@.dat
mv $folder/@NAME@.dat $folder/@NAME@.tgz
echo "INFO: Finished Backup of VM 101 (00:00:01)"
"""


@pytest.fixture
def nodes(gate: Gate) -> Gate:
    gate.tool("ssh", SSH)
    gate.tool("vzdump", VZDUMP.replace("@NAME@", NAME))
    gate.container(101)
    (gate.root / "part").write_bytes(bytes(range(256)) * 100)
    return gate


def _move(gate: Gate) -> tuple[str, str, str]:
    """Dump and push at the same time; return how the push ended."""
    assert gate("job start m7-dump-a1 101 1 vzdump 7 suspend 0").out == "started\n"
    return gate.job("m7-push-a1", f"101 1 push_archive {PEER} 7 0")


def _copy(gate: Gate) -> Path:
    return gate.root / "far/ovzpanel-m7" / f"{NAME}.tgz"


def _assert_whole(gate: Gate, told: str) -> None:
    archive = (gate.root / "dump/ovzpanel-m7" / f"{NAME}.tgz").read_bytes()
    digest = hashlib.sha256(archive).hexdigest()
    assert len(archive) == 6 * 25_600
    assert _copy(gate).read_bytes() == archive
    assert told.splitlines()[-3:] == [f"archive={NAME}.tgz", f"bytes={len(archive)}", f"digest={digest}"]
    assert _copy(gate).with_suffix(".tgz.sha256").read_text() == f"{digest}\n"
    assert gate.ask(f"digest,7,{NAME}.tgz").out == f"{digest}\n"


def test_it_follows_the_growing_archive_in_one_stream(nodes: Gate) -> None:
    state, told, _ = _move(nodes)
    assert state == "done 0"
    _assert_whole(nodes, told)
    assert not [call for call in nodes.calls if "rsync" in call]  # nothing was left to send
    assert not [call for call in nodes.calls if "sha256sum <" in call]  # nor to read a second time


def test_a_broken_stream_is_continued(nodes: Gate) -> None:
    (nodes.root / "broken").touch()
    state, told, _ = _move(nodes)
    assert state == "done 0"
    _assert_whole(nodes, told)
    assert [call for call in nodes.calls if "rsync --server" in call]


def test_an_archive_that_is_finished_already_is_sent(nodes: Gate) -> None:
    assert nodes.job("m7-dump-a1", "101 1 vzdump 7 suspend 0")[0] == "done 0"
    state, told, _ = nodes.job("m7-push-a1", f"101 1 push_archive {PEER} 7 0")
    assert state == "done 0"
    _assert_whole(nodes, told)


def test_a_copy_that_lost_its_end_is_thrown_away(nodes: Gate) -> None:
    (nodes.root / "loses").touch()
    state, _, said = _move(nodes)
    assert state == "done 1"
    assert "153600 bytes" in said
    assert not _copy(nodes).exists()


def test_without_an_archive_there_is_nothing_to_push(nodes: Gate) -> None:
    nodes.tool("vzdump", "exit 1\n")
    assert _move(nodes)[0] == "done 2"
