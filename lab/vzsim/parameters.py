"""The parameters vzctl can set: option, name in the configuration file, and what a value must look like."""

from __future__ import annotations

import re
from typing import NamedTuple

from .exits import BAD_VALUE, VzError

ANY = re.compile(r"[^\n]*")
YES_NO = re.compile(r"yes|no")
NUMBER = re.compile(r"\d+")
PERCENT = re.compile(r"\d+%?")
AMOUNT = r"(?:unlimited|\d+(?:\.\d+)?[TGMKPBtgmkpb]?)"
LIMITS = re.compile(rf"{AMOUNT}(?::{AMOUNT})?")
HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
NAME = re.compile(r"[A-Za-z0-9_. -]{0,64}")
PATH = re.compile(r"/[^\n]*")

BEANCOUNTERS = (
    "kmemsize", "lockedpages", "privvmpages", "shmpages", "numproc", "physpages", "vmguarpages", "oomguarpages",
    "numtcpsock", "numflock", "numpty", "numsiginfo", "tcpsndbuf", "tcprcvbuf", "othersockbuf", "dgramrcvbuf",
    "numothersock", "dcachesize", "numfile", "numiptent", "swappages",
)  # fmt: skip


class Parameter(NamedTuple):
    key: str
    pattern: re.Pattern[str] = ANY
    #: the kernel takes it only at the next start
    at_start: bool = False


PARAMETERS: dict[str, Parameter] = {
    **{f"--{name}": Parameter(name.upper(), LIMITS) for name in BEANCOUNTERS},
    "--bootorder": Parameter("BOOTORDER", NUMBER),
    "--capability": Parameter("CAPABILITY", at_start=True),
    "--cpulimit": Parameter("CPULIMIT", PERCENT),
    "--cpumask": Parameter("CPUMASK"),
    "--cpus": Parameter("CPUS", NUMBER),
    "--cpuunits": Parameter("CPUUNITS", NUMBER),
    "--description": Parameter("DESCRIPTION"),
    "--devices": Parameter("DEVICES"),
    "--devnodes": Parameter("DEVNODES"),
    "--disabled": Parameter("DISABLED", YES_NO),
    "--diskinodes": Parameter("DISKINODES", LIMITS),
    "--diskspace": Parameter("DISKSPACE", LIMITS),
    "--features": Parameter("FEATURES", at_start=True),
    "--hostname": Parameter("HOSTNAME", HOSTNAME),
    "--iolimit": Parameter("IOLIMIT", re.compile(AMOUNT)),
    "--iopslimit": Parameter("IOPSLIMIT", NUMBER),
    "--ioprio": Parameter("IOPRIO", re.compile(r"[0-7]")),
    "--iptables": Parameter("IPTABLES", at_start=True),
    "--mount_opts": Parameter("MOUNT_OPTS"),
    "--nameserver": Parameter("NAMESERVER"),
    "--netfilter": Parameter("NETFILTER", re.compile("disabled|stateless|stateful|full"), at_start=True),
    "--nodemask": Parameter("NODEMASK"),
    "--onboot": Parameter("ONBOOT", YES_NO),
    "--ostemplate": Parameter("OSTEMPLATE"),
    "--private": Parameter("VE_PRIVATE", PATH, at_start=True),
    "--quotatime": Parameter("QUOTATIME", NUMBER),
    "--quotaugidlimit": Parameter("QUOTAUGIDLIMIT", NUMBER),
    "--ram": Parameter("PHYSPAGES", re.compile(AMOUNT)),
    "--root": Parameter("VE_ROOT", PATH, at_start=True),
    "--searchdomain": Parameter("SEARCHDOMAIN"),
    "--stop-timeout": Parameter("STOP_TIMEOUT", NUMBER),
    "--swap": Parameter("SWAPPAGES", re.compile(AMOUNT)),
    "--vm_overcommit": Parameter("VM_OVERCOMMIT", re.compile(r"\d+(\.\d+)?")),
}


def check(option: str, value: str) -> str:
    """Return the value as the configuration file holds it."""
    if not PARAMETERS[option].pattern.fullmatch(value):
        raise VzError(BAD_VALUE, f"Bad parameter for {option}: {value}")
    return f"0:{value}" if option in ("--ram", "--swap") else value
