"""The only place where real adapters are chosen; one set per process, as no connection survives a fork.

Those that need large libraries are loaded by who first asks for them: the conductor never does, and a killed one
should be back at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from migrations_app.adapters.clock import system_clock
from migrations_app.adapters.knocker import SteadyKnocker
from migrations_app.adapters.mailer import DjangoMailer
from migrations_app.adapters.probe import TcpProbe
from migrations_app.execution.outside import Outside
from migrations_app.ports.knocker import Knocker
from migrations_app.ports.mailer import Mailer
from migrations_app.ports.nameserver import Server

if TYPE_CHECKING:
    from paramiko import Ed25519Key


def outside() -> Outside:
    return _outside_of_process(os.getpid())


def mailer() -> Mailer:
    return DjangoMailer()


def knocker() -> Knocker:
    return SteadyKnocker()


def panel_public_key() -> str:
    """Return what a node's authorized_keys needs; the key is made when there is none yet."""
    from migrations_app.adapters import ssh_key

    return ssh_key.public_line(_panel_key())


def gate_files() -> Mapping[str, bytes]:
    """Return what is installed on a node, by its path below the gate's folder."""
    folder = settings.BASE_DIR / "gate"
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@cache
def _outside_of_process(pid: int) -> Outside:
    from migrations_app.adapters.nameserver import DnsNameServer
    from migrations_app.adapters.ssh import SshShell

    return Outside(
        shell=SshShell(_panel_key()),
        probe=TcpProbe(),
        clock=system_clock,
        nameserver=DnsNameServer(),
        resolvers=_resolvers(),
    )


def _resolvers() -> tuple[Server, ...]:
    from migrations_app.adapters.nameserver import system_resolvers

    told: Sequence[str] = settings.OVZ["resolvers"]  # type: ignore[assignment]  # settings are of any type
    addresses = told or system_resolvers()
    return tuple(Server(name=f"resolver {address}", address=address) for address in addresses)


def _panel_key() -> Ed25519Key:
    from migrations_app.adapters import ssh_key

    return ssh_key.read_or_make_key(Path(str(settings.OVZ["ssh_key_file"])))
