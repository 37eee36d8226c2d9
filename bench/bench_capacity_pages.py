"""What the pages of capacity take at the server with a large fleet: 2,000 nodes, 100,000 containers, 13 months.

`make bench-capacity_pages`, or `python -m bench.bench_capacity_pages --nodes 2000 --containers 100000 --rounds 40`
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import random
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.postgres.server import server

MOST_MILLISECONDS, MOST_QUERIES = 300.0, 20
MONTHS = 13
# So many different histories are made and dealt out: what a row holds changes nothing in how it is found.
PATTERNS = 24
FINE_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class Measured:
    page: str
    queries: int
    kib: int
    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float  # of this process alone: what is left of it on a machine that others use too


def main(argv: Sequence[str] | None = None) -> int:
    options = _read_options(argv)
    with server() as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "ovzpanel.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        seconds = _fill(options)
        pages = [_measure(name, path, options.rounds) for name, path in _pages(options)]
        held = all(page.p95_ms <= MOST_MILLISECONDS and page.queries <= MOST_QUERIES for page in pages)
        _print_table(pages)
        told = {"bench": "capacity_pages", "nodes": options.nodes, "containers": options.containers, "months": MONTHS}
        size = {"hour_months": options.hour_months, "database_mib": _database_mib(), "filled_s": round(seconds, 1)}
        print(json.dumps({**told, **size, "pages": [asdict(page) for page in pages], "held": held}))
        _close()
    return 0 if held else 1


def _read_options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bench_capacity_pages", description=__doc__)
    parser.add_argument("--nodes", type=int, default=2_000)
    parser.add_argument("--containers", type=int, default=100_000)
    parser.add_argument("--hour-months", type=int, default=1, help="months of hourly rows; 13 take about 60 GiB")
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is asked for")
    return parser.parse_args(argv)


# Filling


def _fill(options: argparse.Namespace) -> float:
    from django.contrib.auth.models import User

    began = time.monotonic()
    User.objects.create_user("ada", "ada@panel.example", "not used", is_staff=True)
    _fill_inventory(options)
    _fill_readings()
    _execute("ALTER TABLE migrations_app_chunk SET UNLOGGED")  # filled in half the time, read just the same
    for kind, count in ((1, options.nodes), (2, options.containers)):
        for grain, months in ((3, MONTHS), (2, options.hour_months), (1, 0)):
            _fill_chunks(kind, count, grain, months)
    _execute("VACUUM ANALYZE")
    return time.monotonic() - began


def _fill_inventory(options: argparse.Namespace) -> None:
    from tests.factories import make_container, make_node

    node = make_node()
    container = make_container(node=node)
    _multiply("migrations_app_node", node.pk, options.nodes, name="'node-' || n", address="'n' || n || '.example'")
    _multiply(
        "migrations_app_container",
        container.pk,
        options.containers,
        ct_number="(100 + n)::text",
        hostname="'ct' || n || '.example.net'",
        node_id=f"1 + n % {options.nodes}",
    )


def _multiply(table: str, pk: int, count: int, **columns: str) -> None:
    """Copy one row many times over, each with its own key and the columns that must differ; the one goes."""
    from django.db import connection

    with connection.cursor() as cursor:
        names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        values = ", ".join("n" if name == "id" else columns.get(name, f'old."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f"UPDATE {table} SET id = -1 WHERE id = %s", [pk]) if table.endswith("container") else None
        keep = -1 if table.endswith("container") else pk
        cursor.execute(
            f"INSERT INTO {table} ({quoted}) SELECT {values} FROM {table} old, generate_series(1, {count}) n "
            f"WHERE old.id = {keep} ON CONFLICT DO NOTHING"
        )
        cursor.execute(f"DELETE FROM {table} WHERE id < 0")


def _fill_readings() -> None:
    """Let every node have stood somewhere, and sampled for the last hour."""
    from migrations_app.capacity.spans import hour_of
    from migrations_app.models import Node, Standing

    chance, now = random.Random(1), datetime.now(UTC)
    Standing.objects.bulk_create(
        [
            Standing(node_id=pk, **_standing(chance), sampled_at=now, rolled_up_until=hour_of(now))
            for pk in Node.objects.values_list("pk", flat=True)
        ],
        batch_size=500,
    )
    for node_id in Node.objects.order_by("pk").values_list("pk", flat=True)[:100]:
        _sample(node_id, now)


def _sample(node_id: int, now: datetime) -> None:
    from migrations_app.capacity.packing import pack_reading
    from migrations_app.models import Container, Reading

    rows = dict(Container.objects.filter(node_id=node_id).values_list("ctid", "pk"))
    moments = [now - timedelta(minutes=5 * number) for number in range(24)]
    Reading.objects.bulk_create(
        [Reading(node_id=node_id, at=at, body=pack_reading(_use(rows, at), rows)) for at in moments]
    )


def _use(rows: dict[str, int], at: datetime) -> Any:
    from migrations_app.vz.facts import ContainerUse, NodeUse

    up = int(at.timestamp()) % 100_000_000
    of_container = {"cpu_ticks": up * 10, "uptime_ticks": up * 1000, "rx_bytes": up, "tx_bytes": up, "fail_count": 0}
    amounts = {"memory_kib": 2**19, "memory_limit_kib": 2**20, "disk_kib": 2**23, "disk_limit_kib": 2**24}
    return NodeUse(
        at=at.timestamp(),
        uptime_seconds=float(up),
        processors=32,
        busy_ticks=up * 900,
        all_ticks=up * 3200,
        load_1m=4.2,
        memory_total_kib=2**28,
        memory_available_kib=2**27,
        swap_total_kib=0,
        swap_free_kib=0,
        disk_total_kib=2**33,
        disk_free_kib=2**32,
        inodes_total=2**28,
        inodes_free=2**27,
        rx_bytes=up * 1000,
        tx_bytes=up * 2000,
        containers=tuple(
            ContainerUse(ctid=ctid, status="running", inodes=50_000, **of_container, **amounts) for ctid in rows
        ),
    )


def _standing(chance: random.Random) -> dict[str, Any]:
    total = {"cpu": 32, "memory": 262_144, "disk": 8_388_608, "inodes": 268_435_456}
    use = {
        "cpu_cores": chance.uniform(1, 32),
        "memory_mib": chance.uniform(20_000, 250_000),
        "disk_mib": chance.uniform(500_000, 8_000_000),
        "inodes": chance.uniform(1e6, 2e8),
        "rx_bps": 1e6,
        "tx_bps": chance.uniform(1e5, 1e8),
    }
    full = {"memory": [chance.uniform(1, 700), 5.0, None], "disk": [chance.uniform(9, 700), 8.0, 600.0]}
    promised = {name: amount * 1.1 for name, amount in total.items()}
    kept = {"now": use, "week": use, "total": total, "promised": promised, "full_in_days": full}
    return kept | {"sizes": _sizes(chance)}


def _sizes(chance: random.Random) -> bytes:
    """Return fifty containers, what they use and what they are promised."""
    from migrations_app.capacity import fitting

    amounts = ((chance.uniform(0.1, 2), chance.uniform(500, 8_000), chance.uniform(5e3, 8e4)) for _ in range(50))
    return fitting.VERSION + array("f", [part * one for of in amounts for part in (1, 2) for one in of]).tobytes()


def _fill_chunks(kind: int, count: int, grain: int, months: int) -> None:
    """Deal the patterns out to every subject, inside the server."""
    for starts_on in _starts(grain, months):
        for number in range(PATTERNS):
            body = _pattern(kind, grain, starts_on, seed=number)
            _execute(
                "INSERT INTO migrations_app_chunk (kind, subject, grain, starts_on, body) "
                f"SELECT %s, n, %s, %s, %s FROM generate_series({number + 1}, %s, {PATTERNS}) n",
                [kind, grain, starts_on, body, count],
            )
        print(f"filled {count} rows of kind {kind}, grain {grain}, {starts_on}", file=sys.stderr, flush=True)


def _starts(grain: int, months: int) -> Iterator[date]:
    from migrations_app.capacity.spans import Grain, spans_between

    now = datetime.now(UTC)
    since = now - timedelta(days=FINE_DAYS if grain == 1 else months * 30.5)
    yield from (span.starts_on for span in spans_between(Grain(grain), since, now))


def _pattern(kind: int, grain: int, starts_on: date, *, seed: int) -> bytes:
    from migrations_app.capacity import chunks
    from migrations_app.capacity.spans import Grain, span_at

    span = span_at(Grain(grain), starts_on)
    grid = chunks.empty(chunks.Kind(kind), span)
    chance = random.Random(seed)
    known = min(span.slots, max(0, span.slot_of(datetime.now(UTC))))
    for place, metric in enumerate(grid.metrics):
        line = [10.0 ** (place % 5) * (1.5 + math.sin(slot / 4)) * chance.uniform(0.8, 1.2) for slot in range(known)]
        gaps = [math.nan] * (span.slots - known)
        for statistic, part in (("min", 0.8), ("mean", 1.0), ("max", 1.4), ("p95", 1.2)):
            grid.put_column(metric, statistic, [number * part for number in line] + gaps)
    return grid.pack()


def _execute(statement: str, values: Sequence[Any] = ()) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)


def _database_mib() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()) / 1048576")
        return int(cursor.fetchone()[0])


def _close() -> None:
    from django.db import connection

    connection.close()


# Measuring


def _pages(options: argparse.Namespace) -> list[tuple[str, Callable[[int], str]]]:
    nodes, containers = min(100, int(options.nodes)), int(options.containers)

    def node(number: int) -> int:
        return 1 + number * 7 % nodes

    def container(number: int) -> int:
        return 1 + number * 7_919 % containers

    return [
        ("fleet", lambda number: f"/capacity/?page={1 + number % 20}"),
        ("fleet, week, what fits", lambda number: "/capacity/?show=week&cpu=2&memory=4&disk=40"),
        ("node", lambda number: f"/nodes/{node(number)}/"),
        ("node, 13 months", lambda number: f"/nodes/{node(number)}/?range=year"),
        ("node numbers, 13 months", lambda number: f"/nodes/{node(number)}/use.json?range=year"),
        ("container, 13 months", lambda number: f"/containers/{container(number)}/?range=year"),
        ("container graph, 13 months", lambda number: f"/containers/{container(number)}/use/?range=year"),
        ("container numbers, 13 months", lambda number: f"/containers/{container(number)}/use.json?range=year"),
        ("container graph, month by hours", lambda number: f"/containers/{container(number)}/use/?range=month"),
        ("container graph, day", lambda number: f"/containers/{container(number)}/use/?range=day"),
        ("forecasts", lambda number: "/capacity/forecasts/"),
    ]


def _measure(name: str, path: Callable[[int], str], rounds: int) -> Measured:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(User.objects.get(username="ada"))
    with CaptureQueriesContext(connection) as queries:
        kib = len(_get(client, path(0))) // 1024
    count = len(queries)  # the next request forgets them
    taken: list[float] = []
    worked: list[float] = []
    for number in range(1, rounds + 1):
        with _stopwatch(taken, time.perf_counter), _stopwatch(worked, time.process_time):
            _get(client, path(number))
    return Measured(
        page=name,
        queries=count,
        kib=kib,
        p50_ms=_percentile(taken, 50),
        p95_ms=_percentile(taken, 95),
        cpu_p95_ms=_percentile(worked, 95),
    )


def _percentile(numbers: Sequence[float], percent: float) -> float:
    return round(sorted(numbers)[max(0, math.ceil(len(numbers) * percent / 100) - 1)], 1)


def _get(client: Any, path: str) -> bytes:
    answer = client.get(path, headers={"host": "localhost"})
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return bytes(answer.content)


@contextmanager
def _stopwatch(taken: list[float], clock: Callable[[], float]) -> Iterator[None]:
    began = clock()
    yield
    taken.append((clock() - began) * 1000)


def _print_table(pages: Sequence[Measured]) -> None:
    out = io.StringIO()
    print(f"{'page':<34} {'queries':>7} {'KiB':>6} {'p50 ms':>8} {'p95 ms':>8} {'CPU p95 ms':>11}", file=out)
    for page in pages:
        numbers = f"{page.queries:>7} {page.kib:>6} {page.p50_ms:>8.1f} {page.p95_ms:>8.1f} {page.cpu_p95_ms:>11.1f}"
        print(f"{page.page:<34} {numbers}", file=out)
    print(f"at most {MOST_QUERIES} queries and {MOST_MILLISECONDS:.0f} ms", file=out)
    print(out.getvalue(), end="")


if __name__ == "__main__":
    sys.exit(main())
