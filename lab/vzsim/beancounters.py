"""What a container uses and may use: counted from its real processes where that is cheap."""

from __future__ import annotations

import os
from typing import NamedTuple

from . import amounts, records
from .container import Container
from .parameters import BEANCOUNTERS

IN_PAGES = {
    "lockedpages", "privvmpages", "shmpages", "physpages", "vmguarpages", "oomguarpages", "swappages",
}  # fmt: skip
#: rows of /proc/user_beancounters: older than swap accounting, with gaps where counters went away
OLD_ROWS = (
    "kmemsize", "lockedpages", "privvmpages", "shmpages", "dummy", "numproc", "physpages", "vmguarpages",
    "oomguarpages", "numtcpsock", "numflock", "numpty", "numsiginfo", "tcpsndbuf", "tcprcvbuf", "othersockbuf",
    "dgramrcvbuf", "numothersock", "dcachesize", "numfile", "dummy", "dummy", "dummy", "numiptent",
)  # fmt: skip
KERNEL_BYTES_PER_TASK = 24_576


class Counter(NamedTuple):
    held: int
    maxheld: int
    barrier: int
    limit: int
    failcnt: int


def of(ct: Container) -> dict[str, Counter]:
    held = _held(ct.group.processes()) if ct.running else {}
    peaks = _peaks(ct, held)
    counters = {}
    for name in BEANCOUNTERS:
        unit = amounts.PAGE_BYTES if name in IN_PAGES else 1
        barrier, limit = amounts.parse_pair(ct.settings.get(name.upper(), "unlimited"), unit=unit)
        counters[name] = Counter(held.get(name, 0), peaks.get(name, 0), barrier, limit, 0)
    return counters


def of_host(containers: list[Container]) -> dict[str, Counter]:
    """Count what belongs to no container."""
    guests = {pid for ct in containers for pid in ct.group.processes()}
    held = _held([int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in guests])
    return {
        name: Counter(held.get(name, 0), held.get(name, 0), amounts.UNLIMITED, amounts.UNLIMITED, 0)
        for name in BEANCOUNTERS
    }


def _peaks(ct: Container, held: dict[str, int]) -> dict[str, int]:
    if not held:
        return {}
    old = dict(word.split("=") for word in records.recall(ct, "peaks").split())
    peaks = {name: max(count, int(old.get(name, 0))) for name, count in held.items()}
    records.remember(ct, "peaks", " ".join(f"{name}={count}" for name, count in peaks.items()))
    return peaks


def _held(pids: list[int]) -> dict[str, int]:
    resident = virtual = threads = files = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                size, rss, *_ = (int(word) for word in file.read().split())
            threads += len(os.listdir(f"/proc/{pid}/task"))
            files += len(os.listdir(f"/proc/{pid}/fd"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        resident += rss
        virtual += size
    return {
        "kmemsize": threads * KERNEL_BYTES_PER_TASK,
        "privvmpages": virtual,
        "numproc": threads,
        "physpages": resident,
        "oomguarpages": resident,
        "numfile": files,
    }


def old_lines(ctid: int, counters: dict[str, Counter]) -> list[str]:
    """Rows as in /proc/user_beancounters."""
    nothing = Counter(0, 0, 0, 0, 0)
    rows = [(name, counters.get(name, nothing)) for name in OLD_ROWS]
    return [_line(f"{ctid}:" if number == 0 else "", *row) for number, row in enumerate(rows)]


def lines(ctid: int, counters: dict[str, Counter]) -> list[str]:
    """Rows as in /proc/bc/resources."""
    return [_line(f"{ctid}:" if number == 0 else "", *row) for number, row in enumerate(counters.items())]


def _line(uid: str, name: str, counter: Counter) -> str:
    return f"{uid:>10s}  {name:<12s}" + "".join(f" {number:>20d}" for number in counter)
