from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import cgroups, faults, sweep
from lab.__main__ import staying
from lab.handle import Lab
from lab.paths import RunPaths

pytestmark = pytest.mark.lab

STARTER = """
import sys, time
from lab.handle import Lab
lab = Lab.start(nodes=2, vz_size_mib=256)
lab.node("node-1").run(["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 &"])
print(lab.run_id, flush=True)
time.sleep(60)
"""


def leftovers(run_id: str) -> dict[str, list[str]]:
    """Look for everything of a run that is not a file, with nothing of the lab's own but its names."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout.splitlines()
    environments = [path for path in Path("/proc").glob("[0-9]*/environ") if run_id.encode() in readable(path)]
    grouped = [
        path for path in Path("/proc").glob("[0-9]*/cgroup") if run_id.encode() in readable(path) and alive(path)
    ]
    return {
        "mounts": [line for line in mounts if run_id in line],
        "loops": [line for line in loops if run_id in line],
        "processes": [str(path) for path in [*environments, *grouped]],
    }


def alive(path: Path) -> bool:
    # The dead whom the machine's process 1 has not buried yet hold nothing any more.
    return b") Z " not in readable(path.with_name("stat"))


def readable(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def becomes_true(question: Callable[[], bool], *, within_seconds: float = 5) -> bool:
    deadline = time.monotonic() + within_seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def nothing_but_files(run_id: str) -> bool:
    return not any(leftovers(run_id).values())


def files_of(run_id: str) -> list[Path]:
    paths = RunPaths(run_id=run_id)
    candidates = [paths.state_dir, paths.disk_dir, cgroups.of_run(run_id)]
    return [path for path in candidates if path.exists()]


@pytest.mark.alone  # numbers of namespaces are used again
def test_a_stopped_lab_leaves_nothing() -> None:
    with Lab.start(nodes=2, vz_size_mib=256) as lab:
        namespaces = {os.readlink(f"/proc/{node.pid}/ns/net") for node in lab.nodes}
        assert not nothing_but_files(lab.run_id)
    assert nothing_but_files(lab.run_id)
    assert files_of(lab.run_id) == []
    assert namespaces.isdisjoint(readlinks("/proc/[0-9]*/ns/net"))


def readlinks(pattern: str) -> set[str]:
    found = set()
    for path in Path("/").glob(pattern.lstrip("/")):
        try:
            found.add(os.readlink(path))
        except OSError:
            continue
    return found


@pytest.mark.alone  # any other start would sweep too
def test_a_killed_supervisor_leaves_nothing_but_files_and_the_next_start_sweeps_them() -> None:
    lab = Lab.start(nodes=3, vz_size_mib=256)
    lab.node("node-2").run(["vzctl", "create", "101", "--ipadd", "192.0.2.101"])
    lab.node("node-2").run(["vzctl", "start", "101"])
    os.kill(lab.state.supervisor_pid, signal.SIGKILL)
    assert becomes_true(lambda: nothing_but_files(lab.run_id)), leftovers(lab.run_id)
    assert len(files_of(lab.run_id)) == 3

    with Lab.start(nodes=1, vz_size_mib=256):
        assert files_of(lab.run_id) == []
    lab.stop()


def test_a_killed_starter_takes_its_lab_along() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        run_id = starter.stdout.readline().strip()
        assert sweep.is_owned(RunPaths(run_id=run_id))
        starter.kill()
    assert becomes_true(lambda: files_of(run_id) == [])
    assert nothing_but_files(run_id)


def test_a_detached_lab_stays_until_it_is_told(lab: Lab) -> None:
    script = "from lab.handle import Lab; print(Lab.start(nodes=1, vz_size_mib=256, detach=True).run_id)"
    started = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    detached = Lab.attach(started.stdout.strip())
    assert detached.node("node-1").run(["hostname"]).stdout == "node-1\n"
    assert detached.run_id not in sweep.sweep()
    assert [one.run_id for one in staying([lab, detached])] == [detached.run_id]
    detached.stop()
    assert files_of(detached.run_id) == []


def test_two_labs_side_by_side_do_not_meet() -> None:
    with Lab.start(nodes=1, vz_size_mib=256) as one, Lab.start(nodes=1, vz_size_mib=256) as other:
        assert one.node("node-1").address == other.node("node-1").address
        with faults.cut_link(one, "node-1"):
            assert reaches(other)
            assert not reaches(one)
        one.node("node-1").put("/vz/private/mine", "x")
        assert other.node("node-1").run(["ls", "/vz/private"]).stdout == ""
    assert nothing_but_files(one.run_id)
    assert nothing_but_files(other.run_id)


def reaches(lab: Lab) -> bool:
    scan = ["ssh-keyscan", "-T", "1", "-t", "ed25519", lab.node("node-1").address]
    told = subprocess.run(lab.argv_in("panel", scan), capture_output=True, text=True).stdout
    return lab.node("node-1").host_key in told


def test_a_lab_that_cannot_start_says_why_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = secrets.token_hex(4)
    monkeypatch.setattr("lab.handle.secrets.token_hex", lambda _size: run_id)
    with pytest.raises(RuntimeError, match=r"mkfs.ext4|No space|File too large"):
        Lab.start(nodes=1, vz_size_mib=0)
    assert nothing_but_files(run_id)
    assert files_of(run_id) == []
