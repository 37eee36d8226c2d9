"""Whoever holds the panel's key has the gate's words, and they do not reach what was never handed to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.gate.rig import Gate

FAR_FUTURE = 99_999_999_999


def _picture(root: Path) -> dict[str, bytes]:
    folders = ("private", "vz", "mnt", "dump")
    return {str(path): path.read_bytes() for name in folders for path in (root / name).rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "attack",
    [
        ["do 101 9 clear_incoming 1"],
        ["do 101 9 reserve 1", "do 101 9 clear_incoming 1"],
        [f"do 101 9 retire 1 {FAR_FUTURE}"],
        ["do 101 9 forget_work 1"],
        ["do 101 9 trust_drop 1"],
        ["do 101 9 rehearsal_drop 1 102"],
        ["job start m1-define-a1 101 9 define 1"],
        ["job start m1-rehearse_start-a1 101 9 rehearse_start 1 102"],
        ["job start m1-rehearse_stop-a1 101 9 rehearse_stop 1 102"],
        ["job start m1-restore-a1 101 9 restore 1"],
        ["do 103 9 reserve 1", "job start m1-rehearse_start-a1 103 9 rehearse_start 1 101"],
        ["do 103 9 reserve 1", "do 103 9 clear_incoming 1", "do 101 9 clear_incoming 1"],
        ["do 102 9 forget_work 55"],
    ],
    ids=lambda attack: " then ".join(attack),
)
def test_no_container_is_harmed(gate: Gate, attack: list[str]) -> None:
    gate.container(101)
    gate.container(102)
    (gate.root / "dump/ovzpanel-m55").mkdir()
    (gate.root / "dump/ovzpanel-m55/ctid").write_text("101\n")
    before = _picture(gate.root)
    for request in attack:
        gate(request, stdin=b'HOSTNAME="evil"\n')
    time.sleep(0.3)
    assert _picture(gate.root) == before


def test_a_copy_cannot_be_hurried_to_its_end(gate: Gate) -> None:
    """Stop, fence for a second, retire: the node's own least retention stands in the way."""
    gate.configure(least_retention_seconds=86400)
    gate.container(101)
    gate.do("101 9 fence 1 1")
    time.sleep(1.1)
    assert gate.do(f"101 9 retire 1 {FAR_FUTURE}").rc == 1
    assert (gate.root / "private/101/data").exists()
    # Setting it aside, and clearing the number it had, makes it no younger.
    for words in ("reserve 2", "clear_incoming 2", "reserve 3", "clear_incoming 3", "clear_incoming 1"):
        gate.do(f"101 9 {words}")
    assert gate.do(f"101 9 retire 1 {FAR_FUTURE}").rc == 1
    assert (gate.root / "private/101.ovz-m1/data").exists()


@pytest.mark.parametrize(
    "request_text",
    [
        "bash",
        "sh",
        "id",
        "cat /etc/shadow",
        "vzctl destroy 101",
        "do 101 9 destroy",
        "do 101 9 exec id",
        "do 101 9 vzctl",
        "job start m1-x-a1 101 9 destroy",
        "job start m1-x-a1 101 9 exec id",
        "job start m1-x-a1 101 9 install telnetd",
        "ask file,/etc/shadow",
        "ask digest,1,/etc/shadow",
        "ask ct_config,../../shadow",
        "scp -f /etc/shadow",
        "rsync --server --sender -logDtpr . /etc/",
        "/usr/lib/openssh/sftp-server",
        "git-upload-pack x",
    ],
)
def test_other_words_do_nothing(gate: Gate, request_text: str) -> None:
    gate.container(101)
    reply = gate(request_text)
    assert (reply.exit_code, reply.out) == (64, "")
    assert not gate.calls


def test_the_work_of_another_container_is_out_of_reach(gate: Gate) -> None:
    gate.do("101 1 trust_make 7")
    for words in ("trust_drop 7", "forget_work 7", "trust_make 7"):
        assert gate.do(f"102 99 {words}").rc == 9
    assert gate.job("m7-backup-a1", "102 99 backup 7")[0] == "done 9"
    assert (gate.state / "m/7/key").exists()


def test_what_it_reads_is_bounded(gate: Gate) -> None:
    """A link in a place the gate reads leads nowhere: facts about a container stay in its own files."""
    area = gate.container(101)
    (area / "shadow").symlink_to("/etc/shadow")
    for fact in ("ct_size,101", "ct_churn,101", "ct_leftovers,101"):
        assert "root:" not in gate.ask(fact).out
