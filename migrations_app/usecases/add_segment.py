"""Register a segment of the network, or change what is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.addresses.chart import span_of_pool
from migrations_app.addresses.spans import Network, networks_of, read_network, span_of
from migrations_app.audit import trail
from migrations_app.models import Node, Segment
from migrations_app.vz.names import BadValue, clean_line

MOST_NETWORKS = 64
LONGEST_NAME = 63
Objections = list[tuple[str, str]]


class SegmentRefused(Exception):
    """The segment was not written down; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def add_segment(
    *,
    name: str,
    networks: Sequence[str],
    nodes: Sequence[Node],
    actor: User | None,
    now: datetime,
    segment: Segment | None = None,
) -> Segment:
    """Register it, or give ``segment`` these values. From then on the panel says where an address can be kept.

    :raises SegmentRefused: all reasons at once; nothing was changed.
    """
    name = clean_line(name, limit=LONGEST_NAME + 1)
    read, objections = _read(networks)
    objections += _of_name(name)
    objections += _of_others(read, segment)
    if segment is not None:
        objections += _of_pools(segment, read, nodes)
    if objections:
        raise SegmentRefused(objections)
    return _write(name, [str(network) for network in read], nodes, segment, actor, now)


def _write(
    name: str, networks: list[str], nodes: Sequence[Node], segment: Segment | None, actor: User | None, now: datetime
) -> Segment:
    row = Segment(pk=segment.pk if segment else None, name=name, networks=networks)
    before = _said(segment) if segment else None
    try:
        with transaction.atomic():
            row.save()
            row.nodes.set(nodes)
            told = {"before": before} if before else {}
            verb = "change_segment" if segment else "add_segment"
            trail.record(verb, name, actor=actor, now=now, after=_said(row), **told)
    except IntegrityError as taken:
        raise SegmentRefused([("name", f"There is a segment {name} already.")]) from taken
    return row


def _said(segment: Segment) -> dict[str, object]:
    nodes = sorted(segment.nodes.values_list("name", flat=True))
    return {"name": segment.name, "networks": segment.networks, "nodes": nodes}


def _of_name(name: str) -> Objections:
    if not name:
        return [("name", "Give it a name, such as the rack or the VLAN.")]
    return [("name", f"At most {LONGEST_NAME} characters.")] if len(name) > LONGEST_NAME else []


def _read(texts: Iterable[str]) -> tuple[list[Network], Objections]:
    texts = list(texts)
    if not 1 <= len(texts) <= MOST_NETWORKS:
        return [], [("networks", f"Give 1 to {MOST_NETWORKS} networks, such as 192.0.2.0/24; these are {len(texts)}.")]
    found: list[Network] = []
    objections: Objections = []
    for text in texts:
        try:
            network = read_network(text)
        except BadValue as refusal:
            objections.append(("networks", f"{refusal}."))
            continue
        objections += [("networks", f"{network} overlaps {other}.") for other in found if _overlap(network, other)]
        found.append(network)
    return found, objections


def _overlap(one: Network, other: Network) -> bool:
    return span_of(one).overlaps(span_of(other))


def _of_others(read: Sequence[Network], segment: Segment | None) -> Objections:
    """An address is of one segment, or the panel could not tell where it may live."""
    others = Segment.objects.exclude(pk=segment.pk) if segment else Segment.objects.all()
    return [
        ("networks", f"{network} overlaps {other} of segment {row.name}.")
        for row in others
        for other in networks_of(row.networks)
        for network in read
        if _overlap(network, other)
    ]


def _of_pools(segment: Segment, read: Sequence[Network], nodes: Sequence[Node]) -> Objections:
    """What is given from stays within the segment, and so do those whom it is for."""
    reasons: Objections = []
    for pool in segment.pools.select_related("node"):
        span = span_of_pool(pool)
        if not any(span.first in network and span.last in network for network in read):
            reasons.append(("networks", f"The pool {pool} would lie outside: remove it first."))
        if pool.node is not None and pool.node not in nodes:
            reasons.append(("nodes", f"The pool {pool} is for {pool.node}: remove it first."))
    return reasons
