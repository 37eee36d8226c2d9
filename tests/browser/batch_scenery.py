"""Batches on the stage: one in every state, with windows, freeze periods and nodes out of service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User

from migrations_app.models import Batch, BatchItem, Container, FreezePeriod, Node
from tests.factories import make_batch, make_container, make_item, make_migration, make_node

HOSTILE = '<img src=x onerror="document.title=1">'
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MIB = 1024 * 1024
LONG = 120
State, ItemState = Batch.State, BatchItem.State


def set_up(now: datetime) -> None:
    nodes = _nodes(now)
    ada = User.objects.get(username="ada")
    _draft(nodes, now, created_by=ada)
    _running(nodes, now, created_by=ada)
    _stopped(nodes, now, created_by=ada)
    _done(nodes, now, created_by=ada)
    _long(nodes, now, created_by=ada)
    _freeze_periods(nodes[0], now, ada)


def _nodes(now: datetime) -> list[Node]:
    draining = make_node(
        name="hn-draining",
        scanned_at=now,
        duty=Node.Duty.DRAINING,
        duty_since=now - 3 * HOUR,
        duty_note=f"New disks on Friday; ask Boris. {HOSTILE}",
        memory_limit_percent=80,
        tags=["ssd", "rack-2"],
    )
    make_node(
        name="hn-maintained",
        scanned_at=now - 5 * HOUR,
        fault="NodeUnreachable",
        fault_detail="No route to host.",
        duty=Node.Duty.MAINTENANCE,
        duty_since=now - HOUR,
        duty_note="Kernel",
    )
    return [draining, *(make_node(name=f"hn-wide-{number}", scanned_at=now) for number in range(3))]


def _container(node: Node, ctid: int, **columns: Any) -> Container:
    usual = {"hostname": f"app-{ctid}.example.net", "seen_at": node.scanned_at}
    return make_container(node=node, ctid=str(ctid), **usual | columns)


def _draft(nodes: Sequence[Node], now: datetime, **columns: Any) -> None:
    terms = {"weekdays": [0, 1, 2, 3, 4], "opens_at": time(22), "closes_at": time(4), "time_zone": "Europe/Berlin"}
    batch = make_batch(name="Empty hn-draining", created_at=now, deadline=now + 60 * HOUR, **terms, **columns)
    for number in range(6):
        begins = now + 12 * HOUR + number * 20 * MINUTE
        make_item(
            batch,
            container=_container(nodes[0], 5000 + number),
            target=nodes[1 + number % 3],
            reason="hn-draining is to be empty; of all nodes this one stays the least full.",
            is_canary=number == 0,
            after=[0] if number == 3 else [],
            planned_from=begins,
            planned_until=begins + 18 * MINUTE,
        )


def _running(nodes: Sequence[Node], now: datetime, **columns: Any) -> None:
    batch = make_batch(
        name=f"Balance the fleet before the sale, with a name as long as people make them {HOSTILE}",
        state=State.RUNNING,
        created_at=now - 3 * HOUR,
        started_at=now - 2 * HOUR,
        deadline=now + HOUR,
        **columns,
    )
    _moved(batch, nodes, now - 110 * MINUTE, 5100, now, is_canary=True)
    _moved(batch, nodes, now - 80 * MINUTE, 5101, now)
    for number in (5102, 5103):
        container = _container(nodes[0], number, hostname=f"{HOSTILE}.example.net" if number == 5103 else "wiki.net")
        progress = {"stage": "Copying", "bytes_done": 20 * MIB, "bytes_total": 60 * MIB, "seconds_left": 140}
        migration = make_migration(
            container=container,
            target=nodes[2],
            state="running",
            started_at=now - 5 * MINUTE,
            next_tick_at=None,
            progress=progress,
        )
        times = {"planned_from": now - 5 * MINUTE, "planned_until": now + 6 * MINUTE}
        make_item(batch, container=container, target=nodes[2], state=ItemState.MOVING, migration=migration, **times)
    _waiting(batch, nodes, now)
    lost = {"state": ItemState.SKIPPED, "why": "app-5110 is on hn-wide-1 now: somebody moved it meanwhile."}
    make_item(batch, container=_container(nodes[0], 5110), target=nodes[3], **lost)
    failed = {"state": ItemState.FAILED, "why": f"TransferStalled: nothing came for 300 seconds. {HOSTILE}"}
    make_item(batch, container=_container(nodes[0], 5111), target=nodes[3], **failed)


def _waiting(batch: Batch, nodes: Sequence[Node], now: datetime) -> None:
    whys = (
        "Waits for a slot: 2 may be under way at its target.",
        "Waits for its window, which opens at 2026-12-01 21:00 UTC.",
        "Asks for a new plan: hn-wide-3 is draining.",
    )
    for number, why in enumerate(whys):
        begins = now + (20 + 40 * number) * MINUTE
        make_item(
            batch,
            container=_container(nodes[0], 5120 + number),
            target=nodes[3],
            parks=number == 1,
            why=why,
            reason="Moved aside: makes room for wiki.net.",
            planned_from=begins,
            planned_until=begins + 35 * MINUTE,
        )


def _moved(batch: Batch, nodes: Sequence[Node], begun: datetime, ctid: int, now: datetime, **columns: Any) -> None:
    container = _container(nodes[1], ctid)
    migration = make_migration(
        container=container,
        target=nodes[0],
        state="done",
        started_at=begun,
        finished_at=begun + 17 * MINUTE,
        freeze_seconds=0.62,
        next_tick_at=None,
    )
    make_item(batch, container=container, target=nodes[0], state=ItemState.DONE, migration=migration, **columns)


def _stopped(nodes: Sequence[Node], now: datetime, **columns: Any) -> None:
    batch = make_batch(
        name="Free two nodes",
        state=State.STOPPED,
        created_at=now - 5 * HOUR,
        started_at=now - 4 * HOUR,
        failure="TransferStalled",
        failure_detail="m17: 5203 from hn-wide-1 to hn-wide-2: nothing came for 300 seconds.",
        **columns,
    )
    _moved(batch, nodes, now - 3 * HOUR, 5200, now, is_canary=True)
    for number in (5201, 5202):
        make_item(batch, container=_container(nodes[0], number), target=nodes[2])


def _done(nodes: Sequence[Node], now: datetime, **columns: Any) -> None:
    ends = now - 24 * HOUR
    batch = make_batch(
        name="Bring them home",
        state=State.DONE,
        created_at=ends - 5 * HOUR,
        started_at=ends - 4 * HOUR,
        finished_at=ends,
        **columns,
    )
    for number in range(4):
        _moved(batch, nodes, ends - (4 - number) * 30 * MINUTE, 5300 + number, now)


def _long(nodes: Sequence[Node], now: datetime, **columns: Any) -> None:
    batch = make_batch(name="Empty a rack", state=State.PAUSED, created_at=now, started_at=now, **columns)
    for number in range(LONG):
        begins = now + number // 4 * 20 * MINUTE
        make_item(
            batch,
            container=_container(nodes[0], 5400 + number),
            target=nodes[1 + number % 3],
            planned_from=begins,
            planned_until=begins + 18 * MINUTE,
        )


def _freeze_periods(node: Node, now: datetime, ada: User) -> None:
    spans: tuple[tuple[str, int, int, Node | None], ...] = (
        (f"Black Friday {HOSTILE}", 2, 5, None),
        ("Disks are changed", -1, 30, node),
        ("Last month's audit", -300, -200, None),
    )
    for name, begins, ends, of in spans:
        FreezePeriod.objects.create(
            name=name,
            starts_at=now + begins * HOUR,
            ends_at=now + ends * HOUR,
            node=of,
            created_at=now,
            created_by=ada,
        )
