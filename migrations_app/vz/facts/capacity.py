"""How much a node has and how much of it is in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz.facts.fact import Answer, Fact, decimal, key_values, lines, number, succeeded
from migrations_app.vz.names import clean_line

VIRTUAL_DEVICES = (
    "lo",
    "venet",
    "veth",
    "br",
    "vmbr",
    "virbr",
    "bond",
    "docker",
    "tap",
    "tun",
    "dummy",
    "sit",
    "ip6tnl",
)


@dataclass(frozen=True, kw_only=True)
class Processors:
    count: int
    load_1m: float
    load_5m: float
    load_15m: float
    model: str
    flags: frozenset[str]


@dataclass(frozen=True)
class Cpu(Fact[Processors]):
    name: ClassVar[str] = "cpu"

    def _understand(self, answer: Answer) -> Processors:
        found = key_values(succeeded(answer))
        load_1m, load_5m, load_15m = (decimal(word) for word in found["load"].split())
        return Processors(
            count=number(found["processors"]),
            load_1m=load_1m,
            load_5m=load_5m,
            load_15m=load_15m,
            model=clean_line(found.get("model", "")),
            flags=frozenset(clean_line(found.get("flags", ""), limit=2_000).split()),
        )


@dataclass(frozen=True, kw_only=True)
class MemoryUse:
    total_kib: int
    available_kib: int  # what programs could still get, caches counted as free
    swap_total_kib: int
    swap_free_kib: int

    @property
    def total_mib(self) -> int:
        return self.total_kib // 1024

    @property
    def available_mib(self) -> int:
        return self.available_kib // 1024


@dataclass(frozen=True)
class Memory(Fact[MemoryUse]):
    name: ClassVar[str] = "memory"

    def _understand(self, answer: Answer) -> MemoryUse:
        kib = _meminfo(succeeded(answer))
        # Kernels of the 2.6 line print no MemAvailable.
        free = kib["MemFree"] + kib.get("Buffers", 0) + kib.get("Cached", 0)
        return MemoryUse(
            total_kib=kib["MemTotal"],
            available_kib=kib.get("MemAvailable", free),
            swap_total_kib=kib.get("SwapTotal", 0),
            swap_free_kib=kib.get("SwapFree", 0),
        )


def _meminfo(text: str) -> dict[str, int]:
    rows = (line.replace(":", " ").split() for line in lines(text))
    return {row[0]: number(row[1]) for row in rows if len(row) >= 2 and row[1].isdecimal()}


@dataclass(frozen=True, kw_only=True)
class Filesystem:
    path: str
    mount_point: str
    is_mountpoint: bool  # a file system of its own, not the node's root
    total_kib: int
    free_kib: int
    inodes_total: int  # 0 where the file system has no fixed number
    inodes_free: int

    @property
    def total_mib(self) -> int:
        return self.total_kib // 1024

    @property
    def free_mib(self) -> int:
        return self.free_kib // 1024


@dataclass(frozen=True, kw_only=True)
class DiskSpace:
    """The file systems that hold private areas, dumps, and the gate's own state; often the same one."""

    private: Filesystem
    dump: Filesystem
    work: Filesystem


@dataclass(frozen=True)
class Disk(Fact[DiskSpace]):
    name: ClassVar[str] = "disk"

    def _understand(self, answer: Answer) -> DiskSpace:
        found = key_values(succeeded(answer))
        return DiskSpace(
            private=_filesystem(found, "private"), dump=_filesystem(found, "dump"), work=_filesystem(found, "work")
        )


def _filesystem(found: Mapping[str, str], place: str) -> Filesystem:
    return Filesystem(
        path=clean_line(found[f"{place}_path"]),
        mount_point=clean_line(found[f"{place}_mount"]),
        is_mountpoint=found[f"{place}_own_filesystem"] == "yes",
        total_kib=number(found[f"{place}_kib"]),
        free_kib=number(found[f"{place}_free_kib"]),
        inodes_total=_inodes(found[f"{place}_inodes"]),
        inodes_free=_inodes(found[f"{place}_free_inodes"]),
    )


def _inodes(word: str) -> int:
    return 0 if word == "-" else number(word)


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Bytes since the devices came up, virtual devices left out."""

    rx_bytes: int
    tx_bytes: int
    by_device: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class NetDev(Fact[Traffic]):
    name: ClassVar[str] = "netdev"

    def _understand(self, answer: Answer) -> Traffic:
        devices: dict[str, tuple[int, int]] = {}
        for line in lines(succeeded(answer)):
            device, colon, counters = line.rpartition(":")
            columns = counters.split()
            if colon and len(columns) >= 16:
                devices[clean_line(device, limit=20)] = (number(columns[0]), number(columns[8]))
        if not devices:
            raise ValueError("no device is listed")
        real = [bytes_ for device, bytes_ in devices.items() if not device.startswith(VIRTUAL_DEVICES)]
        return Traffic(rx_bytes=sum(rx for rx, _ in real), tx_bytes=sum(tx for _, tx in real), by_device=devices)


@dataclass(frozen=True)
class Links(Fact[int | None]):
    """Speed of the default route's device in Mbit/s, None where it does not say."""

    name: ClassVar[str] = "links"

    def _understand(self, answer: Answer) -> int | None:
        found = key_values(succeeded(answer))
        speed = found.get(found.get("default", ""), "")
        # A device that is down says -1, a virtual one nothing.
        return (number(speed) or None) if speed.isdecimal() else None


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One beancounter, in the kernel's own unit (pages, bytes or items)."""

    held: int
    max_held: int
    barrier: int
    limit: int
    fail_count: int


Resources = Mapping[str, Resource]


@dataclass(frozen=True)
class Beancounters(Fact[Mapping[str, Resources]]):
    """Every container's counters by id; ``0`` is the node itself. /proc/bc adds swappages to the older file."""

    name: ClassVar[str] = "beancounters"

    def _understand(self, answer: Answer) -> Mapping[str, Resources]:
        return beancounter_rows(succeeded(answer))


def beancounter_rows(text: str) -> Mapping[str, Resources]:
    """Read rows of /proc/user_beancounters or /proc/bc/resources; only a container's first row names it."""
    found: dict[str, dict[str, Resource]] = {}
    ctid = ""
    for line in lines(text):
        first, colon, rest = line.partition(":")
        if colon and first != "Version":
            ctid, line = str(number(first)), rest
        columns = line.split()
        if len(columns) == 6 and columns[0] != "dummy":
            found.setdefault(ctid, {})[clean_line(columns[0], limit=40)] = _resource(columns)
    if not found:
        raise ValueError("no counter is listed")
    return found


def _resource(columns: list[str]) -> Resource:
    held, max_held, barrier, limit, fail_count = (number(word) for word in columns[1:])
    return Resource(held=held, max_held=max_held, barrier=barrier, limit=limit, fail_count=fail_count)


@dataclass(frozen=True, kw_only=True)
class CpuTime:
    """Kernel ticks a container used, and how long it has been up in the same ticks."""

    used_ticks: int
    uptime_ticks: int


@dataclass(frozen=True)
class Vestat(Fact[Mapping[str, CpuTime]]):
    name: ClassVar[str] = "vestat"

    def _understand(self, answer: Answer) -> Mapping[str, CpuTime]:
        rows = (line.split() for line in lines(succeeded(answer)))
        return {
            str(number(row[0])): CpuTime(used_ticks=sum(number(word) for word in row[1:4]), uptime_ticks=number(row[4]))
            for row in rows
            if len(row) >= 5 and row[0] != "VEID"
        }
