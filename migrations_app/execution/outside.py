"""Everything a step may reach beyond its own values, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from migrations_app.ports.clock import Clock
from migrations_app.ports.nameserver import NameServer, Server
from migrations_app.ports.probe import Probe
from migrations_app.ports.shell import Shell


@dataclass(frozen=True, kw_only=True)
class Outside:
    shell: Shell
    probe: Probe
    clock: Clock
    nameserver: NameServer
    resolvers: tuple[Server, ...]  # who is asked about names that are in no zone of ours
