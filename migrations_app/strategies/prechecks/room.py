"""Is there room: on disk, in inodes, for dumps, in memory?"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migrations_app.execution.outcome import Objection
from migrations_app.strategies.prechecks.facts import Facts, NodeFacts, Side
from migrations_app.vz.facts import Filesystem

KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Something that will be written somewhere."""

    place: Filesystem
    what: str
    kib: int
    files: int = 0


def on_disk(facts: Facts) -> list[Objection]:
    """What shares a file system shares its room; a reserve stays free for those who live there."""
    return [objection for node, demands in _demands(facts) for objection in _too_full(facts, node, demands)]


def reserve_is_left(facts: Facts) -> list[Objection]:
    """The same with nothing more to come: has anybody else filled the target meanwhile?"""
    disk = facts.target.disk
    if disk is None:
        return []
    return list(_too_full(facts, facts.target, [Demand(place=disk.private, what="what is still to come", kib=0)]))


def _demands(facts: Facts) -> Iterable[tuple[NodeFacts, list[Demand]]]:
    if facts.source.disk is not None:
        yield facts.source, list(_on_source(facts, facts.source.disk.dump))
    if facts.target.disk is not None:
        private = Demand(place=facts.target.disk.private, what="the container", kib=_kib(facts), files=_files(facts))
        yield facts.target, [private, *_in_dumps(facts, facts.target.disk.dump)]


def _on_source(facts: Facts, dumps: Filesystem) -> Iterable[Demand]:
    if facts.order.full_backup:
        yield Demand(place=dumps, what="the backup", kib=_kib(facts))
    if facts.order.method == "dump" and facts.runs:
        # vzdump takes a running container's files aside first, and the archive out of that copy.
        yield Demand(place=dumps, what="vzdump's own copy", kib=_kib(facts), files=_files(facts))
    yield from _in_dumps(facts, dumps)


def _in_dumps(facts: Facts, dumps: Filesystem) -> Iterable[Demand]:
    match facts.order.method:
        case "dump":
            # How well it compresses nobody knows before; at worst not at all.
            yield Demand(place=dumps, what="the archive", kib=_kib(facts))
        case "live":
            yield Demand(place=dumps, what="the saved memory", kib=facts.memory_held_mib * KIB)


def _kib(facts: Facts) -> int:
    return facts.source.size.kib if facts.source.size else 0


def _files(facts: Facts) -> int:
    return facts.source.size.files if facts.source.size else 0


def _too_full(facts: Facts, node: NodeFacts, demands: Sequence[Demand]) -> Iterable[Objection]:
    by_mount: dict[str, list[Demand]] = {}
    for demand in demands:
        by_mount.setdefault(demand.place.mount_point, []).append(demand)
    percent = int(facts.order.settings["disk_reserve_percent"])
    for number, together in enumerate(by_mount.values()):
        suffix = f"{node.side}-{number}" if number else node.side
        yield from _short_of_kib(node, together, percent, suffix)
        yield from _short_of_inodes(node, together, percent, suffix)


def _short_of_kib(node: NodeFacts, together: Sequence[Demand], percent: int, suffix: str) -> Iterable[Objection]:
    place = together[0].place
    wanted, reserve = sum(demand.kib for demand in together), place.total_kib * percent // 100
    missing = wanted + reserve - place.free_kib
    if missing > 0:
        what = " and ".join(f"{demand.what} {mib(demand.kib)}" for demand in together if demand.kib)
        yield Objection(
            check_id=f"disk-full-{suffix}",
            text=f"{node.name}: {place.mount_point} has {mib(place.free_kib)} of {mib(place.total_kib)} free; "
            f"{f'{what}, and ' if what else ''}{percent} % in reserve ({mib(reserve)}) need {mib(missing)} more.",
            way_out=_make_room(node.side),
            command=f"du -xhd1 {shlex.quote(place.mount_point)} | sort -h | tail",
        )


def _short_of_inodes(node: NodeFacts, together: Sequence[Demand], percent: int, suffix: str) -> Iterable[Objection]:
    place = together[0].place
    wanted, reserve = sum(demand.files for demand in together), place.inodes_total * percent // 100
    missing = wanted + reserve - place.inodes_free
    if place.inodes_total and missing > 0:
        yield Objection(
            check_id=f"inodes-{suffix}",
            text=f"{node.name}: {place.mount_point} has {place.inodes_free} of {place.inodes_total} inodes free; "
            f"{wanted} files and {percent} % in reserve ({reserve}) need {missing} more.",
            way_out=_make_room(node.side),
            command=f"du -xd1 --inodes {shlex.quote(place.mount_point)} | sort -n | tail",
        )


def _make_room(side: Side) -> str:
    if side == "source":
        return (
            "Free space there, point DUMPDIR in /etc/vz/vz.conf to a larger disk, or use stream, which needs none here."
        )
    return "Free space there, or choose another node. The reserve is a setting (OVZ_DISK_RESERVE_PERCENT)."


def mib(kib: int) -> str:
    return f"{kib / KIB / KIB:.1f} GiB" if kib >= 10 * KIB * KIB else f"{-(-kib // KIB)} MiB"


def own_filesystem(facts: Facts) -> list[Objection]:
    """Where /vz is missing after a failed mount, everything would land on the node's root."""
    disk = facts.target.disk
    if disk is None or disk.private.is_mountpoint:
        return []
    return [
        Objection(
            check_id="vz-not-mounted",
            text=f"On {facts.there} {disk.private.path} lies on the node's root file system: either /vz is "
            "not mounted, or the node has no disk of its own for containers.",
            way_out="Look whether a mount is missing; a root file system that runs full stops the whole node.",
            command="grep /vz /etc/fstab; mount /vz",
            severity="warning",
        )
    ]


def in_memory(facts: Facts) -> list[Objection]:
    memory, held = facts.target.memory, facts.memory_held_mib
    if memory is None or not held:
        return []
    if memory.available_mib < held:
        return [
            Objection(
                check_id="memory-short",
                text=f"{facts.there} has {memory.available_mib} MiB of memory available; the container holds {held}.",
                way_out="Choose another node, or move something else away from this one first.",
            )
        ]
    return list(_may_grow(facts, memory.available_mib))


def _may_grow(facts: Facts, available_mib: int) -> Iterable[Objection]:
    limit_mib = (facts.source.resources or {})["physpages"].limit * 4 // KIB
    # Above this nobody means it as a limit: it is how the kernel writes "none".
    unlimited = limit_mib > 100 * available_mib
    if limit_mib > available_mib and not unlimited:
        yield Objection(
            check_id="memory-tight",
            text=f"{facts.there} has {available_mib} MiB of memory available; the container may "
            f"grow to {limit_mib} MiB.",
            way_out="Nothing, if it never does. Else choose another node.",
            severity="warning",
        )


def what_fits(facts: Facts) -> list[Objection]:
    """For the record, in numbers: what was compared with what."""
    disk, size = facts.target.disk, facts.source.size
    if disk is None or size is None:
        return []
    return [
        Objection(
            check_id="room-on-target",
            text=f"{size.files} files, {mib(size.kib)}, go to {facts.there}, where {disk.private.mount_point} has "
            f"{mib(disk.private.free_kib)} free.",
            severity="note",
        )
    ]
