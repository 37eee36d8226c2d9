"""Bring the rows of a node's containers in line with what the node lists now.

A row is a container's whole life: its owner and its migrations hang on it. So a row is never deleted for a container
that vanished, and it moves along when somebody carried the container to another node by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from migrations_app.inventory import columns
from migrations_app.inventory.motion import Motion
from migrations_app.models import Container, Node
from migrations_app.vz.facts import ObservedContainer

# Longer gone, and another container may well have been given the number and even the name.
REMEMBERED = timedelta(days=30)


@dataclass(kw_only=True)
class Reconciled:
    """What the look at the node changed."""

    appeared: list[Container] = field(default_factory=list)
    came_back: list[Container] = field(default_factory=list)
    vanished: list[Container] = field(default_factory=list)
    moved_by_hand: list[Container] = field(default_factory=list)
    # Nodes that also list a container which appeared here: only another look there tells a move from a copy.
    look_again: set[int] = field(default_factory=set)


def reconcile(
    node: Node, observed: Iterable[ObservedContainer], *, now: datetime, states_only: bool = False
) -> Reconciled:
    """Write what was seen; call it inside a transaction that holds the node's row.

    ``states_only``: the node could tell numbers and states and nothing else, so all other columns stay.
    """
    seen = {container.ctid: container for container in observed}
    present = {row.ctid: row for row in Container.objects.filter(node=node, gone_at=None)}
    motion = Motion.at(node, now=now)
    result = Reconciled()
    _refresh([(row, seen[ctid]) for ctid, row in present.items() if ctid in seen], now, states_only=states_only)
    for ctid, row in present.items():
        if ctid not in seen and not motion.explains(ctid):
            _let_go(row, now, result)
    for ctid, container in seen.items():
        if ctid not in present and not motion.explains_arrival(container):
            _take_in(node, container, now, result)
    return result


def _refresh(pairs: list[tuple[Container, ObservedContainer]], now: datetime, *, states_only: bool) -> None:
    for row, container in pairs:
        _put_on(row, {"status": container.status} if states_only else columns.of_container(container), now)
    names = ["status", "seen_at"]
    if pairs and not states_only:
        names = [*columns.of_container(pairs[0][1]), "seen_at"]
    Container.objects.bulk_update([row for row, _ in pairs], names, batch_size=200)


def _put_on(row: Container, values: columns.Columns, now: datetime) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.seen_at = now


def _let_go(row: Container, now: datetime, result: Reconciled) -> None:
    """Mark a container that its node lists no more; if it turned up elsewhere since, its row goes there."""
    successor = _same_elsewhere(row).filter(gone_at=None, first_seen_at__gte=row.seen_at, migrations=None).first()
    if successor is None:
        Container.objects.filter(pk=row.pk).update(gone_at=now)
        result.vanished.append(row)
        return
    found = {field.attname: getattr(successor, field.attname) for field in successor._meta.concrete_fields}
    kept = ("id", "owner_id", "first_seen_at", "moved_from_id", "moved_by_hand_at")
    owner_id = row.owner_id or successor.owner_id
    successor.delete()  # the same container under two rows: the one with the history stays
    values = {name: value for name, value in found.items() if name not in kept}
    _carry(row, row.node, values | {"owner_id": owner_id}, now, result)


def _take_in(node: Node, container: ObservedContainer, now: datetime, result: Reconciled) -> None:
    """Give a container that the node did not list before its row: an earlier one of its own, or a new one."""
    values = columns.of_container(container) | {"node_id": node.pk, "gone_at": None, "seen_at": now}
    life = Container.objects.filter(_life_of(container, node))
    former = life.filter(gone_at__gt=now - REMEMBERED).select_related("node").order_by("-seen_at").first()
    elsewhere = set(life.filter(gone_at=None).exclude(node=node).values_list("node_id", flat=True))
    if former is None or (elsewhere and former.node_id != node.pk):
        row = Container.objects.create(ctid=container.ctid, first_seen_at=now, **values)
        result.appeared.append(row)
        result.look_again |= elsewhere
    elif former.node_id == node.pk:
        Container.objects.filter(pk=former.pk).update(**values)
        result.came_back.append(former)
    else:
        _carry(former, former.node, values, now, result)


def _carry(row: Container, origin: Node, values: columns.Columns, now: datetime, result: Reconciled) -> None:
    """Let the row follow its container to where somebody moved it without asking the panel."""
    Container.objects.filter(pk=row.pk).update(**values, moved_by_hand_at=now, moved_from=origin)
    row.refresh_from_db()
    result.moved_by_hand.append(row)


def _same_elsewhere(row: Container) -> QuerySet[Container]:
    return Container.objects.filter(_identity(row.ctid, row.hostname)).exclude(node=row.node)


def _life_of(container: ObservedContainer, node: Node) -> Q:
    if container.hostname:
        return _identity(container.ctid, container.hostname)
    return Q(ctid=container.ctid, node=node)  # nameless, or listed by number alone: it can only be known from here


def _identity(ctid: str, hostname: str) -> Q:
    """A UUID is one container's in the world; a number may be many's, so the host name must agree."""
    if "-" in ctid:
        return Q(ctid=ctid)
    return Q(ctid=ctid, hostname__iexact=hostname) & ~Q(hostname="")
