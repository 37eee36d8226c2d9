"""One container on one node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from migrations_app.vz import names
from migrations_app.vz.facts.capacity import Resources, beancounter_rows
from migrations_app.vz.facts.fact import Answer, Fact, T, key_values, lines, number, succeeded
from migrations_app.vz.facts.shell_file import shell_values

_STATUS_LINE = re.compile(
    r"(?:CTID|VEID) (?P<ctid>\S+) (?P<there>exist|deleted) (?P<mount>mounted|unmounted) "
    r"(?P<run>running|paused|suspended|down)(?P<dump> suspended)?"
)
_NETIF_BRIDGE = re.compile(r"(?:^|[,;])bridge=([A-Za-z0-9_.-]{1,15})(?=[,;]|$)", re.ASCII)
_LISTENING = "0A"  # TCP state LISTEN in /proc/net/tcp


@dataclass(frozen=True)
class ContainerFact(Fact[T]):
    """A question about one container."""

    ctid: str

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_ctid(self.ctid),)


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    exists: bool
    mounted: bool
    running: bool  # also while frozen: OpenVZ 6 shows a frozen container as running
    suspended: bool
    paused: bool = False


@dataclass(frozen=True)
class CtStatus(ContainerFact[ContainerState]):
    name: ClassVar[str] = "ct_status"

    def _understand(self, answer: Answer) -> ContainerState:
        (line,) = lines(succeeded(answer))
        match = _STATUS_LINE.fullmatch(line)
        if not match or match["ctid"].lower() != names.checked_ctid(self.ctid):
            raise ValueError("is no status line of this container")
        return ContainerState(
            exists=match["there"] == "exist",
            mounted=match["mount"] == "mounted",
            # A paused container of OpenVZ 7 holds its memory and its addresses: it is a living copy.
            running=match["run"] in {"running", "paused"},
            suspended=match["run"] == "suspended" or bool(match["dump"]),
            paused=match["run"] == "paused",
        )


@dataclass(frozen=True, kw_only=True)
class ContainerConfig:
    """A container's own configuration file."""

    text: str
    values: Mapping[str, str]

    @property
    def addresses(self) -> tuple[str, ...]:
        return names.readable_addresses(self.values.get("IP_ADDRESS", "").split())

    @property
    def hostname(self) -> str:
        return names.clean_line(self.values.get("HOSTNAME", ""), limit=253)

    @property
    def container_name(self) -> str:
        return names.clean_line(self.values.get("NAME", ""), limit=120)

    @property
    def layout(self) -> str:
        """``simfs`` or ``ploop``; empty when the file leaves it to what the private area holds."""
        return names.clean_line(self.values.get("VE_LAYOUT", ""), limit=10).lower()

    @property
    def private(self) -> str:
        return self.values.get("VE_PRIVATE", "")

    @property
    def root(self) -> str:
        return self.values.get("VE_ROOT", "")

    @property
    def os_template(self) -> str:
        return names.clean_line(self.values.get("OSTEMPLATE", ""), limit=120)

    @property
    def onboot(self) -> bool | None:
        """None: started at boot if it ran before."""
        return _yes_no(self.values.get("ONBOOT", ""))

    @property
    def disabled(self) -> bool:
        return _yes_no(self.values.get("DISABLED", "")) is True

    @property
    def bridges(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_NETIF_BRIDGE.findall(self.values.get("NETIF", ""))))


@dataclass(frozen=True)
class CtConfig(ContainerFact[ContainerConfig]):
    name: ClassVar[str] = "ct_config"

    def _understand(self, answer: Answer) -> ContainerConfig:
        text = succeeded(answer)
        values = shell_values(text)
        if not values:
            raise ValueError("the configuration sets nothing")
        return ContainerConfig(text=text, values=values)


def _yes_no(word: str) -> bool | None:
    return {"yes": True, "no": False}.get(word.lower())


@dataclass(frozen=True)
class CtConfigFiles(ContainerFact[frozenset[str]]):
    """Which of ``conf``, ``conf.migrated``, ``conf.destroyed`` and ``conf.ovz-mM`` the node has."""

    name: ClassVar[str] = "ct_config_migrated"

    def _understand(self, answer: Answer) -> frozenset[str]:
        return frozenset(_paths(answer))


@dataclass(frozen=True)
class CtScripts(ContainerFact[tuple[str, ...]]):
    """Which action scripts the container has of its own: ``mount``, ``start`` and so on."""

    name: ClassVar[str] = "ct_scripts"

    def _understand(self, answer: Answer) -> tuple[str, ...]:
        return _paths(answer)


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something on a node that bears a container's number."""

    kind: str  # conf, conf.migrated, private, root, dump, live_dump, lock, incoming, retained
    path: str


@dataclass(frozen=True)
class CtLeftovers(ContainerFact[tuple[Leftover, ...]]):
    name: ClassVar[str] = "ct_leftovers"

    def _understand(self, answer: Answer) -> tuple[Leftover, ...]:
        rows = (line.split(maxsplit=1) for line in _paths(answer))
        return tuple(Leftover(kind=kind, path=path) for kind, path in rows)


