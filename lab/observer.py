"""Count how many copies of each guest run, by looking at processes from the host.

It asks neither the panel nor the nodes' tools. A copy is a live guest service in the process namespace of a node; which
container it is a copy of is read from the identity file that travels with its data. A copy stopped or frozen does not
run. One whose network holds no address but loopback can be reached by nobody: it is a rehearsal, and counted apart.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab import cgroups, state
from lab.paths import RunPaths

SERVICE = b"lab-guest/service.py"
NS_GET_PARENT = 0xB702
NOT_RUNNING = frozenset("TtZXx")
YOUNG_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 1.0
LOCAL_ADDRESS = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A guest service process that was found, and what cannot change about it."""

    pid: int
    born_ticks: int
    node: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Sighting:
    guest: Guest
    addresses: tuple[str, ...]

    @property
    def is_rehearsal(self) -> bool:
        return not self.addresses


@dataclass(kw_only=True)
class Glance:
    """What is remembered of a process id, so that most of them cost nothing at the next sample."""

    first_at: float
    looked_at: float
    guest: Guest | None


@dataclass(kw_only=True)
class Eyes:
    paths: RunPaths
    proc: Path = Path("/proc")
    _glances: dict[int, Glance] = field(default_factory=dict)
    _nodes: dict[int, str] = field(default_factory=dict)
    _nodes_read: float = 0.0

    def look(self, now: float) -> list[Sighting]:
        """Return every copy that runs at this moment."""
        self._learn_nodes()
        alive = {int(name) for name in os.listdir(self.proc) if name.isdigit()}
        self._glances = {pid: glance for pid, glance in self._glances.items() if pid in alive}
        guests = (self._guest_at(pid, now) for pid in alive)
        sightings = (self._sight(guest) for guest in guests if guest)
        return [sighting for sighting in sightings if sighting]

    def _learn_nodes(self) -> None:
        """A node that was booted again has other namespaces, and the state file is then a new one."""
        changed = self.paths.state.stat().st_mtime
        if changed != self._nodes_read:
            told = state.read(self.paths).nodes
            self._nodes = {number: node.name for node in told for number in _pid_namespace(self.proc, node.pid)}
            self._nodes_read = changed

    def _guest_at(self, pid: int, now: float) -> Guest | None:
        glance = self._glances.get(pid)
        if glance is None:
            glance = self._glances[pid] = Glance(first_at=now, looked_at=now, guest=self._recognise(pid))
        elif glance.guest is None and self._is_worth_another_look(glance, now):
            glance.looked_at, glance.guest = now, self._recognise(pid)
        return glance.guest

    @staticmethod
    def _is_worth_another_look(glance: Glance, now: float) -> bool:
        # A young process may yet become another by exec; an old one hardly ever does.
        return now - glance.first_at < YOUNG_SECONDS or now - glance.looked_at > LOOK_AGAIN_SECONDS

    def _recognise(self, pid: int) -> Guest | None:
        folder = self.proc / str(pid)
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if not any(word.endswith(SERVICE) for word in words):
                return None
            identity = (folder / "root/data/identity").read_text().strip()
            node = next((self._nodes[number] for number in _ancestors(folder) if number in self._nodes), None)
            _, born = _stat(folder)
            return Guest(pid=pid, born_ticks=born, node=node, identity=identity) if node and identity else None
        return None

    def _sight(self, guest: Guest) -> Sighting | None:
        folder = self.proc / str(guest.pid)
        with suppress(OSError):
            letter, born = _stat(folder)
            if born != guest.born_ticks:
                del self._glances[guest.pid]
            elif letter not in NOT_RUNNING and not _is_frozen(folder):
                return Sighting(guest=guest, addresses=tuple(sorted(set(_addresses(folder)))))
        return None


def _stat(folder: Path) -> tuple[str, int]:
    """Return the state letter and the birth of a process; its name may hold spaces and brackets."""
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _is_frozen(folder: Path) -> bool:
    lines = (folder / "cgroup").read_text().splitlines()
    path = next((line[3:] for line in lines if line.startswith("0::")), "/")
    events = cgroups.mount_point() / path.lstrip("/") / "cgroup.events"
    return events.exists() and "frozen 1" in events.read_text()


def _addresses(folder: Path) -> Iterator[str]:
    """Yield the addresses of the process's network that somebody else could send to."""
    for address in LOCAL_ADDRESS.findall((folder / "net/fib_trie").read_text()):
        if not ipaddress.ip_address(address).is_loopback:
            yield address
    with suppress(FileNotFoundError):
        for line in (folder / "net/if_inet6").read_text().splitlines():
            address6 = ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))
            if not (address6.is_loopback or address6.is_link_local):
                yield str(address6)


def _pid_namespace(proc: Path, pid: int) -> list[int]:
    """Return the number of a process's own namespace, or nothing when it is gone."""
    with suppress(OSError):
        return [os.stat(proc / str(pid) / "ns/pid").st_ino]
    return []


def _ancestors(folder: Path) -> Iterator[int]:
    """Yield the numbers of the process namespaces a process is in, innermost first."""
    descriptor = os.open(folder / "ns/pid", os.O_RDONLY)
    while True:
        yield os.fstat(descriptor).st_ino
        try:
            parent = fcntl.ioctl(descriptor, NS_GET_PARENT)
        except PermissionError:  # above our own namespace nobody may look
            return
        finally:
            os.close(descriptor)
        descriptor = parent


def by_identity(sightings: Iterable[Sighting]) -> dict[str, list[Sighting]]:
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        groups[sighting.guest.identity].append(sighting)
    return groups
