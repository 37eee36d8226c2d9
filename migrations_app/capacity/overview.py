"""The whole fleet at a glance: how hot each node is and when it will be full."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Final, NamedTuple

from django.db.models import TextField, Value
from django.db.models.functions import Cast

from migrations_app.capacity.metrics import Point
from migrations_app.capacity.resources import BY_NAME, RESOURCES
from migrations_app.models import Node

VIEWS: Final = {"now": "Now", "week": "Week, 95th percentile", "promised": "Promised"}
STALE_BEATS = 3
_COLUMNS = ("pk", "name", "duty", "link_mbps", "standing__sampled_at", "standing__missed", "standing__replayed_until")
_BYTES_PER_MBIT = 125_000
Amounts = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Full:
    """When a resource will be full, in days from now; None: not in sight."""

    resource: str
    days: float
    earliest: float | None
    latest: float | None


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """One node of the fleet; shares are of what it has, pressures of what of that may be used."""

    pk: int
    name: str
    duty: str
    sampled_at: datetime | None
    is_stale: bool
    missed: str
    replayed_until: datetime | None
    total: Amounts
    used: Amounts
    promised: Amounts
    shares: Mapping[str, float]
    pressures: Mapping[str, float]
    full: Full | None
    sizes: bytes  # of its containers; capacity/fitting.py reads it

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard of it lately, and somebody should wonder why."""
        return self.is_stale and self.duty != Node.Duty.MAINTENANCE

    @property
    def heat(self) -> float:
        return max(self.pressures.values(), default=-1.0)


def fleet(
    view: str, *, limits: Mapping[str, float], now: datetime, sample_seconds: int, promises: bool = True
) -> list[NodeRow]:
    """Return every ready node as it stands; one query. Without promises those are left out, and their cost too."""
    kept = "standing__sizes" if promises else Value(0)
    shown = "standing__week" if view == "week" else "standing__now"
    promised = _text("standing__promised") if promises or view == "promised" else Value("null")
    tables = (_text(shown), _text("standing__total"), promised, _text("standing__full_in_days"))
    nodes = Node.objects.filter(state=Node.State.READY).order_by("name")
    rows = list(nodes.values_list(*_COLUMNS, kept, *tables).iterator(chunk_size=5_000))
    fresh_since = now - timedelta(seconds=STALE_BEATS * sample_seconds)
    read = _read([row[-len(tables) :] for row in rows])
    return [_row(row, _Tables(*told), view, limits, fresh_since) for row, told in zip(rows, read, strict=True)]


def _text(column: str) -> Cast:
    return Cast(column, TextField())


def _read(texts: Sequence[Sequence[str | None]]) -> list[list[object]]:
    """Return what all of them hold, read in one go: one by one it takes longer than the query."""
    told = ",".join(f"[{','.join([text or 'null' for text in row])}]" for row in texts)
    read: list[list[object]] = json.loads(f"[{told}]")
    return read


class _Tables(NamedTuple):
    """What a standing holds as JSON."""

    use: object
    total: object
    promised: object
    full: object


def _row(
    row: Sequence[object], tables: _Tables, view: str, limits: Mapping[str, float], fresh_since: datetime
) -> NodeRow:
    pk, name, duty, link_mbps, sampled_at, missed, replayed_until, sizes = row[: len(_COLUMNS) + 1]
    total, promised, point = _table(tables.total), _table(tables.promised), _table(tables.use)
    used = {one.name: point[one.metric] for one in RESOURCES if one.metric in point}
    shares = _shares(promised if view == "promised" else used, total)
    pressures = {resource: share / limits[resource] for resource, share in shares.items()}
    if (traffic := _traffic_share(point, link_mbps)) is not None and view != "promised":
        shares["network"] = pressures["network"] = traffic
    return NodeRow(
        pk=int(str(pk)),
        name=str(name),
        duty=str(duty),
        sampled_at=sampled_at if isinstance(sampled_at, datetime) else None,
        is_stale=not isinstance(sampled_at, datetime) or sampled_at < fresh_since,
        missed=str(missed or ""),
        replayed_until=replayed_until if isinstance(replayed_until, datetime) else None,
        total=total,
        used=used,
        promised=promised,
        shares=shares,
        pressures=pressures,
        full=_soonest(tables.full if isinstance(tables.full, dict) else {}),
        sizes=bytes(sizes) if isinstance(sizes, bytes | memoryview) else b"",
    )


def _table(value: object) -> dict[str, float]:
    return value if isinstance(value, dict) else {}


def _shares(amounts: Amounts, total: Amounts) -> dict[str, float]:
    return {name: amount / total[name] for name, amount in amounts.items() if total.get(name)}


def _traffic_share(point: Point, link_mbps: object) -> float | None:
    """Return the busier direction's share of the link."""
    if not isinstance(link_mbps, int) or not link_mbps or "tx_bps" not in point:
        return None
    return max(point["tx_bps"], point.get("rx_bps", 0.0)) / (link_mbps * _BYTES_PER_MBIT)


def _soonest(full: Mapping[str, Sequence[float | None]]) -> Full | None:
    known = [(days[0], name, days) for name, days in full.items() if days and days[0] is not None]
    if not known:
        return None
    first, name, days = min(known, key=lambda one: (one[0], one[1]))
    return Full(resource=BY_NAME[name].title, days=first or 0.0, earliest=days[1], latest=days[2])


def ordered(rows: Sequence[NodeRow], sort: str) -> list[NodeRow]:
    """Return the rows hottest first, or by name, by one resource, or by when they will be full."""
    if sort == "name":
        return list(rows)
    if sort == "full":
        return sorted(rows, key=lambda row: (row.full.days if row.full else inf, row.name))
    if sort in BY_NAME or sort == "network":
        return sorted(rows, key=lambda row: (-row.pressures.get(sort, -1.0), row.name))
    return sorted(rows, key=lambda row: (-row.heat, row.name))
