"""What is measured of nodes and of containers, each with its unit; the order is that of the packed arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Whatever is above is no machine's, so somebody made it up, or a counter jumped: 100 Gbit/s, 20 GB/s, 100 TiB, ...
_MOST_TRAFFIC, _MOST_WRITES = 12.5e9, 20e9
_MOST_MIB, _MOST_INODES = 2.0**40, 2.0**50


@dataclass(frozen=True, kw_only=True)
class Metric:
    name: str
    title: str
    unit: str
    highest: float
    is_limit: bool = False  # drawn as the line that another metric must not cross


def _cores(title: str = "Processors in use") -> Metric:
    return Metric(name="cpu_cores", title=title, unit="cores", highest=4096.0)


def _mib(name: str, title: str, *, is_limit: bool = False) -> Metric:
    return Metric(name=name, title=title, unit="MiB", highest=_MOST_MIB, is_limit=is_limit)


def _traffic() -> tuple[Metric, Metric]:
    return (
        Metric(name="rx_bps", title="Network in", unit="B/s", highest=_MOST_TRAFFIC),
        Metric(name="tx_bps", title="Network out", unit="B/s", highest=_MOST_TRAFFIC),
    )


_INODES = Metric(name="inodes", title="Inodes in use", unit="inodes", highest=_MOST_INODES)

OF_NODE: Final = (
    _cores(),
    Metric(name="load_1m", title="Load", unit="processes", highest=1e6),
    _mib("memory_mib", "Memory in use"),
    _mib("memory_total_mib", "Memory", is_limit=True),
    _mib("swap_mib", "Swap in use"),
    _mib("disk_mib", "Disk in use"),
    _mib("disk_total_mib", "Disk", is_limit=True),
    _INODES,
    *_traffic(),
)
OF_CONTAINER: Final = (
    _cores(),
    _mib("memory_mib", "Memory held"),
    _mib("memory_limit_mib", "Memory limit", is_limit=True),
    _mib("swap_mib", "Swap in use"),
    Metric(name="fails_ph", title="Refused by a limit", unit="per hour", highest=1e9),
    _mib("disk_mib", "Disk in use"),
    _mib("disk_limit_mib", "Disk limit", is_limit=True),
    _INODES,
    *_traffic(),
    Metric(name="written_bps", title="Disk writes", unit="B/s", highest=_MOST_WRITES),
)
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in (*OF_NODE, *OF_CONTAINER)}
STATISTICS: Final = ("min", "mean", "max", "p95")

Point = Mapping[str, float]  # one moment: metric name to amount; what is not known is not there
