"""One container as its files on this node describe it."""

from __future__ import annotations

import os

from . import cgroup, paths, shellconf
from .exits import BAD_VALUE, NO_CONF, NO_GLOBAL_CONF, VzError

MAX_CTID = 2147483644
DEFAULTS = {
    "LOCKDIR": "/vz/lock",
    "DUMPDIR": "/vz/dump",
    "VE_ROOT": "/vz/root/$VEID",
    "VE_PRIVATE": "/vz/private/$VEID",
    "STOP_TIMEOUT": "120",
    "TEMPLATE": "/vz/template",
}


def global_settings() -> dict[str, str]:
    if not os.path.exists(paths.GLOBAL_CONF):
        raise VzError(NO_GLOBAL_CONF, f"Global configuration file {paths.GLOBAL_CONF} not found")
    return {**DEFAULTS, **shellconf.read(paths.GLOBAL_CONF)}


def conf_path(ctid: int) -> str:
    return f"{paths.CONF_DIR}/{ctid}.conf"


def parse_ctid(word: str) -> int:
    """Turn a CTID or a container's name into a CTID."""
    if word.isascii() and word.isdigit():
        ctid = int(word)
        if ctid > MAX_CTID:
            raise VzError(BAD_VALUE, f"Invalid CTID {word}")
        return ctid
    link = f"{paths.NAMES_DIR}/{word}"
    if word and "/" not in word and os.path.islink(link):
        target = os.path.basename(os.readlink(link))
        if target.removesuffix(".conf").isdigit():
            return int(target.removesuffix(".conf"))
    raise VzError(BAD_VALUE, f"CT ID {word} is invalid.")


class Container:
    """A CTID with the settings of this node and, on top, its own."""

    def __init__(self, ctid: int) -> None:
        self.ctid = ctid
        self.conf = conf_path(ctid)
        self.has_conf = os.path.exists(self.conf)
        self.own = shellconf.read(self.conf) if self.has_conf else {}
        self.settings = {**global_settings(), **self.own}
        self.group = cgroup.Group(ctid)

    def need_conf(self) -> Container:
        if not self.has_conf:
            raise VzError(NO_CONF, "Container config file does not exist")
        return self

    def path(self, name: str) -> str:
        return shellconf.expand(self.settings[name], self.ctid)

    @property
    def private(self) -> str:
        return self.path("VE_PRIVATE")

    @property
    def root(self) -> str:
        return self.path("VE_ROOT")

    @property
    def dump_file(self) -> str:
        return f"{self.path('DUMPDIR')}/Dump.{self.ctid}"

    @property
    def lock_file(self) -> str:
        return f"{self.path('LOCKDIR')}/{self.ctid}.lck"

    @property
    def hostname(self) -> str:
        return self.settings.get("HOSTNAME", "") or f"ct{self.ctid}"

    @property
    def addresses(self) -> list[str]:
        """The configured addresses, without the prefix lengths they may carry."""
        return [word.partition("/")[0] for word in self.settings.get("IP_ADDRESS", "").split()]

    @property
    def is_ploop(self) -> bool:
        return os.path.exists(f"{self.private}/root.hdd/DiskDescriptor.xml")

    @property
    def exists(self) -> bool:
        return self.has_conf and os.path.isdir(self.private)

    @property
    def mounted(self) -> bool:
        with open("/proc/self/mounts") as mounts:
            return any(line.split(" ", 2)[1] == self.root for line in mounts)

    @property
    def running(self) -> bool:
        return self.group.populated()

    @property
    def suspended(self) -> bool:
        return self.exists and os.path.exists(self.dump_file) and not self.running
