"""Choose a method from numbers, and say why in one sentence with those numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from migrations_app.strategies.forecast import MIB, live_freeze_seconds

Method = Literal["live", "dump", "stream"]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured before choosing."""

    running: bool
    data_mib: int | None  # None: too many files to count quickly
    memory_mib: int
    churn_bytes_per_second: float  # written in the private area, over the last minutes
    link_bytes_per_second: float  # between the two nodes, through ssh
    live_obstacles: tuple[str, ...]  # what the live check named; empty: live is possible
    nodes_connect: bool = True


@dataclass(frozen=True, kw_only=True)
class Choice:
    method: Method
    reason: str


def choose(measured: Measured, settings: Mapping[str, Any]) -> Choice:
    """Prefer live, which keeps memory and connections; else stream; dump where the nodes cannot reach each other."""
    if not measured.nodes_connect:
        return Choice(method="dump", reason=f"Dump: the nodes do not reach each other; {_data(measured)}.")
    against = _against_live(measured, settings)
    if not against:
        return Choice(
            method="live",
            reason=f"Live: about {forecast_live_freeze(measured):.1f} s of standstill, memory and connections are "
            f"kept; {_data(measured)}, {measured.memory_mib} MiB of memory, {_link(measured)}.",
        )
    return Choice(
        method="stream", reason=f"Stream: {_data(measured)} over {_link(measured)}; not live, because {against}."
    )


def forecast_live_freeze(measured: Measured) -> float:
    """Return how many seconds a live move would hold the container: its memory and what it wrote in the meantime."""
    first_pass_seconds = (measured.data_mib or 0) * MIB / measured.link_bytes_per_second
    return live_freeze_seconds(
        memory_bytes=measured.memory_mib * MIB,
        written_bytes=measured.churn_bytes_per_second * first_pass_seconds,
        bytes_per_second=measured.link_bytes_per_second,
    )


def _against_live(measured: Measured, settings: Mapping[str, Any]) -> str:
    """Return the first reason not to go live, with its number; empty when there is none."""
    if not measured.running:
        return "it does not run"
    if measured.live_obstacles:
        return measured.live_obstacles[0].rstrip(".")
    if measured.memory_mib > settings["live_max_memory_mib"]:
        return f"{measured.memory_mib} MiB of memory are above the limit of {settings['live_max_memory_mib']} MiB"
    if measured.data_mib is None:
        return "its files are too many to be counted quickly"
    if measured.data_mib > settings["live_max_data_gib"] * 1024:
        return f"{_data(measured)} are above the limit of {settings['live_max_data_gib']} GiB"
    freeze = forecast_live_freeze(measured)
    if freeze > settings["live_max_freeze_seconds"]:
        return (
            f"it would stand still for {freeze:.0f} s (limit {settings['live_max_freeze_seconds']:.0f} s) while "
            f"{measured.memory_mib} MiB of memory and {measured.churn_bytes_per_second / MIB:.1f} MiB/s of writes cross"
        )
    return ""


def _data(measured: Measured) -> str:
    if measured.data_mib is None:
        return "an uncounted amount of data"
    if measured.data_mib < 10_240:
        return f"{measured.data_mib} MiB of data"
    return f"{measured.data_mib / 1024:.0f} GiB of data"


def _link(measured: Measured) -> str:
    return f"{measured.link_bytes_per_second / MIB:.0f} MiB/s between the nodes"
