from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lab.handle import Lab, LabNode
from lab.watch import Report

pytestmark = pytest.mark.lab

SERVICE = "^python3 -IBS /usr/lib/lab-guest/service.py"
# A guest made by hand, with no tool of the lab's: its data folder laid over /data of namespaces of its own.
BY_HAND = """
mkdir -p /data "$1" && echo "$2" >"$1/identity"
mount --make-rprivate / && mount --bind "$1" /data && mount -t proc proc /proc && ip link set lo up
[ -z "$3" ] || ip address add "$3/32" dev lo
exec python3 -IBS /usr/lib/lab-guest/service.py
"""


@contextmanager
def guest(node: LabNode, identity: str, *, address: str = "192.0.2.240") -> Iterator[subprocess.Popen[bytes]]:
    inner = ["sh", "-c", BY_HAND, "sh", f"/vz/private/{identity}", identity, address]
    command = node.argv(["unshare", "-mpn", "--fork", "--kill-child", *inner])
    started = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.4)
    try:
        yield started
    finally:
        node.run(["pkill", "-KILL", "-f", SERVICE], check=False)
        started.wait(timeout=5)


def watch_for(lab: Lab, seconds: float) -> Report:
    with lab.watch() as watching:
        time.sleep(seconds)
    return watching.report


def test_it_sees_one_copy_and_where_it_runs(lab: Lab) -> None:
    with guest(lab.node("node-2"), "aaaa"):
        report = watch_for(lab, 0.3)
    assert report.copies["aaaa"].max_running == 1
    assert [change["nodes"] for change in report.copies["aaaa"].timeline] == [["node-2"]]


def test_it_counts_two_copies_and_keeps_the_evidence(lab: Lab) -> None:
    with guest(lab.node("node-1"), "bbbb"), lab.watch() as watching, guest(lab.node("node-3"), "bbbb"):
        time.sleep(0.2)
    seen = watching.report.copies["bbbb"]
    assert watching.report.max_copies_running == seen.max_running == 2
    assert {copy["guest"]["node"] for copy in seen.evidence[0]["copies"]} == {"node-1", "node-3"}
    assert [change["nodes"] for change in seen.timeline] == [["node-1"], ["node-1", "node-3"], ["node-1"]]


def test_different_containers_are_not_copies_of_each_other(lab: Lab) -> None:
    with guest(lab.node("node-1"), "cccc"), guest(lab.node("node-2"), "dddd"):
        report = watch_for(lab, 0.2)
    assert report.max_copies_running == 1


def test_a_copy_without_an_address_is_a_rehearsal(lab: Lab) -> None:
    with guest(lab.node("node-1"), "eeee"), guest(lab.node("node-2"), "eeee", address=""):
        seen = watch_for(lab, 0.2).copies["eeee"]
    assert (seen.max_running, seen.max_rehearsing) == (1, 1)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_a_copy_that_is_held_does_not_run(lab: Lab, how: str) -> None:
    holder = lab.node("node-1")
    with ExitStack() as stack:
        stack.enter_context(guest(holder, "ffff"))
        if how == "stopped":
            holder.run(["pkill", "-STOP", "-f", SERVICE])
        else:
            holder.freeze()
            stack.callback(holder.thaw)
        stack.enter_context(guest(lab.node("node-2"), "ffff"))
        seen = watch_for(lab, 0.2).copies["ffff"]
    assert (seen.max_running, [change["nodes"] for change in seen.timeline]) == (1, [["node-2"]])


@pytest.mark.alone
def test_it_notices_a_copy_that_runs_for_a_tenth_of_a_second(lab: Lab) -> None:
    with guest(lab.node("node-1"), "abcd"), guest(lab.node("node-2"), "abcd"):
        lab.node("node-2").freeze()
        with lab.watch() as watching:
            lab.node("node-2").thaw()
            time.sleep(0.1)
            lab.node("node-2").freeze()
        lab.node("node-2").thaw()
    assert watching.report.max_copies_running == 2


@pytest.mark.alone
def test_it_looks_often_and_says_how_often(lab: Lab) -> None:
    report = watch_for(lab, 1.0)
    assert report.samples >= 35
    assert 0 < report.longest_gap_seconds < 0.3
