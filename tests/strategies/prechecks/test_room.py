"""Disk, inodes, dumps, memory."""

from __future__ import annotations

from typing import Any

import pytest

from migrations_app.strategies.prechecks import room
from tests.strategies.prechecks.scene import (
    DOWN,
    GIB_KIB,
    disk,
    filesystem,
    memory_pages,
    seen,
    severities,
    the_one,
)

# The container has 10 GiB in 20,000 files; of 100 GiB a tenth stays free.
AMPLE = disk()
DUMPS = filesystem(path="/dump", mount_point="/dump")


def free(gib: float) -> dict[str, Any]:
    return {"disk": disk(filesystem(free_kib=int(gib * GIB_KIB)))}


def dumps(gib: float) -> dict[str, Any]:
    return {"disk": disk(dump=filesystem(mount_point="/dump", free_kib=int(gib * GIB_KIB)))}


DISKS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "just enough for a stream": ("stream", {"target": free(20)}, {}),
    "a little short for a stream": ("stream", {"target": free(19.9)}, {"disk-full-target": "blocker"}),
    "live wants the same": ("live", {"target": free(20)}, {"disk-full-target": "blocker"}),  # and its memory
    "the archive shares the disk": ("dump", {"target": free(29.9)}, {"disk-full-target": "blocker"}),
    "container, archive and reserve": ("dump", {"target": free(30)}, {}),
    "the archive has a disk of its own": ("dump", {"target": dumps(20)}, {}),
    "which is too small": ("dump", {"target": dumps(19)}, {"disk-full-target-1": "blocker"}),
    "vzdump copies a running container first": ("dump", {"source": free(29.9)}, {"disk-full-source": "blocker"}),
    "a stopped one it does not": ("dump", {"source": free(20) | {"state": DOWN}}, {}),
    "a full backup comes on top": (
        "dump",
        {"source": free(39.9), "full_backup": True},
        {"disk-full-source": "blocker"},
    ),
    "and for itself": ("stream", {"source": free(19.9), "full_backup": True}, {"disk-full-source": "blocker"}),
    "a stream asks nothing of the source": ("stream", {"source": free(10)}, {}),
    "size unknown": ("stream", {"source": {"size": None}, "target": free(10)}, {}),
    "disk unknown": ("dump", {"source": {"disk": None}, "target": {"disk": None}}, {}),
    "too few inodes": (
        "stream",
        {"target": {"disk": disk(filesystem(inodes_free=619_999))}},
        {"inodes-target": "blocker"},
    ),
    "just enough inodes": ("stream", {"target": {"disk": disk(filesystem(inodes_free=620_000))}}, {}),
    "a file system without a fixed number of them": (
        "stream",
        {"target": {"disk": disk(filesystem(inodes_total=0, inodes_free=0))}},
        {},
    ),
}


@pytest.mark.parametrize("case", DISKS)
def test_disks(case: str) -> None:
    method, changes, wanted = DISKS[case]
    assert severities(room.on_disk, seen(method=method, **changes)) == wanted


def test_a_full_disk_is_told_in_numbers() -> None:
    objection = the_one(room.on_disk, seen(method="dump", target=free(25)))
    assert objection.text == (
        "node-2: /vz has 25.0 GiB of 100.0 GiB free; the container 10.0 GiB and the archive 10.0 GiB, and 10 % in "
        "reserve (10.0 GiB) need 5120 MiB more."
    )


@pytest.mark.parametrize(("gib", "refused"), [(10.0, False), (9.9, True)])
def test_before_the_freeze_the_reserve_must_still_be_there(gib: float, refused: bool) -> None:
    assert bool(room.reserve_is_left(seen(target=free(gib)))) is refused


def test_a_private_area_on_the_root_disk_is_a_warning() -> None:
    facts = seen(target={"disk": disk(filesystem(mount_point="/", is_mountpoint=False))})
    assert severities(room.own_filesystem, facts) == {"vz-not-mounted": "warning"}


MEMORY: dict[str, tuple[int, int, dict[str, Any], dict[str, str]]] = {
    "plenty": (512, 1024, {}, {}),
    "more held than there is": (13_000, 14_000, {}, {"memory-short": "blocker"}),
    "may grow beyond": (512, 20_000, {}, {"memory-tight": "warning"}),
    "no limit at all": (512, 2**40, {}, {}),
    "stopped": (13_000, 14_000, {"state": DOWN}, {}),
}


@pytest.mark.parametrize("case", MEMORY)
def test_memory(case: str) -> None:
    held, limit, source, wanted = MEMORY[case]
    facts = seen(source={"resources": memory_pages(held, limit)} | source)
    assert severities(room.in_memory, facts) == wanted


def test_memory_is_told_in_numbers() -> None:
    objection = the_one(room.in_memory, seen(source={"resources": memory_pages(13_000, 14_000)}))
    assert objection.text == "node-2 has 12288 MiB of memory available; the container holds 13000."
