"""The segments with their pools as one value, read in three queries whatever the number of nodes."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from migrations_app.addresses.spans import Network, Span, networks_of, never_given
from migrations_app.models import Pool, Segment
from migrations_app.vz.names import Address


@dataclass(frozen=True, kw_only=True)
class PoolShape:
    """A pool's span, whom it is for, and what in it is never given."""

    id: int
    span: Span
    node_id: int | None
    left_out: frozenset[Address]

    def is_for(self, node_id: int) -> bool:
        return self.node_id in (None, node_id)


@dataclass(frozen=True, kw_only=True)
class SegmentShape:
    id: int
    name: str
    networks: tuple[Network, ...]
    node_ids: frozenset[int]
    pools: tuple[PoolShape, ...]

    def holds(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


@dataclass(frozen=True, kw_only=True)
class Chart:
    segments: tuple[SegmentShape, ...]

    def holding(self, address: Address) -> SegmentShape | None:
        """Return the segment of an address; networks of two segments never overlap."""
        return next((segment for segment in self.segments if segment.holds(address)), None)

    def at(self, node_id: int) -> tuple[SegmentShape, ...]:
        return tuple(segment for segment in self.segments if node_id in segment.node_ids)

    def pools_for(self, node_id: int) -> tuple[PoolShape, ...]:
        """Return the pools that serve a node, its own before those it shares."""
        found = [pool for segment in self.at(node_id) for pool in segment.pools if pool.is_for(node_id)]
        return tuple(sorted(found, key=lambda pool: (pool.node_id is None, pool.id)))


def read_chart() -> Chart:
    rows = Segment.objects.prefetch_related("nodes", "pools").order_by("name")
    return Chart(segments=tuple(shape_of(row) for row in rows))


def shape_of(segment: Segment) -> SegmentShape:
    networks = networks_of(segment.networks)
    pools = sorted(segment.pools.all(), key=lambda pool: pool.pk)
    return SegmentShape(
        id=segment.pk,
        name=segment.name,
        networks=networks,
        node_ids=frozenset(node.pk for node in segment.nodes.all()),
        pools=tuple(_pool(pool, networks) for pool in pools),
    )


def span_of_pool(pool: Pool) -> Span:
    return Span(first=ipaddress.ip_address(pool.first), last=ipaddress.ip_address(pool.last))


def _pool(pool: Pool, networks: tuple[Network, ...]) -> PoolShape:
    named = frozenset(ipaddress.ip_address(address) for address, _ in pool.left_out)
    span = span_of_pool(pool)
    within = frozenset(address for address in never_given(networks) if address in span)
    return PoolShape(id=pool.pk, span=span, node_id=pool.node_id, left_out=named | within)


def locked(pools: Collection[PoolShape]) -> QuerySet[Pool]:
    """Hold the pools until the transaction ends: of two who take from them at once, the second sees what went."""
    rows = Pool.objects.select_for_update().filter(pk__in=[pool.id for pool in pools]).order_by("pk")
    list(rows)
    return rows
