"""What a pretend node keeps for migrations, and what may go wrong on it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from tests.fakes.area import Area


@dataclass(kw_only=True)
class Archive:
    name: str
    config: dict[str, str]
    area: Area
    is_whole: bool = False


@dataclass(kw_only=True)
class WorkArea:
    """What one migration keeps on a node."""

    ctid: str
    public_key: str = ""
    pins: dict[str, str] = field(default_factory=dict)  # address -> host key
    archives: dict[str, Archive] = field(default_factory=dict)  # by CTID
    backups: dict[str, dict[str, str]] = field(default_factory=dict)  # by CTID


@dataclass(frozen=True, kw_only=True)
class Fence:
    migration: str
    retain_until: int
    saved: dict[str, str] | None = None  # the configuration as it was; None where vzmigrate had renamed it
    state: str = "kept"


@dataclass(kw_only=True)
class Aside:
    """An old copy that made room for its container's return."""

    fence: Fence
    area: Area | None


@dataclass(kw_only=True)
class Fault:
    """What a tool does instead of its work, for so many times."""

    exit_code: int
    error: str = ""
    times: int = 1
    # Its answer is wrong but its effect is there.
    takes_effect: bool = False
    # vzmigrate only: it resumed the source although the target runs.
    source_too: bool = False
    hangs: bool = False


def public_key(seed: str) -> str:
    blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + hashlib.sha256(seed.encode()).digest()
    return f"ssh-ed25519 {base64.b64encode(blob).decode()}"
