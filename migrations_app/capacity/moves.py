"""How long a migration will take and freeze its container: from own history, and priors until there is some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Q, QuerySet

from migrations_app.capacity.rollup import percentile
from migrations_app.models import Migration, MoveForecast

Method = Migration.Method
# The history that is nearest to the move and long enough to be believed.
FEWEST_MOVES = {"pair": 3, "nodes": 4, "fleet": 5}
MOST_MOVES = 100
# What is believed before anything was measured, in parts of the prior: as if three moves had gone so.
_DOUBT: Final = (0.5, 1.0, 2.0)
_LOW, _MIDDLE, _HIGH = 10, 50, 90
_USUAL_MIB_PER_SECOND, _MIB_PER_SECOND_OF_MBIT = 100.0, 0.1
_UNKNOWN_SIZE_MIB = 10_240
# Everything that is not copying (looking, rehearsing, comparing), and how much longer than one straight copy it takes.
_OVERHEAD_SECONDS = {Method.LIVE: 30.0, Method.DUMP: 60.0, Method.STREAM: 45.0}
_COPIES = {Method.LIVE: 1.2, Method.DUMP: 4.0, Method.STREAM: 1.3}
_FREEZE_SECONDS = {Method.LIVE: 1.0, Method.DUMP: 2.5, Method.STREAM: 2.5}


@dataclass(frozen=True, kw_only=True)
class Prior:
    seconds: float
    freeze_seconds: float


@dataclass(frozen=True, kw_only=True)
class Past:
    """How a finished move went, in parts of what its prior had said."""

    seconds: float
    freeze_seconds: float | None


# By whose it is: the basis, the method, the nodes.
Histories = dict[tuple[str, str, tuple[int, ...]], list[Past]]


def foretell_all(migrations: Iterable[Migration], now: datetime) -> list[MoveForecast]:
    """Return what to expect of many, which need not be saved; whose history is one is read once."""
    known: Histories = {}
    return [foretell(migration, now, known) for migration in migrations]


def foretell(migration: Migration, now: datetime, known: Histories | None = None) -> MoveForecast:
    """Return what to expect of a migration, not yet saved. ``known``: histories read before, filled on the way."""
    basis, history = _history(migration, {} if known is None else known)
    prior = _prior(migration)
    seconds = _scaled(prior.seconds, [past.seconds for past in history])
    freeze = _scaled(prior.freeze_seconds, [past.freeze_seconds for past in history if past.freeze_seconds is not None])
    return MoveForecast(
        migration=migration,
        made_at=now,
        basis=basis,
        known_moves=len(history),
        size_mib=migration.container.disk_used_mib,
        seconds_low=seconds[0],
        seconds=seconds[1],
        seconds_high=seconds[2],
        freeze_seconds_low=freeze[0],
        freeze_seconds=freeze[1],
        freeze_seconds_high=freeze[2],
    )


def _scaled(prior: float, parts: Sequence[float]) -> tuple[float, float, float]:
    known = [*parts, *_DOUBT]
    low, middle, high = (percentile(known, percent) * prior for percent in (_LOW, _MIDDLE, _HIGH))
    return round(low, 2), round(middle, 2), round(high, 2)


def _prior(migration: Migration) -> Prior:
    container = migration.container
    method = Method.STREAM if migration.method == Method.AUTO else Method(migration.method)
    speed = _speed(migration)
    size_mib = container.disk_used_mib or _UNKNOWN_SIZE_MIB
    freeze_seconds = _FREEZE_SECONDS[method]
    if method == Method.LIVE:
        freeze_seconds += (container.memory_held_mib or 0) / speed
    return Prior(seconds=_OVERHEAD_SECONDS[method] + size_mib * _COPIES[method] / speed, freeze_seconds=freeze_seconds)


def _speed(migration: Migration) -> float:
    """Return MiB per second: a tenth of the slower link's Mbit/s, what is usual at most, and no more than the cap."""
    links = [
        node.link_mbps * _MIB_PER_SECOND_OF_MBIT for node in (migration.source, migration.target) if node.link_mbps
    ]
    capped = [migration.bandwidth_limit_kib / 1024] if migration.bandwidth_limit_kib else []
    return max(0.05, min([_USUAL_MIB_PER_SECOND, *links, *capped]))


def _history(migration: Migration, known: Histories) -> tuple[str, list[Past]]:
    """Return whose history counts, and that history."""
    ends = (migration.source_id, migration.target_id)
    pair = Q(source=ends[0], target=ends[1])
    for basis, moves, whose in (
        ("pair", pair, ends),
        ("nodes", Q(source__in=ends) | Q(target__in=ends), tuple(sorted(ends))),
        ("fleet", Q(), ()),
    ):
        key = (basis, migration.method, whose)
        if key not in known:
            known[key] = list(_pasts(_finished(migration).filter(moves)[:MOST_MOVES]))
        if len(known[key]) >= FEWEST_MOVES[basis]:
            return basis, known[key]
    return "prior", []


def _finished(migration: Migration) -> QuerySet[Migration]:
    wanted = (
        Q(method=migration.method) if migration.method != Method.AUTO else Q(method__in=[Method.LIVE, Method.STREAM])
    )
    done = Q(state__in=(Migration.State.DONE, Migration.State.RETIRING), started_at__isnull=False)
    rows = Migration.objects.filter(wanted, done, finished_at__gt=F("started_at"))
    return rows.select_related("container", "source", "target").order_by("-finished_at")


def _pasts(migrations: Iterable[Migration]) -> Iterable[Past]:
    for one in migrations:
        prior = _prior(one)
        if one.started_at and one.finished_at:
            freeze = one.freeze_seconds / prior.freeze_seconds if one.freeze_seconds is not None else None
            yield Past(
                seconds=(one.finished_at - one.started_at).total_seconds() / prior.seconds, freeze_seconds=freeze
            )
