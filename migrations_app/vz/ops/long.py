"""Long operations: they run detached on the node, once per key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from migrations_app.vz import names
from migrations_app.vz.ops.operation import LARGEST_PAYLOAD_BYTES, ForMigration, JobOp, Rehearsal

Pass = Literal["first", "warm", "checksum", "final", "verify"]
DumpMode = Literal["suspend", "stop"]
Need = Literal["rsync", "vzdump", "ntp"]


@dataclass(frozen=True, kw_only=True)
class _Towards(ForMigration):
    destination: str  # the other node's address, as this node reaches it

    @property
    def arguments(self) -> tuple[str, ...]:
        return (names.checked_address(self.destination, field="destination"), *super().arguments)


@dataclass(frozen=True, kw_only=True)
class VzmigrateCheck(_Towards, JobOp):
    """Let vzmigrate make its own checks, and move nothing."""

    live: bool

    name: ClassVar[str] = "vzmigrate_check"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, "live" if self.live else "offline")


@dataclass(frozen=True, kw_only=True)
class Vzmigrate(_Towards, JobOp):
    """Move with vzmigrate; the source's copy is always kept."""

    live: bool
    bandwidth_limit_kib: int = 0  # KiB/s; 0: no cap

    name: ClassVar[str] = "vzmigrate"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, "live" if self.live else "offline", _bandwidth(self.bandwidth_limit_kib))


@dataclass(frozen=True, kw_only=True)
class Vzdump(ForMigration, JobOp):
    mode: DumpMode = "suspend"
    bandwidth_limit_kib: int = 0

    name: ClassVar[str] = "vzdump"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (
            *super().arguments,
            _one_of(self.mode, ("suspend", "stop"), field="mode"),
            _bandwidth(self.bandwidth_limit_kib),
        )


@dataclass(frozen=True, kw_only=True)
class PushArchive(_Towards, JobOp):
    """Copy the dump to the other node, following it while it is still being written."""

    bandwidth_limit_kib: int = 0

    name: ClassVar[str] = "push_archive"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, _bandwidth(self.bandwidth_limit_kib))


@dataclass(frozen=True, kw_only=True)
class Restore(ForMigration, JobOp):
    """Make the container from the migration's archive."""

    name: ClassVar[str] = "restore"


@dataclass(frozen=True, kw_only=True)
class Define(ForMigration, JobOp):
    """Make the container from its configuration on the source, with an empty private area and no address."""

    config_text: str

    name: ClassVar[str] = "define"

    @property
    def stdin(self) -> bytes:
        payload = self.config_text.encode()
        if not 0 < len(payload) <= LARGEST_PAYLOAD_BYTES:
            raise names.BadValue(
                "configuration", f"{len(payload)} bytes", f"must have 1 to {LARGEST_PAYLOAD_BYTES} bytes"
            )
        return payload

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.stdin


@dataclass(frozen=True, kw_only=True)
class Sync(_Towards, JobOp):
    """Bring the other node's private area to this one's state; ``verify`` only lists the differences."""

    sync_pass: Pass
    bandwidth_limit_kib: int = 0

    name: ClassVar[str] = "sync"

    @property
    def arguments(self) -> tuple[str, ...]:
        sync_pass = _one_of(self.sync_pass, ("first", "warm", "checksum", "final", "verify"), field="pass")
        return (*super().arguments, sync_pass, _bandwidth(self.bandwidth_limit_kib))


@dataclass(frozen=True, kw_only=True)
class Measure(_Towards, JobOp):
    """Send 16 MiB over the migration's own connection, to know what it carries."""

    name: ClassVar[str] = "measure"


@dataclass(frozen=True, kw_only=True)
class Start(JobOp):
    name: ClassVar[str] = "start"


@dataclass(frozen=True, kw_only=True)
class Stop(JobOp):
    """Shut the container down in order; ``fast`` kills it instead."""

    timeout_seconds: int = 120
    fast: bool = False

    name: ClassVar[str] = "stop"

    @property
    def arguments(self) -> tuple[str, ...]:
        seconds = names.checked_number(self.timeout_seconds, field="timeout", lowest=1, highest=3_600)
        return (seconds, "fast") if self.fast else (seconds,)


@dataclass(frozen=True, kw_only=True)
class RehearseStart(Rehearsal, JobOp):
    """Start the copy under another number, without any address."""

    name: ClassVar[str] = "rehearse_start"


@dataclass(frozen=True, kw_only=True)
class RehearseStop(Rehearsal, JobOp):
    name: ClassVar[str] = "rehearse_stop"


@dataclass(frozen=True, kw_only=True)
class Backup(ForMigration, JobOp):
    """Keep the configuration and scripts; ``full``: an archive of everything too."""

    full: bool = False

    name: ClassVar[str] = "backup"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (*super().arguments, "full") if self.full else super().arguments


@dataclass(frozen=True, kw_only=True)
class Install(JobOp):
    """Install what the node lacks, with its own package tool; container number 0 stands for the node."""

    need: Need

    name: ClassVar[str] = "install"

    @property
    def arguments(self) -> tuple[str, ...]:
        return (_one_of(self.need, ("rsync", "vzdump", "ntp"), field="need"),)


def _bandwidth(kib: int) -> str:
    return names.checked_number(kib, field="bandwidth limit", highest=99_999_999)


def _one_of(word: str, allowed: tuple[str, ...], *, field: str) -> str:
    if word not in allowed:
        raise names.BadValue(field, word, f"must be one of {', '.join(allowed)}")
    return word
