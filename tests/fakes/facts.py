"""What a pretend node says of itself: the answers of docs/gate.md, as the real tools print them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.fakes.container_facts import CONTAINER_FACTS
from tests.fakes.forwards import ct_mentions, forward_state

if TYPE_CHECKING:
    from tests.fakes.container import FakeContainer
    from tests.fakes.node import FakeNode

Answered = tuple[int, str]
UNLIMITED = 2**63 - 1
PAGES_PER_MIB = 256


def pairs(**values: object) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


# The node itself


def kernel(node: FakeNode) -> str:
    is_openvz = "stab" in node.kernel or ".vz7" in node.kernel
    version = node.kernel.partition("-")[2] if is_openvz else ""
    return pairs(release=node.kernel, machine=node.machine, openvz="yes" if is_openvz else "no", version=version)


def tools(node: FakeNode) -> str:
    return pairs(**node.tools, vzmigrate_options=",".join(node.vzmigrate_options))


def service(node: FakeNode) -> Answered:
    return (0, "OpenVZ is running...\n") if node.service_runs else (3, "OpenVZ is stopped.\n")


def cpu(node: FakeNode) -> str:
    return pairs(processors=node.cpu_count, load="0.42 0.30 0.20", model="Pretend CPU", flags="sse2 avx aes")


def memory(node: FakeNode) -> str:
    kib = {"MemTotal": node.memory_total_kib, "MemFree": node.memory_free_kib, "Buffers": 1024, "Cached": 4096}
    return "".join(f"{name}:{value:>16} kB\n" for name, value in (kib | {"SwapTotal": 0, "SwapFree": 0}).items())


def disk(node: FakeNode) -> str:
    mount = "/vz" if node.private_is_mountpoint else "/"
    places = {"private": ("/vz/private", mount), "dump": ("/vz/dump", mount), "work": ("/var/lib/ovzgate", "/")}
    return "".join(_place(node, name, path, mounted) for name, (path, mounted) in places.items())


def _place(node: FakeNode, name: str, path: str, mount: str) -> str:
    values: dict[str, object] = {
        "path": path,
        "mount": mount,
        "kib": node.disk_total_kib,
        "free_kib": node.disk_free_kib,
        "own_filesystem": "no" if mount == "/" else "yes",
        "inodes": node.inodes_total,
        "free_inodes": node.inodes_free,
    }
    return pairs(**{f"{name}_{key}": value for key, value in values.items()})


VZ_CONF = """\
VE_ROOT="/vz/root/$VEID"
VE_PRIVATE="/vz/private/$VEID"
VE_LAYOUT=simfs
DUMPDIR="/vz/dump"
LOCKDIR=/vz/lock
"""


def vzconf(node: FakeNode) -> str:
    return VZ_CONF


def clock(node: FakeNode) -> str:
    return f"{node.world.clock().timestamp() + node.clock_offset_seconds:.9f}\n"


def ntp(node: FakeNode) -> str:
    return pairs(client=node.ntp_client)


def netdev(node: FakeNode) -> str:
    head = "Inter-|   Receive                |  Transmit\n face |bytes packets | bytes packets\n"
    return head + "  eth0: 1000000 900 0 0 0 0 0 0 2000000 800 0 0 0 0 0 0\n"


def links(node: FakeNode) -> str:
    return pairs(default="eth0", eth0=1000)


def veip(node: FakeNode) -> str:
    owned = [(address, ct.ctid) for ct in node.containers.values() if ct.has_processes for address in ct.addresses]
    return "Version: 2.5\n" + "".join(f"{address:>39} {ctid:>10}\n" for address, ctid in owned)


def macs(node: FakeNode) -> str:
    return pairs(eth0=node.mac)


def bridges(node: FakeNode) -> str:
    return "".join(f"{bridge}\n" for bridge in node.bridges)


def modules(node: FakeNode) -> str:
    return "ip_tables\niptable_filter\nipv6\n"


def host_key(node: FakeNode) -> str:
    return f"{node.host_key} root@{node.name}\n"


def ploop(node: FakeNode) -> Answered:
    return 99, ""


def vestat(node: FakeNode) -> str:
    return "Version: 2.2\nVEID user nice system uptime idle strv uptime used maxlat totlat numsched\n"


def usage(node: FakeNode) -> str:
    """Counters grow evenly with the world's clock, the node's since it booted, a container's each at its own pace."""
    up = node.uptime_seconds
    ticks = int(up * 100)
    busy, whole = ticks * node.cpu_count // 4, ticks * node.cpu_count
    values = pairs(
        disk_kib=f"{node.disk_total_kib} {node.disk_free_kib}",
        inodes=f"{node.inodes_total} {node.inodes_free}",
        at=f"{node.world.clock().timestamp() + node.clock_offset_seconds:.9f}",
        uptime=f"{up:.2f}",
        load="0.42 0.30 0.20",
        cpu=f"{busy} 0 0 {whole - busy} 0 0 0 0",
        processors=node.cpu_count,
        memory_kib=f"{node.memory_total_kib} {node.memory_free_kib}",
        swap_kib="0 0",
    )
    net = f"net=lo 5 5\nnet=eth0 {int(up * 1_000_000)} {int(up * 2_000_000)}\n"
    return values + net + "".join(_use_of(container, up) for container in listed(node))


