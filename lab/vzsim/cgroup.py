"""A container's control group: what its processes are, and how all of them are stopped and ended at once."""

from __future__ import annotations

import os

from . import paths, spawn

END_WITHIN_SECONDS = 10.0


class Group:
    """Named after the node's own process namespace: the same CTID may live on two nodes of one machine."""

    def __init__(self, ctid: int) -> None:
        namespace = os.stat("/proc/self/ns/pid").st_ino
        self.path = f"{paths.CGROUP_DIR}/ct{ctid}.{namespace}"

    def make(self) -> None:
        os.makedirs(self.path, exist_ok=True)

    def remove(self) -> None:
        if os.path.isdir(self.path):
            os.rmdir(self.path)

    def populated(self) -> bool:
        return self._event("populated")

    def frozen(self) -> bool:
        return self._event("frozen")

    def _event(self, name: str) -> bool:
        try:
            with open(f"{self.path}/cgroup.events") as file:
                return f"{name} 1" in file.read()
        except FileNotFoundError:
            return False

    def processes(self) -> list[int]:
        try:
            with open(f"{self.path}/cgroup.procs") as file:
                return [int(line) for line in file]
        except FileNotFoundError:
            return []

    def init(self) -> int:
        """Return the process id, as the node sees it, of the container's process 1; 0 if there is none."""
        for pid in self.processes():
            if _status(pid, "NSpid").split()[-1:] == ["1"]:
                return pid
        return 0

    def foreigners(self) -> list[tuple[int, str]]:
        """Return the processes inside that the container's process 1 does not descend from."""
        inside = set(self.processes())
        init = self.init()
        strangers = [pid for pid in inside if pid != init and int(_status(pid, "PPid") or 0) not in inside]
        return [(pid, _status(pid, "Name")) for pid in strangers]

    def freeze(self, *, seconds: float) -> bool:
        self._write("cgroup.freeze", "1")
        return spawn.wait_until(self.frozen, seconds=seconds, beat_seconds=0.001)

    def thaw(self) -> None:
        self._write("cgroup.freeze", "0")

    def kill(self) -> bool:
        self._write("cgroup.kill", "1")
        return self.wait_until_empty(END_WITHIN_SECONDS)

    def wait_until_empty(self, seconds: float) -> bool:
        return spawn.wait_until(lambda: not self.populated(), seconds=seconds)

    def _write(self, name: str, word: str) -> None:
        with open(f"{self.path}/{name}", "w") as file:
            file.write(word)


def _status(pid: int, name: str) -> str:
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                if line.startswith(f"{name}:"):
                    return line.partition(":")[2].strip()
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended while we looked
    return ""
