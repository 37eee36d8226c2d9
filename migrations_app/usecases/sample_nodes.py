"""Ask nodes what is in use on them, all side by side, and keep what they say."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from migrations_app.capacity import packing, rates, sampling, standing
from migrations_app.capacity.packing import Unreadable
from migrations_app.capacity.sampling import Sampled
from migrations_app.execution import context
from migrations_app.execution.outside import Outside
from migrations_app.models import Container, Node, Reading, Standing
from migrations_app.vz.facts import NodeUse

log = logging.getLogger(__name__)
# A rate over more than this many beats would hide what went on between them: it is a gap.
MOST_BEATS = 3


@dataclass(frozen=True, kw_only=True)
class Heard:
    at: datetime
    outcome: Sampled


def sample_nodes(*, first_id: int, last_id: int, outside: Outside, settings: Mapping[str, Any]) -> int:
    """Sample the ready nodes of this range; return how many answered. A node that does not leaves a gap."""
    ready = Node.objects.filter(pk__gte=first_id, pk__lte=last_id, state=Node.State.READY)
    nodes = {node.pk: node for node in ready}
    standings = _standings(nodes)
    # Those that answered last time come first: the silent ones shall wait for each other alone.
    order = sorted(nodes, key=lambda pk: bool(standings[pk].missed))
    endpoints = {pk: context.endpoint(nodes[pk]) for pk in order}
    heard = [Heard(at=outside.clock(), outcome=one) for one in sampling.ask_all(outside.shell, endpoints)]
    longest_seconds = float(MOST_BEATS * settings["sample_every_seconds"])
    with transaction.atomic():
        _keep(heard, standings, longest_seconds)
    return sum(one.outcome.use is not None for one in heard)


def _standings(nodes: Mapping[int, Node]) -> dict[int, Standing]:
    found = Standing.objects.in_bulk(list(nodes))
    return {pk: found.get(pk) or Standing(node_id=pk) for pk in nodes}


def _keep(heard: Sequence[Heard], standings: Mapping[int, Standing], longest_seconds: float) -> None:
    answered = [(one, one.outcome.use) for one in heard if one.outcome.use is not None]
    rows_of = _container_rows([one.outcome.node_id for one, _ in answered])
    former = _last_readings([one.outcome.node_id for one, _ in answered], heard, longest_seconds)
    readings = []
    for one, use in answered:
        node_id = one.outcome.node_id
        readings.append(Reading(node_id=node_id, at=one.at, body=packing.pack_reading(use, rows_of[node_id])))
        before = former.get(node_id)
        point = rates.node_point(before, use, longest_seconds=longest_seconds)
        cores = rates.container_cores(before, use, longest_seconds=longest_seconds)
        standing.after_sample(standings[node_id], one.at, use, point, cores=cores)
    for one in heard:
        if one.outcome.trouble is not None:
            log.info("node %s was not sampled: %s", one.outcome.node_id, one.outcome.trouble)
            standing.after_miss(standings[one.outcome.node_id], one.at, type(one.outcome.trouble).__name__)
    Reading.objects.bulk_create(readings, ignore_conflicts=True)
    Standing.objects.bulk_create(
        standings.values(),
        update_conflicts=True,
        unique_fields=["node"],
        update_fields=["sampled_at", "missed", "missed_at", "now", "total", "promised", "sizes"],
    )


def _container_rows(node_ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    here = Container.objects.filter(node_id__in=node_ids, gone_at=None).values_list("node_id", "ctid", "pk")
    for node_id, ctid, pk in here.iterator():
        found[node_id][ctid] = pk
    return found


def _last_readings(node_ids: Sequence[int], heard: Sequence[Heard], longest_seconds: float) -> dict[int, NodeUse]:
    if not heard:
        return {}
    since = min(one.at for one in heard) - timedelta(seconds=longest_seconds)
    rows = Reading.objects.filter(node_id__in=node_ids, at__gte=since).order_by("at").values_list("node_id", "body")
    last = {node_id: bytes(body) for node_id, body in rows.iterator()}  # the latest of each wins
    return {node_id: use for node_id, body in last.items() if (use := _opened(body)) is not None}


def _opened(body: bytes) -> NodeUse | None:
    try:
        return packing.unpack_node(body)
    except Unreadable:
        return None