def _use_of(ct: FakeContainer, up: float) -> str:
    if not ct.has_processes or ct.area is None:
        return f"ct={ct.ctid} {ct.listed_status} - - - - - - - - - - - - - - 200 1000 2\n"
    ticks = int(up * 1000)
    disk = f"{ct.area.size // 1024} 2306867 {len(ct.area.files)} 220000"
    traffic = f"{int(up * 3000)} {int(up * 9000)} {int(up * ct.churn_bytes)}"
    memory = f"{ct.memory_pages} 131072 0 {UNLIMITED} 0"
    return f"ct={ct.ctid} running {ticks // 2} {ticks} {memory} {disk} {traffic} 200 1000 2\n"


# Checkpointing


def cpt(node: FakeNode) -> str:
    has = "yes" if node.can_checkpoint else "no"
    return pairs(cpt=has, rst=has)


def cpt_version(node: FakeNode) -> str:
    return "3\n"


def cpt_caps(node: FakeNode) -> str:
    return f"{node.cpt_caps}\n"


def cpt_version_ok(node: FakeNode, version: str) -> Answered:
    return (0, "") if version == "3" else (2, "")


def cpt_caps_ok(node: FakeNode, ctid: str, caps: str) -> Answered:
    lacking = node.cpt_caps & ~int(caps)
    return (2, "Insufficient CPU capabilities: can't migrate\n") if lacking else (0, "")


# Between nodes


def ssh_to(node: FakeNode, address: str, migration: str) -> Answered:
    return (255, "") if node.ssh_fault(address, migration) else (0, "")


def arp_owner(node: FakeNode, address: str) -> Answered:
    if not node.hears(address):
        return 1, ""
    owners = [other.mac for other in node.world.nodes.values() if other is not node and other.serving(address)]
    return 0, "".join(f"{mac}\n" for mac in owners)


# What there is


def containers(node: FakeNode) -> str:
    rows = [_row(container) for container in listed(node)]
    # vzlist escapes nothing; json.dumps would, so strings a customer chose are put in as they are.
    return "[\n  " + ",\n  ".join(_unescaped(row) for row in rows) + "\n]\n" if rows else "[]\n"


def listed(node: FakeNode) -> list[FakeContainer]:
    return [ct for ct in node.containers.values() if ct.config is not None and ct.area is not None]


def _row(container: FakeContainer) -> dict[str, Any]:
    config, area = container.config or {}, container.area
    return {
        "ctid": int(container.ctid) if container.ctid.isdecimal() else container.ctid,
        "hostname": config.get("HOSTNAME", ""),
        "name": config.get("NAME"),
        "description": config.get("DESCRIPTION"),
        "ostemplate": config.get("OSTEMPLATE"),
        "ip": list(container.addresses),
        "status": container.listed_status,
        "physpages": {"held": container.memory_pages if container.has_processes else 0, "limit": 512 * PAGES_PER_MIB},
        "diskspace": {"usage": area.size // 1024 if area else 0, "softlimit": 2097152, "hardlimit": 2306867},
        "diskinodes": {"usage": len(area.files) if area else 0, "softlimit": 200000, "hardlimit": 220000},
        "laverage": [0.12, 0.2, 0.18] if container.has_processes else None,
        "uptime": 86400.5 if container.has_processes else 0.0,
        "cpuunits": 1000,
        "cpulimit": 200,
        "cpus": 2,
        "onboot": config.get("ONBOOT") == "yes",
        "layout": config.get("VE_LAYOUT", "simfs"),
    }


def _unescaped(row: dict[str, Any]) -> str:
    fields = (f'    "{key}": {_value(value)}' for key, value in row.items())
    return "{\n" + ",\n".join(fields) + "\n  }"


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


def containers_plain(node: FakeNode) -> str:
    return "".join(f"{ct.ctid:>10} {ct.listed_status}\n" for ct in listed(node))


def names(node: FakeNode) -> str:
    return "".join(f"{ct.ctid:>10} {(ct.config or {}).get('NAME', '-'):<32}\n" for ct in listed(node))


def work(node: FakeNode, migration: str) -> str:
    kept = node.work.get(migration)
    lines = [f"job {key}" for key in node.jobs.by_key if key.startswith(f"m{migration}-")]
    if kept is not None:
        lines += ["file key 400", "file key.pub 90"] if kept.public_key else []
        lines += ["file known_hosts 120"] if kept.pins else []
        lines += [f"file backup/{ctid}.conf 500" for ctid in kept.backups]
        lines += [f"archive {archive.name} {archive.area.size}" for archive in kept.archives.values()]
    lines += [f"authorized_lines {int(migration in node.authorized)}"]
    lines += [f"mark incoming/{ct.ctid}" for ct in node.containers.values() if ct.incoming_for == migration]
    lines += [f"mark retained/{ctid}" for ctid, fence in node.fences.items() if fence.migration == migration]
    return "".join(f"{line}\n" for line in lines)


def digest(node: FakeNode, migration: str, file: str) -> Answered:
    kept = node.work.get(migration)
    archives = kept.archives.values() if kept else []
    found = [archive for archive in archives if archive.name == file and archive.is_whole]
    return (0, f"{found[0].area.digest}\n") if found else (2, "")


NODE_FACTS: tuple[Callable[..., str | Answered], ...] = (
    *(kernel, tools, service, cpu, memory, disk, vzconf, clock, ntp, netdev, links, veip, macs, bridges, modules),
    *(host_key, ploop, vestat, usage, cpt, cpt_version, cpt_caps, cpt_version_ok, cpt_caps_ok, ssh_to, arp_owner),
    forward_state,
    ct_mentions,
    *(containers, containers_plain, names, work, digest),
)
FACTS: dict[str, Callable[..., str | Answered]] = {fact.__name__: fact for fact in NODE_FACTS} | CONTAINER_FACTS
