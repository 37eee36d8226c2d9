"""Kill the worker before every write of every tick: the batch ends as if nobody had been killed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from migrations_app.models import AuditLine, Batch, Container, Customer, Migration, Node, Notice
from migrations_app.usecases.cancel_batch import cancel_batch
from migrations_app.usecases.start_batch import NotStartable, start_batch
from tests.batches.stage import Fleet, places, states, whys
from tests.factories import make_customer
from tests.fakes.world import SimulatedKill

pytestmark = pytest.mark.django_db

NEVER = 10**9
Play = Callable[[Fleet, Batch], None]


def _to_the_end(fleet: Fleet, batch: Batch) -> None:
    fleet.run()


def _cancelled_half_way(fleet: Fleet, batch: Batch) -> None:
    fleet.run(until=lambda: len(fleet.order) > 1)
    cancel_batch(batch=batch, actor=fleet.actor, now=fleet.now, settings=settings.OVZ)
    fleet.run()


@pytest.mark.parametrize("play", [_to_the_end, _cancelled_half_way])
def test_it_ends_as_if_nobody_had_been_killed(play: Play) -> None:
    undisturbed, _ = _run(play, NEVER)
    for moment in itertools.count(1):
        end, killed = _run(play, moment)
        if not killed:
            break
        assert end == undisturbed, f"killed at write {moment}"
    assert moment > 40


def _run(play: Play, kill_at: int) -> tuple[dict[str, Any], bool]:
    for model in (Notice, Batch, Migration, Container, Node, AuditLine, Customer, User):
        model.objects.all().delete()
    fleet = Fleet()
    owner = make_customer()
    rows = [fleet.container(str(101 + number), owner=owner) for number in range(3)]
    fleet.seconds = dict.fromkeys(("101", "102", "103"), 1.0)
    fleet.ends["102"] = {"state": "rolled_back", "failure": "Blocked", "failure_detail": "no room"}
    moves = [fleet.move(row, "node-2", after=after) for row, after in zip(rows, ((), (), (1,)), strict=True)]
    moves.append(fleet.move(rows[0], "node-3"))
    batch = fleet.plan(moves, canaries=1)
    killed = False
    try:
        with _dying_at_write(kill_at, fleet):
            _start(fleet, batch)
            play(fleet, batch)
    except SimulatedKill:
        killed = True
        _start(fleet, batch)
        play(fleet, batch)
    return _facts(batch, rows), killed


def _start(fleet: Fleet, batch: Batch) -> None:
    """A person whose click went unanswered clicks again."""
    try:
        start_batch(batch=batch, actor=fleet.actor, now=fleet.now, settings=settings.OVZ)
    except NotStartable:
        return


@contextmanager
def _dying_at_write(number: int, fleet: Fleet) -> Iterator[None]:
    """Count what the worker writes; what the pretend migrations write of themselves is not the worker's."""
    writes = itertools.count(1)
    engine = fleet.advance
    apart = [False]

    def around(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not apart[0] and sql.startswith(("UPDATE", "INSERT", "DELETE")) and next(writes) == number:
            raise SimulatedKill
        return execute(sql, params, many, context)

    def engine_apart(migration: Migration) -> None:
        apart[0] = True
        engine(migration)
        apart[0] = False

    fleet.advance = engine_apart
    with connection.execute_wrapper(around):
        yield


def _facts(batch: Batch, rows: list[Container]) -> dict[str, Any]:
    batch.refresh_from_db()
    return {
        "batch": (batch.state, batch.failure, batch.next_tick_at, batch.finished_at is not None),
        "items": list(zip(states(batch), whys(batch), strict=True)),
        "places": places(rows),
        "migrations": sorted(Migration.objects.values_list("ctid", "target__name", "state", "next_tick_at")),
        "notices": sorted(Notice.objects.values_list("migration__ctid", "kind")),
        "audit": sorted(AuditLine.objects.exclude(verb="schedule").values_list("verb", flat=True)),
    }
