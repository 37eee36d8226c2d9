"""What a node lacks for migrations to go well from and to it: findings, and the command that would put each right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max

from migrations_app.inventory.reading import NodeReading
from migrations_app.models import Node, Preparation
from migrations_app.vz.facts import Filesystem, Tools

State = Preparation.State


@dataclass(frozen=True, kw_only=True)
class Need:
    name: str  # what is lacking: also the gate's word for what to install
    finding: str
    command: str = ""  # what the gate would run after a yes; empty: only a person can put it right


def needs_of(reading: NodeReading, *, largest_container_mib: int, settings: Mapping[str, Any]) -> tuple[Need, ...]:
    """Return everything that is lacking; what could not be read is not held against the node."""
    clock = _clock_need(reading.clock_offset_seconds, highest=settings["max_clock_offset_seconds"])
    space = _space_need(reading, largest_container_mib, reserve_percent=settings["disk_reserve_percent"])
    return (*_tool_needs(reading), *clock, *space)


def _tool_needs(reading: NodeReading) -> Iterable[Need]:
    tools = reading.tools or Tools(versions={})
    if reading.tools is not None and not tools.has("rsync"):
        yield Need(
            name="rsync",
            finding="rsync is not installed; every method copies files with it.",
            command=_install(tools, "rsync"),
        )
    if reading.tools is not None and not tools.has("vzdump"):
        yield Need(
            name="vzdump",
            finding="vzdump is not installed; the dump method needs it here. OpenVZ's own repository does not have it: "
            "where the node's /etc/ovzpanel/gate.conf names one (vzdump_repo=), that repository is added first, as "
            "/etc/yum.repos.d/ovzpanel-vzdump.repo.",
            command=_install(tools, "vzdump"),
        )
    if reading.ntp_client == "":
        yield Need(
            name="ntp",
            finding="No NTP client runs, so the node's clock drifts away from the others'.",
            command=_install(tools, "ntp"),
        )


def _install(tools: Tools, package: str) -> str:
    """Return the command as the node's gate will run it: yum where there is one, else apt-get."""
    if not tools.has("yum"):
        return f"apt-get -y install {package}"
    # Debian starts what it installs; Red Hat waits to be told.
    start = " && service ntpd start && chkconfig ntpd on" if package == "ntp" else ""
    return f"yum -y install {package}{start}"


def _clock_need(offset_seconds: float | None, *, highest: float) -> Iterable[Need]:
    if offset_seconds is not None and abs(offset_seconds) > highest:
        ahead = "ahead of" if offset_seconds > 0 else "behind"
        yield Need(
            name="clock",
            finding=f"The node's clock is {abs(offset_seconds):.1f} s {ahead} the panel's; {highest:g} s are allowed. "
            "Set it once on the node (chronyc makestep, or ntpdate with the time client stopped), then scan again.",
        )


def _space_need(reading: NodeReading, largest_container_mib: int, *, reserve_percent: int) -> Iterable[Need]:
    if reading.disk is None:
        return
    dump: Filesystem = reading.disk.dump
    wanted_mib = largest_container_mib * (100 + reserve_percent) // 100
    if dump.free_mib < wanted_mib:
        yield Need(
            name="dump_space",
            finding=f"{dump.path} has {dump.free_mib} MiB free; a dump of the largest container here needs "
            f"{wanted_mib} MiB ({largest_container_mib} and {reserve_percent} % in reserve). Free space there, or "
            "point DUMPDIR in /etc/vz/vz.conf to a larger disk.",
        )


def largest_container_mib(node: Node) -> int:
    """Return how much a dump would have to hold: the files of one container, or its memory."""
    present = node.containers.filter(gone_at=None)
    found = present.aggregate(disk=Max("disk_used_mib"), memory=Max("memory_held_mib"))
    return max(found["disk"] or 0, found["memory"] or 0)


def offer(node: Node, needs: Iterable[Need], *, now: datetime) -> None:
    """Bring the node's preparations in line with what it lacks now."""
    lacking = {need.name: need for need in needs}
    for preparation in node.preparations.exclude(need__in=lacking):
        _settle(preparation, now)
    known = {preparation.need: preparation for preparation in node.preparations.all()}
    for name, need in lacking.items():
        if name in known:
            _renew(known[name], need, now)
        else:
            node.preparations.create(need=name, command=need.command, detail=need.finding, updated_at=now)


def _settle(preparation: Preparation, now: datetime) -> None:
    """The node does not lack it any more, whoever saw to that."""
    if preparation.state == State.OFFERED:
        preparation.delete()
    elif preparation.state == State.FAILED:
        _change(preparation, now, state=State.DONE, detail="Found there at the last look.")


def _renew(preparation: Preparation, need: Need, now: datetime) -> None:
    """Offer it in today's words; what is under way or failed keeps its own, until it is asked for again."""
    if preparation.state == State.OFFERED:
        _change(preparation, now, command=need.command, detail=need.finding)
    elif preparation.state == State.DONE:
        attempt = preparation.attempt + 1  # it was there and is gone: a new job under a new key
        _change(preparation, now, state=State.OFFERED, command=need.command, detail=need.finding, attempt=attempt)


def _change(preparation: Preparation, now: datetime, **columns: Any) -> None:
    # A person's yes may come at this moment; it wins.
    Preparation.objects.filter(pk=preparation.pk, state=preparation.state).update(updated_at=now, **columns)
