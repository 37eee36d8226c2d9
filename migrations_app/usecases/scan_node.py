"""Look at a node, and write down what is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from migrations_app.addresses import handing_out
from migrations_app.audit import trail
from migrations_app.execution import context
from migrations_app.execution.outside import Outside
from migrations_app.inventory import columns, faults, needs, scan
from migrations_app.inventory.faults import NodeFault
from migrations_app.inventory.reading import NodeReading
from migrations_app.inventory.reconcile import Reconciled, reconcile
from migrations_app.models import Node
from migrations_app.ports.shell import LoginRefused, ShellError
from migrations_app.vz.facts import FactUnreadable
from migrations_app.vz.gate import GateError
from migrations_app.vz.names import BadValue, checked_public_key

log = logging.getLogger(__name__)

# Somebody is just preparing a node that is not ready: the page shall notice soon.
SETTLING_SECONDS = 10
LONGEST_DETAIL = 2_000


class HostKeyUnreadable(NodeFault):
    """The machine at the node's address shows a host key of no kind that the panel takes."""


Trouble = ShellError | GateError | NodeFault | FactUnreadable


def scan_node(*, node_id: int, outside: Outside, settings: Mapping[str, Any]) -> None:
    """Read the node and store what it says; whatever it does wrong ends as its fault, not as an error here."""
    node = Node.objects.get(pk=node_id)
    # Moved on before the look: a look that dies is not repeated at once, nor begun twice meanwhile.
    _look_next(node, outside.clock(), settings)
    try:
        if node.state in (Node.State.NEW, Node.State.KEY_OFFERED):
            _fetch_host_key(node, outside)
        else:
            _read(node, outside, settings)
    except (ShellError, GateError, NodeFault) as trouble:
        _store_fault(node, trouble)
    _look_next(node, outside.clock(), settings)


def _look_next(node: Node, now: datetime, settings: Mapping[str, Any]) -> None:
    """Set the time of the next look, unless somebody asked for one meanwhile."""
    seconds = settings["scan_every_seconds"]
    if Node.objects.filter(pk=node.pk).exclude(state=Node.State.READY).exists():
        seconds = min(seconds, SETTLING_SECONDS)
    Node.objects.filter(pk=node.pk, next_scan_at=node.next_scan_at).update(
        next_scan_at=now + timedelta(seconds=seconds)
    )
    node.refresh_from_db(fields=["next_scan_at"])


def _fetch_host_key(node: Node, outside: Outside) -> None:
    offered = outside.shell.offered_host_key(node.address, node.port)
    try:
        line = " ".join(checked_public_key(offered))
    except BadValue as refusal:
        raise HostKeyUnreadable(str(refusal)) from refusal
    # Not once a person has pinned one meanwhile.
    waiting = Node.objects.filter(pk=node.pk, state__in=(Node.State.NEW, Node.State.KEY_OFFERED))
    waiting.update(offered_host_key=line, state=Node.State.KEY_OFFERED, fault="", fault_detail="")


def _read(node: Node, outside: Outside, settings: Mapping[str, Any]) -> None:
    reading = scan.read_node(outside.shell, context.endpoint(node), clock=outside.clock)
    fault = faults.worst_of(reading)
    with transaction.atomic():
        held = Node.objects.select_for_update().get(pk=node.pk)
        if held.host_key != node.host_key or (held.scanned_at and held.scanned_at >= reading.asked_at):
            return  # another key was pinned, or a later look was faster
        found = columns.of_node(reading) | _fault_columns(fault)
        Node.objects.filter(pk=held.pk).update(state=Node.State.READY, scanned_at=reading.asked_at, **found)
        hidden = isinstance(fault, NodeFault) and fault.hides_containers
        result = None if hidden else _write_containers(held, reading)
        largest_mib = needs.largest_container_mib(held)
        lacking = needs.needs_of(reading, largest_container_mib=largest_mib, settings=settings)
        needs.offer(held, lacking, now=reading.asked_at)
        if result is not None:
            handing_out.settle(reading.asked_at)
            _tell(result, held, now=reading.asked_at)


def _write_containers(node: Node, reading: NodeReading) -> Reconciled | None:
    listed = reading.containers if reading.containers is not None else reading.bare_containers
    if listed is None:
        return None
    result = reconcile(node, listed, now=reading.asked_at, states_only=reading.containers is None)
    Node.objects.filter(pk__in=result.look_again).update(next_scan_at=reading.asked_at)
    return result


def _tell(result: Reconciled, node: Node, *, now: datetime) -> None:
    for row in result.moved_by_hand:
        trail.record("moved_by_hand", str(row), actor=None, now=now, origin=str(row.moved_from), found_on=str(row.node))
    for row in result.vanished:
        trail.record("container_vanished", str(row), actor=None, now=now, node=str(node))
    for row in result.came_back:
        trail.record("container_came_back", str(row), actor=None, now=now, node=str(node))


def _store_fault(node: Node, trouble: Trouble) -> None:
    log.info("%s: %s: %s", node, type(trouble).__name__, trouble)
    columns_ = _fault_columns(trouble)
    if isinstance(trouble, LoginRefused) and node.state == Node.State.KEY_PINNED:
        # Nothing is wrong yet: nobody has run the command.
        columns_["fault_detail"] = "Run the command below on the node; until then it does not let the panel in."
    Node.objects.filter(pk=node.pk, host_key=node.host_key).update(**columns_)


def _fault_columns(trouble: Trouble | None) -> dict[str, str]:
    if trouble is None:
        return {"fault": "", "fault_detail": ""}
    return {"fault": type(trouble).__name__, "fault_detail": str(trouble)[:LONGEST_DETAIL]}
