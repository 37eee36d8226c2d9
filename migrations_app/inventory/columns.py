"""From what a node said to the columns of its row and of its containers' rows; every number fits its column."""

from __future__ import annotations

from typing import Any

from migrations_app.inventory.reading import NodeReading
from migrations_app.vz.facts import ObservedContainer

Columns = dict[str, Any]

_INTEGER = 2**31 - 1  # what a database's plain integer column holds
_BIG_INTEGER = 2**63 - 1
_MOST_WORDS = 200
# Modules that processes in containers depend on, and those that save and restore them.
_GUESTS_USE = ("vz", "ipv6", "ip_", "ip6", "ipt", "xt_", "nf_", "nfnetlink", "nfs", "autofs", "fuse", "tun", "ploop")


def of_node(reading: NodeReading) -> Columns:
    """Return a value for every column whose fact could be read; the others keep what they had."""
    found: Columns = {}
    if (kernel := reading.kernel) is not None:
        found |= {"kernel": kernel.release, "architecture": kernel.machine}
    if (tools := reading.tools) is not None:
        found |= {"tools": dict(tools.versions)}
    if (processors := reading.processors) is not None:
        found |= {"cpu_count": _fits(processors.count, _INTEGER), "load_1m": processors.load_1m}
        found |= {"cpu_flags": sorted(processors.flags)[:_MOST_WORDS]}
    if reading.modules is not None:
        found |= {"modules": sorted(name for name in reading.modules if name.startswith(_GUESTS_USE))[:_MOST_WORDS]}
    if reading.ntp_client is not None:
        found |= {"ntp_client": reading.ntp_client}
    if reading.clock_offset_seconds is not None:
        found |= {"clock_offset_seconds": round(reading.clock_offset_seconds, 3)}
    if (support := reading.checkpointing) is not None:
        found |= {"can_checkpoint": support.cpt and support.rst}
    return found | _memory(reading) | _disk(reading) | _network(reading)


def _memory(reading: NodeReading) -> Columns:
    if (memory := reading.memory) is None:
        return {}
    return {"memory_total_mib": memory.total_mib, "memory_available_mib": memory.available_mib}


def _disk(reading: NodeReading) -> Columns:
    if reading.disk is None:
        return {}
    private = reading.disk.private
    return {
        "disk_total_mib": private.total_mib,
        "disk_free_mib": private.free_mib,
        "inodes_total": private.inodes_total,
        "inodes_free": private.inodes_free,
    }


def _network(reading: NodeReading) -> Columns:
    found: Columns = {} if reading.link_mbps is None else {"link_mbps": _fits(reading.link_mbps, _INTEGER)}
    if (traffic := reading.traffic) is not None:
        rx_bytes, tx_bytes = (_fits(count, _BIG_INTEGER) for count in (traffic.rx_bytes, traffic.tx_bytes))
        found |= {"network_rx_bytes": rx_bytes, "network_tx_bytes": tx_bytes}
    return found


def of_container(seen: ObservedContainer) -> Columns:
    return {
        "status": seen.status,
        "hostname": seen.hostname,
        "name": seen.name,
        "description": seen.description,
        "addresses": list(seen.addresses),
        "layout": seen.layout,
        "os_template": seen.os_template,
        "onboot": seen.onboot,
        "memory_held_mib": seen.memory_held_mib,
        "memory_limit_mib": seen.memory_limit_mib,
        "disk_used_mib": seen.disk_used_mib,
        "disk_limit_mib": seen.disk_limit_mib,
        "inodes_used": seen.inodes_used,
        "cpus": _fits(seen.cpus, _INTEGER),
        "cpu_limit_percent": _fits(seen.cpu_limit_percent, _INTEGER),
    }


def _fits(number: int | None, highest: int) -> int | None:
    """Return None for a number that its column cannot hold: no machine has it, somebody made it up."""
    return number if number is None or number <= highest else None
