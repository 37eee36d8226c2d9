"""What an OpenVZ kernel counts of its containers, shown in files that are written anew by every vzlist."""

from __future__ import annotations

import os
import time

from . import beancounters, kernel_files, paths, records
from .container import Container
from .kernel_files import write

COUNTERS_VERSION = "Version: 2.5"
COUNTERS_HEADER = f"{'uid':>10s}  {'resource':<12s}" + "".join(
    f" {word:>20s}" for word in ("held", "maxheld", "barrier", "limit", "failcnt")
)
VESTAT_VERSION = "Version: 2.2             "
VESTAT_COLUMNS = (
    "user", "nice", "system", "uptime", "idle", "strv", "uptime", "used", "maxlat", "totlat", "numsched",
)  # fmt: skip
VESTAT_HEADER = f"{'VEID':>10s}" + "".join(f" {word:>20s}" for word in VESTAT_COLUMNS)


def refresh() -> None:
    containers = kernel_files.running()
    write("vz/vestat", [VESTAT_VERSION, VESTAT_HEADER, *(_vestat(ct) for ct in containers)])
    _write_counters(containers)


def _vestat(ct: Container) -> str:
    """CPU time in thousandths of a second, the kernel's jiffies there; the long uptime in nanoseconds."""
    user = system = 0
    for pid in ct.group.processes():
        user_ticks, system_ticks = _ticks(pid)
        user += user_ticks
        system += system_ticks
    started = float(records.recall(ct, "started_at") or time.time())
    uptime = time.time() - started
    per_tick = 1000 // os.sysconf("SC_CLK_TCK")
    numbers = (user * per_tick, 0, system * per_tick, int(uptime * 1000), 0, 0, int(uptime * 1e9), 0, 0, 0, 0)
    return f"{ct.ctid:>10d}" + "".join(f" {number:>20d}" for number in numbers)


def _ticks(pid: int) -> tuple[int, int]:
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return int(words[11]), int(words[12])


def _write_counters(containers: list[Container]) -> None:
    sets = {0: beancounters.of_host(containers), **{ct.ctid: beancounters.of(ct) for ct in containers}}
    old = [line for ctid, counters in sets.items() for line in beancounters.old_lines(ctid, counters)]
    new = [line for ctid, counters in sets.items() for line in beancounters.lines(ctid, counters)]
    write("user_beancounters", [COUNTERS_VERSION, COUNTERS_HEADER, *old])
    write("bc/resources", [COUNTERS_VERSION, COUNTERS_HEADER, *new])
    for ctid, counters in sets.items():
        write(f"bc/{ctid}/resources", [line[12:] for line in beancounters.lines(ctid, counters)])
    for ct in containers:
        write(f"bc/{ct.ctid}/ioacct", [f"{'write':>13s} {_written(ct.group.processes()):>36d}"])
    _drop_others({str(ctid) for ctid in sets})


def _written(pids: list[int]) -> int:
    return sum(_written_by(pid) for pid in pids)


def _written_by(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/io") as file:
            rows = dict(line.split(":") for line in file)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return int(rows["write_bytes"])


def _drop_others(ctids: set[str]) -> None:
    top = f"{paths.KERNEL_DIR}/bc"
    for name in os.listdir(top):
        if os.path.isdir(f"{top}/{name}") and name not in ctids:
            records.remove_folder(f"{top}/{name}")