def _paths(answer: Answer) -> tuple[str, ...]:
    return tuple(names.clean_line(line, limit=500) for line in lines(succeeded(answer))[:200])


@dataclass(frozen=True, kw_only=True)
class Lock:
    held: bool
    pid: int | None = None
    alive: bool = False  # whether the process that took it still lives

    @property
    def is_stale(self) -> bool:
        return self.held and not self.alive


@dataclass(frozen=True)
class CtLock(ContainerFact[Lock]):
    name: ClassVar[str] = "ct_lock"

    def _understand(self, answer: Answer) -> Lock:
        state, *content = lines(succeeded(answer))
        if state == "none":
            return Lock(held=False)
        if state not in {"alive", "dead", "unreadable"}:
            raise ValueError("the state of the lock is unknown")
        pid = content[0] if content and state != "unreadable" else ""
        # A lock without a readable owner may be one that is being written: it counts as held by the living.
        return Lock(held=True, pid=number(pid) if pid else None, alive=state != "dead")


@dataclass(frozen=True, kw_only=True)
class Size:
    kib: int
    files: int


@dataclass(frozen=True)
class CtSize(ContainerFact[Size]):
    """What the private area takes on disk."""

    name: ClassVar[str] = "ct_size"

    def _understand(self, answer: Answer) -> Size:
        found = key_values(succeeded(answer))
        return Size(kib=number(found["kib"]), files=number(found["files"]))


@dataclass(frozen=True, kw_only=True)
class Churn:
    """Files changed within the last so many seconds, and their whole sizes."""

    bytes: int
    files: int
    window_seconds: int


@dataclass(frozen=True)
class CtChurn(ContainerFact[Churn]):
    name: ClassVar[str] = "ct_churn"

    def _understand(self, answer: Answer) -> Churn:
        found = key_values(succeeded(answer))
        window_seconds = number(found["window_seconds"])
        if not window_seconds:
            raise ValueError("the window has no length")
        return Churn(bytes=number(found["bytes"]), files=number(found["files"]), window_seconds=window_seconds)


@dataclass(frozen=True, kw_only=True)
class Mount:
    device: str
    path: str
    filesystem: str


@dataclass(frozen=True)
class CtMounts(ContainerFact[tuple[Mount, ...]]):
    """What is mounted inside, in the form of /proc/PID/mounts; empty when the container does not run."""

    name: ClassVar[str] = "ct_mounts"

    def _understand(self, answer: Answer) -> tuple[Mount, ...]:
        rows = ([names.clean_line(word) for word in line.split()[:3]] for line in lines(succeeded(answer))[:2_000])
        return tuple(Mount(device=row[0], path=row[1], filesystem=row[2]) for row in rows)


@dataclass(frozen=True)
class CtListen(ContainerFact[tuple[int, ...]]):
    """TCP ports on which the container accepts connections from outside, rising.

    Runs inside the container: a program that is being run there blocks a checkpoint, so not during a live move.
    """

    name: ClassVar[str] = "ct_listen"

    def _understand(self, answer: Answer) -> tuple[int, ...]:
        rows = (line.split() for line in lines(succeeded(answer)))
        listening = (row[1] for row in rows if len(row) >= 4 and row[3] == _LISTENING)
        return tuple(sorted({_port(local) for local in listening if not _is_loopback(local)}))


def _port(local: str) -> int:
    digits = local.rpartition(":")[2]
    if not re.fullmatch(r"[0-9A-Fa-f]{4}", digits, re.ASCII):
        raise ValueError("is no socket table")
    return int(digits, 16)


def _is_loopback(local: str) -> bool:
    # The kernel prints each 32-bit word as the machine holds it: 127.0.0.1 is 0100007F on every little-endian node.
    address = local.rpartition(":")[0].upper()
    return address[-2:] == "7F" if len(address) == 8 else address == "0" * 24 + "01000000"


@dataclass(frozen=True)
class CtResources(ContainerFact[Resources]):
    """The container's beancounters; ``physpages`` is its memory in pages of 4 KiB."""

    name: ClassVar[str] = "ct_resources"

    def _understand(self, answer: Answer) -> Resources:
        found = beancounter_rows(succeeded(answer))
        if len(found) != 1:
            raise ValueError("counters of more than one container")
        return next(iter(found.values()))


@dataclass(frozen=True, kw_only=True)
class ToolAtWork:
    pid: int
    tool: str


@dataclass(frozen=True)
class CtJobs(ContainerFact[tuple[ToolAtWork, ...]]):
    """OpenVZ tools at work on exactly this container now."""

    name: ClassVar[str] = "ct_jobs"

    def _understand(self, answer: Answer) -> tuple[ToolAtWork, ...]:
        # The loop over processes ends with the exit code of its last look, which says nothing.
        rows = (line.split(maxsplit=1) for line in lines(answer.output)[:200])
        return tuple(ToolAtWork(pid=number(pid), tool=names.clean_line(tool, limit=40)) for pid, tool in rows)
