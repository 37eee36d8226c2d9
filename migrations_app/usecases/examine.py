"""Look whether everything the panel stands on is there and sane; change nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError

from migrations_app.execution import context
from migrations_app.execution.outside import Outside
from migrations_app.inventory import faults, needs, scan
from migrations_app.inventory.faults import NodeFault
from migrations_app.models import Node
from migrations_app.ports.shell import ShellError
from migrations_app.vz.gate import GateError

# The worker proves every few seconds that its queue serves tasks.
QUEUE_SILENCE = timedelta(seconds=60)
MAIL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """One thing that was looked at, and what was found."""

    subject: str
    found: str
    ok: bool = True


def examine_installation(
    *, outside: Outside, settings: Mapping[str, Any], mail_server: tuple[str, int], served_at: datetime | None
) -> Iterator[Checkup]:
    """Yield what is found, one line each; ``served_at``: when the queue last finished a task."""
    yield _key_file(Path(settings["ssh_key_file"]))
    yield _queue(served_at, outside.clock())
    yield _mail(outside, *mail_server)
    yield from _nodes(outside, settings)


def examine_database() -> Checkup:
    """Every other look needs this one to be good."""
    try:
        count = Node.objects.count()
    except DatabaseError as error:
        return Checkup(subject="database", found=f"{error}. Run manage.py migrate if it is new.", ok=False)
    return Checkup(subject="database", found=f"answers; nodes: {count}")


def _key_file(path: Path) -> Checkup:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return Checkup(subject="key file", found=str(error), ok=False)
    if mode & 0o077:
        return Checkup(subject="key file", found=f"{path} can be read by others (mode {mode:o}): chmod 600", ok=False)
    return Checkup(subject="key file", found=f"{path}, readable by its owner only")


def _queue(served_at: datetime | None, now: datetime) -> Checkup:
    if served_at is None:
        return Checkup(subject="queue", found="has never served a task: run manage.py work", ok=False)
    silence = now - served_at
    found = f"served its last task {silence.total_seconds():.0f} s ago"
    if silence > QUEUE_SILENCE:
        return Checkup(subject="queue", found=f"{found}: is manage.py work running?", ok=False)
    return Checkup(subject="queue", found=found)


def _mail(outside: Outside, host: str, port: int) -> Checkup:
    result = outside.probe.connect(host, port, timeout_seconds=MAIL_SECONDS)
    found = "answers" if result.answers else result.detail
    return Checkup(subject="mail server", found=f"{host} port {port}: {found}", ok=result.answers)


def _nodes(outside: Outside, settings: Mapping[str, Any]) -> Iterator[Checkup]:
    for node in Node.objects.order_by("name"):
        if not node.host_key:
            yield Checkup(subject=str(node), found="its host key waits for a person to compare it", ok=False)
            continue
        try:
            yield _node(node, outside, settings)
        except (ShellError, GateError, NodeFault) as trouble:
            yield Checkup(subject=str(node), found=f"{type(trouble).__name__}: {trouble}", ok=False)


def _node(node: Node, outside: Outside, settings: Mapping[str, Any]) -> Checkup:
    reading = scan.read_node(outside.shell, context.endpoint(node), clock=outside.clock)
    fault = faults.worst_of(reading)
    if fault is not None:
        return Checkup(subject=str(node), found=f"{type(fault).__name__}: {fault}", ok=False)
    lacking = needs.needs_of(reading, largest_container_mib=needs.largest_container_mib(node), settings=settings)
    if lacking:
        return Checkup(subject=str(node), found=" ".join(need.finding for need in lacking), ok=False)
    offset = f"clock off by {abs(reading.clock_offset_seconds or 0):.2f} s"
    return Checkup(subject=str(node), found=f"reachable, host key as pinned, gate answers, {offset}, tools complete")
