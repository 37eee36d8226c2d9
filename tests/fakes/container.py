"""A pretend container as one node knows it: its configuration files, its private area, its state."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.area import Area

State = Literal["down", "mounted", "running", "frozen", "suspended"]


@dataclass(kw_only=True)
class FakeContainer:
    ctid: str
    # By what follows CTID.conf in the file's name: "" is the live one, ".migrated" what vzmigrate leaves.
    configs: dict[str, dict[str, str]] = field(default_factory=dict)
    area: Area | None = None
    state: State = "down"
    incoming_for: str | None = None
    rehearses: str | None = None
    ports: tuple[int, ...] = (80,)
    shut: tuple[int, ...] = ()  # by a packet filter of its own: they listen, and nobody gets in
    scripts: tuple[str, ...] = ()
    lock_pid: int | None = None
    lock_alive: bool = True
    memory_pages: int = 12_000
    execs: int = 0  # how often somebody looked inside by vzctl exec
    churn_bytes: int = 4096
    churn_files: int = 3
    mounts: tuple[str, ...] = ("simfs", "proc", "sysfs", "tmpfs", "devpts")

    @property
    def config(self) -> dict[str, str] | None:
        return self.configs.get("")

    @property
    def exists(self) -> bool:
        return self.config is not None and self.area is not None

    @property
    def has_processes(self) -> bool:
        return self.state in ("running", "frozen")

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple((self.config or {}).get("IP_ADDRESS", "").split())

    @property
    def status_words(self) -> str:
        words = ["exist" if self.exists else "deleted"]
        words.append("mounted" if self.state in ("mounted", "running", "frozen") else "unmounted")
        words.append("running" if self.has_processes else "down")
        if self.state == "suspended":
            words.append("suspended")
        return " ".join(words)

    @property
    def listed_status(self) -> str:
        return {"down": "stopped", "frozen": "running"}.get(self.state, self.state)


def config_text(values: dict[str, str]) -> str:
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def config_values(text: str) -> dict[str, str]:
    """Read a container's configuration as a shell would."""
    words = (word for line in text.splitlines() if not line.startswith("#") for word in shlex.split(line))
    return dict(word.split("=", 1) for word in words if "=" in word)
