"""The fields vzlist knows: header, width, and where each value comes from."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from . import amounts, beancounters, paths, records
from .container import Container
from .parameters import BEANCOUNTERS

DISK_UNITS = {"diskspace": 1024, "diskinodes": 1}
UBC_SUFFIXES = {"m": "maxheld", "b": "barrier", "l": "limit", "f": "failcnt"}
DISK_SUFFIXES = {"s": "softlimit", "h": "hardlimit"}
#: a %-sign in CPULIMIT means a share of the whole node
SHARE = "%"


class Row:
    """One container; its counters are read once, and only if asked for."""

    def __init__(self, ct: Container) -> None:
        self.ct = ct
        self.running = ct.running
        self._counters: dict[str, beancounters.Counter] | None = None

    def counter(self, name: str) -> beancounters.Counter:
        if self._counters is None:
            self._counters = beancounters.of(self.ct)
        return self._counters[name]

    def setting(self, key: str) -> str | None:
        return self.ct.settings.get(key) or None

    @property
    def addresses(self) -> list[str]:
        return records.addresses(self.ct) if self.running else self.ct.addresses

    @property
    def name(self) -> str | None:
        """NAME counts only where its link in the folder of names leads here."""
        name = self.ct.own.get("NAME")
        if not name or not os.path.islink(f"{paths.NAMES_DIR}/{name}"):
            return None
        target = os.path.basename(os.readlink(f"{paths.NAMES_DIR}/{name}"))
        return name if target == f"{self.ct.ctid}.conf" else None

    @property
    def status(self) -> str:
        if self.running:
            return "running"
        if self.ct.suspended:
            return "suspended"
        return "mounted" if self.ct.mounted else "stopped"


class Field(NamedTuple):
    header: str
    width: int  # negative: aligned to the left
    value: Callable[[Row], Any]


def _counter(name: str) -> Callable[[Row], dict[str, int]]:
    return lambda row: row.counter(name)._asdict()


def _disk(name: str) -> Callable[[Row], dict[str, int]]:
    def read(row: Row) -> dict[str, int]:
        soft, hard = amounts.parse_pair(row.setting(name.upper()) or "0", unit=DISK_UNITS[name])
        # Usage is known to the quota alone, and the lab keeps none.
        return {"usage": 0, "softlimit": soft, "hardlimit": hard}

    return read


def _setting(key: str) -> Callable[[Row], str | None]:
    return lambda row: row.setting(key)


def _number(key: str, default: int | None) -> Callable[[Row], int | None]:
    def read(row: Row) -> int | None:
        word = row.setting(key)
        return int(word) if word and word.isdigit() else default

    return read


def _flag(key: str, default: bool | None) -> Callable[[Row], bool | None]:
    return lambda row: {"yes": True, "no": False}.get(row.setting(key) or "", default)


def _uptime(row: Row) -> float:
    started = records.recall(row.ct, "started_at") if row.running else ""
    return max(0.0, time.time() - float(started)) if started else 0.0


def _load_average(row: Row) -> list[float] | None:
    if not row.running:
        return None
    with open("/proc/loadavg") as file:
        return [float(word) for word in file.read().split()[:3]]


def _cpu_limit(row: Row) -> int:
    word = row.setting("CPULIMIT") or "0"
    percent = int(word.rstrip(SHARE))
    return percent * (os.cpu_count() or 1) if word.endswith(SHARE) else percent


def _layout(row: Row) -> str:
    return "ploop" if row.ct.is_ploop else "simfs"


def _features(row: Row) -> dict[str, bool] | None:
    pairs = [word.partition(":") for word in (row.setting("FEATURES") or "").split()]
    return {name: state == "on" for name, _, state in pairs} or None


def _vswap(row: Row) -> bool:
    return row.counter("physpages").limit != amounts.UNLIMITED


def _overcommit(row: Row) -> float | None:
    word = row.setting("VM_OVERCOMMIT")
    return float(word) if word else None


def _ctid(row: Row) -> int:
    return row.ct.ctid


FIELDS: dict[str, Field] = {
    "ctid": Field("CTID", 10, _ctid),
    "veid": Field("CTID", 10, _ctid),
    "vpsid": Field("CTID", 10, _ctid),
    "private": Field("PRIVATE", -32, lambda row: row.ct.private),
    "root": Field("ROOT", -32, lambda row: row.ct.root),
    "mount_opts": Field("MOUNT_OPTS", -16, _setting("MOUNT_OPTS")),
    "origin_sample": Field("ORIGIN_SAMPLE", -32, _setting("ORIGIN_SAMPLE")),
    "hostname": Field("HOSTNAME", -32, _setting("HOSTNAME")),
    "name": Field("NAME", -32, lambda row: row.name),
    "smart_name": Field("SMARTNAME", -10, lambda row: row.name or str(row.ct.ctid)),
    "description": Field("DESCRIPTION", -32, _setting("DESCRIPTION")),
    "ostemplate": Field("OSTEMPLATE", -32, _setting("OSTEMPLATE")),
    "ip": Field("IP_ADDR", -15, lambda row: row.addresses),
    "nameserver": Field("NAMESERVER", -32, lambda row: (row.setting("NAMESERVER") or "").split()),
    "searchdomain": Field("SEARCHDOMAIN", -32, lambda row: (row.setting("SEARCHDOMAIN") or "").split()),
    "status": Field("STATUS", -9, lambda row: row.status),
    **{name: Field("NPROC" if name == "numproc" else name.upper(), 10, _counter(name)) for name in BEANCOUNTERS},
    "diskspace": Field("DQBLOCKS", 10, _disk("diskspace")),
    "diskinodes": Field("DQINODES", 10, _disk("diskinodes")),
    "laverage": Field("LAVERAGE", 14, _load_average),
    "uptime": Field("UPTIME", 15, _uptime),
    "cpulimit": Field("CPULIM", 7, _cpu_limit),
    "cpuunits": Field("CPUUNI", 7, _number("CPUUNITS", 1000)),
    "cpus": Field("CPUS", 4, _number("CPUS", None)),
    "ioprio": Field("IOP", 3, _number("IOPRIO", 4)),
    "iolimit": Field("IOLIMIT", 10, _number("IOLIMIT", 0)),
    "iopslimit": Field("IOPSLIMIT", 10, _number("IOPSLIMIT", 0)),
    "onboot": Field("ONBOOT", 6, _flag("ONBOOT", None)),
    "bootorder": Field("BOOTORDER", 10, _number("BOOTORDER", None)),
    "layout": Field("LAYOUT", -6, _layout),
    "features": Field("FEATURES", -15, _features),
    "vswap": Field("VSWAP", 5, _vswap),
    "disabled": Field("DISABL", 6, _flag("DISABLED", False)),
    "vm_overcommit": Field("VM_OVC", 6, _overcommit),
    "netfilter": Field("NETFILTER", -10, _setting("NETFILTER")),
    "capability": Field("CAPABILITY", -16, _setting("CAPABILITY")),
}


class UnknownField(Exception):
    """The name of a field vzlist does not have."""


class Column(NamedTuple):
    """A field as asked for: of a counter, one of its numbers."""

    name: str
    field: Field
    part: str

    @property
    def header(self) -> str:
        suffix = self.name.partition(".")[2]
        return f"{self.field.header}.{suffix.upper()}" if suffix else self.field.header

    def text_value(self, row: Row) -> Any:
        value = self.field.value(row)
        return value[self.part] if self.part else value


def column(word: str) -> Column:
    name, dot, suffix = word.partition(".")
    if name not in FIELDS:
        raise UnknownField(word)
    parts = UBC_SUFFIXES if name in BEANCOUNTERS else DISK_SUFFIXES if name in DISK_UNITS else {}
    if dot and suffix not in parts:
        raise UnknownField(word)
    first = "held" if name in BEANCOUNTERS else "usage" if name in DISK_UNITS else ""
    return Column(word, FIELDS[name], parts[suffix] if dot else first)
