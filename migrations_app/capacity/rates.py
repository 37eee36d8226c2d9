"""From two readings to one point: counters become rates, and where a counter is not to be trusted there is no rate."""

from __future__ import annotations

from collections.abc import Mapping

from migrations_app.capacity.metrics import BY_NAME, Point
from migrations_app.vz.facts import ContainerUse, NodeUse

KIB_PER_MIB = 1024.0
SHORTEST_SECONDS = 5.0  # below, one tick more or less is a wave of its own
SECONDS_PER_HOUR = 3600.0


def elapsed(before: NodeUse | None, after: NodeUse, *, longest_seconds: float) -> float | None:
    """Return the seconds between two readings by the node's own uptime, which no clock setting moves.

    None: there was none before, the node was booted between them, or so much time went by that a rate would hide it.
    """
    if before is None:
        return None
    seconds = after.uptime_seconds - before.uptime_seconds
    return seconds if SHORTEST_SECONDS <= seconds <= longest_seconds else None


def node_point(before: NodeUse | None, after: NodeUse, *, longest_seconds: float) -> Point:
    seconds = elapsed(before, after, longest_seconds=longest_seconds)
    found: dict[str, float | None] = {
        "load_1m": after.load_1m,
        "memory_mib": (after.memory_total_kib - after.memory_available_kib) / KIB_PER_MIB,
        "memory_total_mib": after.memory_total_kib / KIB_PER_MIB,
        "swap_mib": (after.swap_total_kib - after.swap_free_kib) / KIB_PER_MIB,
        "disk_mib": (after.disk_total_kib - after.disk_free_kib) / KIB_PER_MIB,
        "disk_total_mib": after.disk_total_kib / KIB_PER_MIB,
        "inodes": float(after.inodes_total - after.inodes_free) if after.inodes_total else None,
    }
    if before is not None and seconds is not None:
        found["cpu_cores"] = _cores_of_node(before, after)
        found["rx_bps"] = _rate(before.rx_bytes, after.rx_bytes, seconds)
        found["tx_bps"] = _rate(before.tx_bytes, after.tx_bytes, seconds)
    return _plausible(found)


def container_points(before: NodeUse | None, after: NodeUse, *, longest_seconds: float) -> Mapping[str, Point]:
    """Return a point per container that runs, by its number."""
    seconds = elapsed(before, after, longest_seconds=longest_seconds)
    former = {use.ctid: use for use in before.containers} if before and seconds else {}
    return {
        use.ctid: _plausible(_amounts(use) | _rates(former.get(use.ctid), use, seconds or 0.0, after.processors))
        for use in after.containers
    }


def container_cores(before: NodeUse | None, after: NodeUse, *, longest_seconds: float) -> dict[str, float]:
    """Return how many processors each container keeps busy, by its number, where two readings tell."""
    if before is None or elapsed(before, after, longest_seconds=longest_seconds) is None:
        return {}
    former = {use.ctid: use for use in before.containers}
    pairs = [(former[use.ctid], use) for use in after.containers if use.ctid in former]
    found = {
        use.ctid: _cores_of_container(one, use, after.processors) for one, use in pairs if not _started_anew(one, use)
    }
    return {ctid: cores for ctid, cores in found.items() if cores is not None}


def _amounts(use: ContainerUse) -> dict[str, float | None]:
    found = {
        "memory_limit_mib": _mib(use.memory_limit_kib),
        "disk_mib": _mib(use.disk_kib),
        "disk_limit_mib": _mib(use.disk_limit_kib),
        "inodes": None if use.inodes is None else float(use.inodes),
    }
    if use.status != "running":
        return found
    return found | {"memory_mib": _mib(use.memory_kib), "swap_mib": _mib(use.swap_kib)}


def _rates(
    before: ContainerUse | None, after: ContainerUse, seconds: float, processors: int
) -> dict[str, float | None]:
    if before is None or not seconds or _started_anew(before, after):
        return {}
    fails = _rate(before.fail_count, after.fail_count, seconds)
    return {
        "cpu_cores": _cores_of_container(before, after, processors),
        "fails_ph": None if fails is None else fails * SECONDS_PER_HOUR,
        "rx_bps": _rate(before.rx_bytes, after.rx_bytes, seconds),
        "tx_bps": _rate(before.tx_bytes, after.tx_bytes, seconds),
        "written_bps": _rate(before.written_bytes, after.written_bytes, seconds),
    }


def _started_anew(before: ContainerUse, after: ContainerUse) -> bool:
    if before.status != "running" or after.status != "running":
        return True
    return (after.uptime_ticks or 0) < (before.uptime_ticks or 0)


def _cores_of_node(before: NodeUse, after: NodeUse) -> float | None:
    ticks = after.all_ticks - before.all_ticks
    busy = after.busy_ticks - before.busy_ticks
    if ticks <= 0 or not 0 <= busy <= ticks or before.processors != after.processors:
        return None
    return busy / ticks * after.processors


def _cores_of_container(before: ContainerUse, after: ContainerUse, processors: int) -> float | None:
    """Ticks used by ticks passed: whatever a tick is, it is the same in both."""
    if None in (before.cpu_ticks, after.cpu_ticks, before.uptime_ticks, after.uptime_ticks):
        return None
    used = (after.cpu_ticks or 0) - (before.cpu_ticks or 0)
    passed = (after.uptime_ticks or 0) - (before.uptime_ticks or 0)
    if passed <= 0 or not 0 <= used <= passed * processors * 1.05:
        return None
    return used / passed


def _rate(before: int | None, after: int | None, seconds: float) -> float | None:
    """Return what was counted per second; None where the counter began anew, which is not known from below."""
    if before is None or after is None or after < before:
        return None
    return (after - before) / seconds


def _mib(kib: int | None) -> float | None:
    return None if kib is None else kib / KIB_PER_MIB


def _plausible(found: Mapping[str, float | None]) -> Point:
    return {
        name: amount for name, amount in found.items() if amount is not None and 0 <= amount <= BY_NAME[name].highest
    }
