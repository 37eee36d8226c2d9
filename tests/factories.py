"""Rows for tests: plain functions, keyword-only, each default the most ordinary value."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.addresses.spans import read_span
from migrations_app.basics import cipher
from migrations_app.models import (
    Batch,
    BatchItem,
    Container,
    Customer,
    Migration,
    NameServer,
    Node,
    Pool,
    Segment,
    UpdateKey,
    Zone,
)
from migrations_app.ports.nameserver import Key
from migrations_app.zones.shelf import seal_context
from tests.fakes.clock import START
from tests.fakes.node import FakeNode
from tests.fakes.work import public_key

_numbers = itertools.count(1)


def make_customer(
    *, name: str = "Shop", email: str = "owner@shop.example", user: User | None = None, time_zone: str = "Europe/Berlin"
) -> Customer:
    return Customer.objects.create(name=name, email=email, user=user, time_zone=time_zone)


def make_node(*, fake: FakeNode | None = None, name: str = "", **overrides: Any) -> Node:
    """Make a ready node; that of a pretend node where one is given."""
    number = next(_numbers)
    name = name or (fake.name if fake else f"node-{number}")
    host_key = fake.host_key if fake else public_key(name)
    values: dict[str, Any] = {
        "name": name,
        "address": fake.address if fake else f"198.51.{100 + number // 250 % 100}.{number % 250 + 1}",
        "port": fake.port if fake else 22,
        "state": Node.State.READY,
        "offered_host_key": host_key,
        "host_key": host_key,
        "scanned_at": START,
        "kernel": "2.6.32-042stab145.3",
        "architecture": "x86_64",
        "cpu_count": 4,
        "load_1m": 0.4,
        "memory_total_mib": 16_384,
        "memory_available_mib": 12_288,
        "disk_total_mib": 102_400,
        "disk_free_mib": 81_920,
        "inodes_total": 6_553_600,
        "inodes_free": 6_000_000,
        "link_mbps": 1000,
        "clock_offset_seconds": 0.0,
        "ntp_client": "chronyd",
        "can_checkpoint": True,
    }
    return Node.objects.create(**values | overrides)


def make_container(*, node: Node | None = None, owner: Customer | None = None, **overrides: Any) -> Container:
    ctid = overrides.pop("ctid", str(100 + next(_numbers)))
    values: dict[str, Any] = {
        "ctid": ctid,
        "node": node or make_node(),
        "owner": owner,
        "hostname": f"ct{ctid}.example.net",
        "status": Container.Status.RUNNING,
        "addresses": [f"192.0.2.{int(ctid) % 250 + 1}"] if ctid.isdecimal() else [],
        "layout": "simfs",
        "os_template": "lab-guest",
        "onboot": True,
        "memory_held_mib": 48,
        "memory_limit_mib": 512,
        "disk_used_mib": 60,
        "disk_limit_mib": 2048,
        "cpus": 2,
        "first_seen_at": START,
        "seen_at": START,
    }
    return Container.objects.create(**values | overrides)


def make_migration(
    *, container: Container | None = None, target: Node | None = None, method: str = "dump", **overrides: Any
) -> Migration:
    container = container or make_container()
    values: dict[str, Any] = {
        "container": container,
        "ctid": container.ctid,
        "target_ctid": container.ctid,
        "source": container.node,
        "target": target or make_node(),
        "requested_method": method,
        "method": method,
        "freeze_budget_seconds": 5.0,
        "not_before": START,
        "created_at": START - timedelta(hours=1),
        "next_tick_at": START,
    }
    return Migration.objects.create(**values | overrides)


def make_batch(**overrides: Any) -> Batch:
    """Make a draft without moves."""
    values: dict[str, Any] = {"name": "Empty node-3", "created_at": START, "freeze_budget_seconds": 5.0}
    return Batch.objects.create(**values | overrides)


def make_item(batch: Batch, *, container: Container | None = None, **overrides: Any) -> BatchItem:
    """Make the batch's next move."""
    container = container or make_container()
    values: dict[str, Any] = {
        "position": batch.items.count(),
        "container": container,
        "source": container.node,
        "bytes_forecast": 60 * 1024 * 1024,
        "seconds_forecast": 120.0,
        "freeze_seconds_forecast": 0.8,
    }
    if "target" not in overrides:
        overrides["target"] = make_node()
    return BatchItem.objects.create(batch=batch, **values | overrides)


def make_name_server(*, name: str = "ns1.example.net", address: str = "192.0.2.53", **overrides: Any) -> NameServer:
    return NameServer.objects.create(**{"name": name, "address": address} | overrides)


def make_update_key(*, key: Key) -> UpdateKey:
    """Keep a key as the panel would, sealed with its own."""
    name = key.name.rstrip(".")
    sealed = cipher.seal(key.secret, keys=settings.SECRET_KEYS, context=seal_context(name))
    return UpdateKey.objects.create(name=name, algorithm=key.algorithm, sealed_secret=sealed)


def make_zone(
    *, name: str = "example.net", primary: NameServer, key: UpdateKey | None = None, **overrides: Any
) -> Zone:
    secondaries = overrides.pop("secondaries", ())
    provider = Zone.Provider.RFC2136 if key else Zone.Provider.MANUAL
    zone = Zone.objects.create(**{"name": name, "provider": provider, "primary": primary, "key": key} | overrides)
    zone.secondaries.set(secondaries)
    return zone


def make_segment(
    *,
    name: str = "",
    networks: Sequence[str] = ("192.0.2.0/24",),
    nodes: Sequence[Node] = (),
    pools: Sequence[str] = (),
) -> Segment:
    """Make a segment with these nodes on it and pools spelt as people do."""
    segment = Segment.objects.create(name=name or f"segment-{next(_numbers)}", networks=list(networks))
    segment.nodes.set(nodes)
    for span in map(read_span, pools):
        Pool.objects.create(segment=segment, first=str(span.first), last=str(span.last))
    return segment
