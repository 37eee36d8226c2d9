"""Let the panel give addresses of a segment."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from migrations_app.addresses.chart import span_of_pool
from migrations_app.addresses.spans import Span, networks_of, read_span
from migrations_app.audit import trail
from migrations_app.models import Node, Pool, Segment
from migrations_app.vz.names import BadValue, checked_address, clean_line

MOST_LEFT_OUT = 1000
MOST_POOLS = 200
LONGEST_REASON = 100
Objections = list[tuple[str, str]]


class PoolRefused(Exception):
    """The pool was not written down; ``objections`` are pairs of field name and reason."""

    def __init__(self, objections: Objections) -> None:
        super().__init__(" ".join(reason for _, reason in objections))
        self.objections = objections


def add_pool(
    *,
    segment: Segment,
    span: str,
    actor: User | None,
    now: datetime,
    node: Node | None = None,
    left_out: Iterable[str] = (),
) -> Pool:
    """``span``: "FIRST-LAST" or a network. ``left_out``: lines of an address and what it is, the gateway above all.

    A network's own address, its broadcast and the routers' anycast address are never given, named or not.

    :raises PoolRefused: all reasons at once, each with its field.
    """
    try:
        wanted = read_span(span)
    except BadValue as refusal:
        raise PoolRefused([("span", f"{refusal}.")]) from refusal
    named, objections = _read_left_out(left_out, wanted)
    if node is not None and not segment.nodes.contains(node):
        objections.append(("node", f"{node} is not on segment {segment}."))
    try:
        with transaction.atomic():
            Segment.objects.select_for_update().get(pk=segment.pk)  # two who add at once see each other's pool
            objections += _of_span(wanted, segment)
            if objections:
                raise PoolRefused(objections)
            return _write(segment, wanted, node, named, actor, now)
    except IntegrityError as taken:
        raise PoolRefused([("span", "There is a pool that begins there already.")]) from taken


def _write(
    segment: Segment, span: Span, node: Node | None, named: list[list[str]], actor: User | None, now: datetime
) -> Pool:
    pool = Pool.objects.create(segment=segment, first=str(span.first), last=str(span.last), node=node, left_out=named)
    told = {"segment": segment.name, "node": str(node or ""), "left_out": named}
    trail.record("add_pool", str(span), actor=actor, now=now, **told)
    return pool


def _of_span(span: Span, segment: Segment) -> Objections:
    pools = list(segment.pools.all())
    networks = networks_of(segment.networks)
    reasons: Objections = []
    if not any(span.first in network and span.last in network for network in networks):
        listed = ", ".join(map(str, networks))
        reasons.append(("span", f"{span} is not within one network of segment {segment}: {listed}."))
    reasons += [("span", f"{span} overlaps the pool {pool}.") for pool in pools if span_of_pool(pool).overlaps(span)]
    if len(pools) >= MOST_POOLS:
        reasons.append(("span", f"A segment has at most {MOST_POOLS} pools."))
    return reasons


def _read_left_out(lines: Iterable[str], span: Span) -> tuple[list[list[str]], Objections]:
    found: dict[str, str] = {}
    reasons: Objections = []
    for line in filter(str.strip, lines):
        word, _, what = line.strip().partition(" ")
        try:
            address = checked_address(word)
        except BadValue as refusal:
            reasons.append(("left_out", f"{refusal}."))
            continue
        if ipaddress.ip_address(address) not in span:
            reasons.append(("left_out", f"{address} is not in {span}, so it is not given anyway."))
        found[address] = clean_line(what, limit=LONGEST_REASON)
    if len(found) > MOST_LEFT_OUT:
        reasons.append(("left_out", f"{len(found)} are too many, {MOST_LEFT_OUT} at most: make two pools around them."))
    return [[address, what] for address, what in found.items()], reasons[:MOST_LEFT_OUT]
