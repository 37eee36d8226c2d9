"""How much is in use at one moment: everything a sample needs of a node and its containers, in one answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names
from migrations_app.vz.facts.capacity import VIRTUAL_DEVICES
from migrations_app.vz.facts.containers import MOST_CONTAINERS, PAGE_KIB, STATUSES, UNLIMITED
from migrations_app.vz.facts.fact import Answer, Fact, decimal, lines, number, succeeded

# user, nice, system, idle, iowait, irq, softirq, steal: idle and iowait are no work, steal is nobody's here.
_IDLE_COLUMNS = (3, 4)
_STEAL_COLUMN = 7
_PLAIN_DIGITS = 18


@dataclass(frozen=True, kw_only=True)
class ContainerUse:
    """One container's counters and entitlement; None is "the node did not say", or of a limit "unlimited"."""

    ctid: str
    status: str
    cpu_ticks: int | None = None
    uptime_ticks: int | None = None
    memory_kib: int | None = None
    memory_limit_kib: int | None = None
    swap_kib: int | None = None
    swap_limit_kib: int | None = None
    fail_count: int | None = None
    disk_kib: int | None = None
    disk_limit_kib: int | None = None
    inodes: int | None = None
    inode_limit: int | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    written_bytes: int | None = None
    cpu_limit_percent: int | None = None  # of one processor
    cpu_units: int | None = None
    cpus: int | None = None


@dataclass(frozen=True, kw_only=True)
class NodeUse:
    """A node's counters and amounts at one moment; network bytes are of its real devices."""

    at: float
    uptime_seconds: float
    processors: int
    busy_ticks: int
    all_ticks: int
    load_1m: float
    memory_total_kib: int
    memory_available_kib: int
    swap_total_kib: int
    swap_free_kib: int
    disk_total_kib: int
    disk_free_kib: int
    inodes_total: int  # 0 where the file system has no fixed number
    inodes_free: int
    rx_bytes: int
    tx_bytes: int
    containers: tuple[ContainerUse, ...] = ()


@dataclass(frozen=True)
class Usage(Fact[NodeUse]):
    name: ClassVar[str] = "usage"

    def _understand(self, answer: Answer) -> NodeUse:
        found = _words_by_key(succeeded(answer))
        node = {key: rows[0] for key, rows in found.items() if key not in ("net", "ct")}
        rx_bytes, tx_bytes = _traffic(found.get("net", ()))
        return NodeUse(
            at=decimal(node["at"][0]),
            uptime_seconds=decimal(node["uptime"][0]),
            load_1m=decimal(node["load"][0]),
            rx_bytes=rx_bytes,
            tx_bytes=tx_bytes,
            containers=_containers(found.get("ct", ())),
            **_processors(node),
            **_amounts(node),
        )


def _words_by_key(text: str) -> Mapping[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for line in lines(text):
        key, equals, words = line.partition("=")
        if equals and words:
            found.setdefault(key, []).append(words.split())
    return found


def _processors(node: Mapping[str, Sequence[str]]) -> dict[str, int]:
    ticks = [number(word) for word in node["cpu"]]
    if len(ticks) != 8:
        raise ValueError("the processors' ticks are not eight numbers")
    idle = sum(ticks[column] for column in _IDLE_COLUMNS)
    processors = number(node["processors"][0])
    if processors < 1:
        raise ValueError("there is no processor")
    return {"processors": processors, "busy_ticks": sum(ticks) - idle - ticks[_STEAL_COLUMN], "all_ticks": sum(ticks)}


def _amounts(node: Mapping[str, Sequence[str]]) -> dict[str, int]:
    (memory, available), (swap, swap_free) = _pair(node["memory_kib"]), _pair(node["swap_kib"])
    (disk, disk_free), (inodes, inodes_free) = _pair(node["disk_kib"]), _pair(node["inodes"])
    return {
        "memory_total_kib": memory,
        "memory_available_kib": min(available, memory),
        "swap_total_kib": swap,
        "swap_free_kib": min(swap_free, swap),
        "disk_total_kib": disk,
        "disk_free_kib": min(disk_free, disk),
        "inodes_total": inodes,
        "inodes_free": min(inodes_free, inodes),
    }


def _pair(words: Sequence[str]) -> tuple[int, int]:
    whole, free = (0 if word == "-" else number(word) for word in words)
    return whole, free


def _traffic(devices: Sequence[Sequence[str]]) -> tuple[int, int]:
    real = [words for words in devices if len(words) == 3 and not words[0].startswith(VIRTUAL_DEVICES)]
    return sum(number(words[1]) for words in real), sum(number(words[2]) for words in real)


def _containers(rows: Sequence[Sequence[str]]) -> tuple[ContainerUse, ...]:
    found = tuple(_container(row) for row in rows[:MOST_CONTAINERS])
    if len({container.ctid for container in found}) != len(found):
        raise ValueError("one container is listed twice")
    return found


def _container(words: Sequence[str]) -> ContainerUse:
    if len(words) != 19:
        raise ValueError("a container's line has another shape")
    count = [_count(word) for word in words[2:]]
    return ContainerUse(
        ctid=names.checked_ctid(words[0]),
        status=words[1] if words[1] in STATUSES else "unknown",
        cpu_ticks=count[0],
        uptime_ticks=count[1],
        memory_kib=_kib(count[2]),
        memory_limit_kib=_kib(_limit(count[3])),
        swap_kib=_kib(count[4]),
        swap_limit_kib=_kib(_limit(count[5])),
        fail_count=count[6],
        # A container whose quota is off is said to use nothing, which no container does.
        disk_kib=count[7] or None,
        disk_limit_kib=_limit(count[8]),
        inodes=count[9] or None,
        inode_limit=_limit(count[10]),
        rx_bytes=count[11],
        tx_bytes=count[12],
        written_bytes=count[13],
        cpu_limit_percent=count[14] or None,
        cpu_units=count[15],
        cpus=count[16] or None,
    )


def _count(word: str) -> int | None:
    """Read a number or "-"; there are thousands of them in a round, so the plain ones take the short way."""
    if word == "-":
        return None
    return int(word) if len(word) <= _PLAIN_DIGITS and word.isascii() and word.isdigit() else number(word)


def _kib(pages: int | None) -> int | None:
    return None if pages is None else pages * PAGE_KIB


def _limit(count: int | None) -> int | None:
    return None if count in UNLIMITED else count
