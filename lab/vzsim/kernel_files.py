"""Who runs here and at which addresses, as an OpenVZ kernel shows it: written anew at every change."""

from __future__ import annotations

import os
import socket

from . import paths, records
from .cgroup import Group
from .container import Container


def running() -> list[Container]:
    """Return the containers that have processes here, by CTID."""
    if not os.path.isdir(paths.STATE_DIR):
        return []
    ctids = sorted(int(name) for name in os.listdir(paths.STATE_DIR) if name.isdigit())
    return [Container(ctid) for ctid in ctids if Group(ctid).populated()]


def addresses_here() -> dict[str, int]:
    """Return which running container has which address."""
    return {address: ct.ctid for ct in running() for address in records.addresses(ct)}


def refresh() -> None:
    containers = running()
    veip = [f"{in_full(address):>39s} {ct.ctid:>10d}" for ct in containers for address in records.addresses(ct)]
    write("vz/veip", ["Version: 2.5", *veip])
    write("vz/veinfo", [_veinfo(0, _host_processes(), []), *(_veinfo_of(ct) for ct in containers)])


def in_full(address: str) -> str:
    """Write an address as the kernel does: IPv6 with every digit."""
    if ":" not in address:
        return address
    digits = socket.inet_pton(socket.AF_INET6, address).hex()
    return ":".join(digits[place : place + 4] for place in range(0, len(digits), 4))


def _veinfo_of(ct: Container) -> str:
    return _veinfo(ct.ctid, len(ct.group.processes()), records.addresses(ct))


def _veinfo(ctid: int, processes: int, addresses: list[str]) -> str:
    return f"{ctid:>10d} {2:>5d} {processes:>5d}" + "".join(f" {address:>15s}" for address in addresses)


def _host_processes() -> int:
    return sum(name.isdigit() for name in os.listdir("/proc"))


def write(name: str, lines: list[str]) -> None:
    path = f"{paths.KERNEL_DIR}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w") as file:
        file.writelines(f"{line}\n" for line in lines)
    os.replace(draft, path)
