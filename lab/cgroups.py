"""One control group per run and node: freezing a node whole, and finding everything that ever ran on it."""

from __future__ import annotations

import time
from pathlib import Path

from lab.host_needs import HostLacks

PREFIX = "ovzpanel-lab-"


def mount_point(mounts: Path = Path("/proc/self/mounts")) -> Path:
    """Return where this machine shows its cgroup2 tree."""
    for line in mounts.read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise HostLacks("no cgroup2 tree is mounted; `mount -t cgroup2 none /sys/fs/cgroup` as systemd does")


def of_run(run_id: str) -> Path:
    return mount_point() / f"{PREFIX}{run_id}"


def make(run_id: str, node: str) -> Path:
    group = of_run(run_id) / node
    group.mkdir(parents=True, exist_ok=True)
    return group


def freeze(group: Path, *, frozen: bool) -> None:
    (group / "cgroup.freeze").write_text("1" if frozen else "0")


def kill(group: Path, *, patience_seconds: float = 5.0) -> None:
    """Kill everything inside and return when nothing is left."""
    (group / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + patience_seconds
    while "populated 0" not in (group / "cgroup.events").read_text():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{group.name}: processes outlive SIGKILL by {patience_seconds} s")
        time.sleep(0.005)


def remove(group: Path) -> None:
    """Kill whatever is left inside, then remove the group and all below it."""
    if not group.exists():
        return
    kill(group)
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        folder.rmdir()
    group.rmdir()
