"""Which metrics are drawn together, under which title, against which limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from migrations_app.capacity.chunks import Kind


@dataclass(frozen=True, kw_only=True)
class Chart:
    name: str
    title: str
    unit: str
    metrics: tuple[str, ...]
    limit: str = ""  # the metric that is the most there is
    resource: str = ""  # whose reserve and forecast are drawn


@dataclass(frozen=True, kw_only=True)
class Range:
    name: str
    title: str
    length: timedelta


RANGES: Final = (
    Range(name="day", title="Day", length=timedelta(days=1)),
    Range(name="week", title="Week", length=timedelta(days=7)),
    Range(name="month", title="Month", length=timedelta(days=31)),
    Range(name="quarter", title="3 months", length=timedelta(days=92)),
    Range(name="year", title="13 months", length=timedelta(days=396)),
)
USUAL_RANGE: Final = "week"
RANGE_BY_NAME: Mapping[str, Range] = {one.name: one for one in RANGES}

_TRAFFIC = Chart(name="network", title="Network", unit="B/s", metrics=("rx_bps", "tx_bps"))
_INODES = Chart(name="inodes", title="Inodes", unit="inodes", metrics=("inodes",), resource="inodes")
OF_NODE: Final = (
    Chart(name="cpu", title="CPU", unit="cores", metrics=("cpu_cores",), resource="cpu"),
    Chart(name="load", title="Load, 1 minute", unit="processes", metrics=("load_1m",)),
    Chart(
        name="memory", title="Memory", unit="MiB", metrics=("memory_mib",), limit="memory_total_mib", resource="memory"
    ),
    Chart(name="swap", title="Swap", unit="MiB", metrics=("swap_mib",)),
    Chart(name="disk", title="Disk", unit="MiB", metrics=("disk_mib",), limit="disk_total_mib", resource="disk"),
    _INODES,
    _TRAFFIC,
)
OF_CONTAINER: Final = (
    Chart(name="cpu", title="CPU", unit="cores", metrics=("cpu_cores",)),
    Chart(name="memory", title="Memory", unit="MiB", metrics=("memory_mib",), limit="memory_limit_mib"),
    Chart(name="disk", title="Disk", unit="MiB", metrics=("disk_mib",), limit="disk_limit_mib"),
    Chart(name="inodes", title="Inodes", unit="inodes", metrics=("inodes",)),
    _TRAFFIC,
    Chart(name="writes", title="Disk writes", unit="B/s", metrics=("written_bps",)),
    Chart(name="swap", title="Swap", unit="MiB", metrics=("swap_mib",)),
    Chart(name="fails", title="Refused by a limit", unit="per hour", metrics=("fails_ph",)),
)
OF: Mapping[Kind, tuple[Chart, ...]] = {Kind.NODE: OF_NODE, Kind.CONTAINER: OF_CONTAINER}
