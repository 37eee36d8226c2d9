"""What a node is: kernel, tools, service, clock, configuration, keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from migrations_app.vz import names
from migrations_app.vz.facts.fact import Answer, Checked, Fact, decimal, key_values, lines, succeeded
from migrations_app.vz.facts.shell_file import shell_values

Family = Literal["legacy", "vz7", "unknown"]

_STAB = re.compile(r"\d{3}stab\d{3}")
_SERVICE_DOWN = (1, 2, 3)  # LSB: dead with a pid file, dead with a lock, not running; 4 is "nobody knows"


@dataclass(frozen=True, kw_only=True)
class Kernel:
    release: str
    machine: str
    vz_version: str  # /proc/vz/version, empty where there is none
    is_openvz: bool

    @property
    def family(self) -> Family:
        if not self.is_openvz:
            return "unknown"
        if ".vz7" in self.release:
            return "vz7"
        return "legacy" if _STAB.search(self.release) or _STAB.search(self.vz_version) else "unknown"

    def is_older_than(self, other: Kernel) -> bool:
        return version_numbers(self.release) < version_numbers(other.release)


@dataclass(frozen=True)
class KernelFact(Fact[Kernel]):
    name: ClassVar[str] = "kernel"

    def _understand(self, answer: Answer) -> Kernel:
        found = key_values(succeeded(answer))
        kernel = Kernel(
            release=names.clean_line(found["release"], limit=120),
            machine=names.clean_line(found["machine"], limit=20),
            vz_version=names.clean_line(found.get("version", ""), limit=120),
            is_openvz=found["openvz"] == "yes",
        )
        if not kernel.release or not kernel.machine:
            raise ValueError("release or machine is empty")
        return kernel


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Programs by name; an empty version means the program is not there, ``present`` that it tells none."""

    versions: Mapping[str, str]
    vzmigrate_options: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        return bool(self.versions.get(name))

    def is_at_least(self, name: str, *wanted: int) -> bool:
        return self.has(name) and version_numbers(self.versions[name]) >= wanted

    @property
    def knows_gates_live_words(self) -> bool:
        """Whether it has what the gate says to it; OpenVZ 7 says ``--online`` and ``--dry-run`` instead."""
        return self.has("vzmigrate") and {"live", "check-only"} <= set(self.vzmigrate_options)


@dataclass(frozen=True)
class ToolVersions(Fact[Tools]):
    name: ClassVar[str] = "tools"

    def _understand(self, answer: Answer) -> Tools:
        found = key_values(succeeded(answer))
        if not found:
            raise ValueError("no tool is named")
        options = names.clean_line(found.get("vzmigrate_options", ""), limit=500)
        versions = {
            names.clean_line(name, limit=40): names.clean_line(version, limit=60)
            for name, version in list(found.items())[:60]
            if name != "vzmigrate_options"
        }
        return Tools(versions=versions, vzmigrate_options=frozenset(options.split(",")))


@dataclass(frozen=True)
class ServiceRunning(Fact[bool]):
    """Whether the vz service runs; the init script's exit code says so."""

    name: ClassVar[str] = "service"

    def _understand(self, answer: Answer) -> bool:
        if answer.exit_code != 0 and answer.exit_code not in _SERVICE_DOWN:
            raise ValueError("the service script does not know")
        return answer.exit_code == 0


@dataclass(frozen=True, kw_only=True)
class VzConf:
    """The node's vz.conf."""

    values: Mapping[str, str]

    @property
    def private(self) -> str:
        return self.values.get("VE_PRIVATE", "/vz/private/$VEID")

    @property
    def root(self) -> str:
        return self.values.get("VE_ROOT", "/vz/root/$VEID")

    @property
    def dump_dir(self) -> str:
        """Empty when unset, which makes vzmigrate of the other node write its dump to this one's root directory."""
        return self.values.get("DUMPDIR", "")

    @property
    def layout(self) -> str:
        return self.values.get("VE_LAYOUT", "")

    @property
    def iptables_modules(self) -> frozenset[str]:
        return frozenset(self.values.get("IPTABLES_MODULES", self.values.get("IPTABLES", "")).split())


@dataclass(frozen=True)
class NodeConfig(Fact[VzConf]):
    name: ClassVar[str] = "vzconf"

    def _understand(self, answer: Answer) -> VzConf:
        values = shell_values(succeeded(answer))
        if not values:
            raise ValueError("vz.conf sets nothing")
        return VzConf(values=values)


@dataclass(frozen=True)
class ClockReading(Fact[float]):
    """The node's clock, in seconds since 1970."""

    name: ClassVar[str] = "clock"

    def _understand(self, answer: Answer) -> float:
        return decimal(succeeded(answer).strip())


@dataclass(frozen=True)
class NtpClient(Fact[str]):
    """Name of the time client that runs, empty when none does."""

    name: ClassVar[str] = "ntp"

    def _understand(self, answer: Answer) -> str:
        return names.clean_line(key_values(succeeded(answer))["client"], limit=40)


@dataclass(frozen=True)
class Modules(Fact[frozenset[str]]):
    """Names of the loaded kernel modules."""

    name: ClassVar[str] = "modules"

    def _understand(self, answer: Answer) -> frozenset[str]:
        return frozenset(line for line in lines(succeeded(answer)) if re.fullmatch(r"[\w-]{1,64}", line, re.ASCII))


@dataclass(frozen=True)
class HostKey(Fact[str]):
    """The node's own public key as ``type base64``, the best type it has."""

    name: ClassVar[str] = "host_key"

    def _understand(self, answer: Answer) -> str:
        found = dict(reversed([key for line in lines(succeeded(answer)) if (key := _public_key(line))]))
        for kind in names.KEY_TYPES:
            if kind in found:
                return f"{kind} {found[kind]}"
        raise ValueError("no public key of a known type")


def _public_key(line: str) -> tuple[str, str] | None:
    try:
        return names.checked_public_key(line)
    except names.BadValue:
        return None


@dataclass(frozen=True)
class Ploop(Fact[Checked]):
    """Whether the node can mount ploop images (``ploop getdev``)."""

    name: ClassVar[str] = "ploop"

    def _understand(self, answer: Answer) -> Checked:
        return Checked.of(answer)


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the numbers in a version, in order, for comparing."""
    return tuple(int(digits) for digits in re.findall(r"[0-9]{1,9}", version, re.ASCII)[:12])
