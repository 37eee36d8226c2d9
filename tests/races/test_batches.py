"""Several workers look after several batches at the same moment."""

from __future__ import annotations

from functools import partial

import pytest
from django.conf import settings

from migrations_app.models import AuditLine, Batch, BatchItem, Migration
from migrations_app.usecases.advance_batch import advance_batch
from migrations_app.usecases.cancel_batch import cancel_batch
from migrations_app.usecases.start_batch import NotStartable, start_batch
from tests.batches.stage import Fleet, states
from tests.races.starting_line import all_at_once, raised

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("one_person_is_enough"),
]


def test_workers_together_never_exceed_a_cap(db: None) -> None:
    fleet = Fleet()
    batches = [fleet.begin(fleet.moves(6), most_at_once=2)]
    rows = [fleet.container(str(201 + number), "node-2") for number in range(6)]
    batches.append(fleet.begin([fleet.move(row, "node-3") for row in rows], most_at_once=2))
    tick = [partial(advance_batch, batch_id=batch.pk, now=fleet.now, settings=settings.OVZ) for batch in batches]
    for _ in range(12):
        assert raised(all_at_once(*tick * 3), AssertionError) == 0
        under_way = list(Migration.objects.under_way(fleet.now))
        assert len(under_way) == min(2, Migration.objects.active().count())
        for migration in under_way[:1]:
            fleet.end(migration)
    raised(all_at_once(*tick), AssertionError)
    assert BatchItem.objects.filter(state="done").count() == 12
    assert set(Batch.objects.values_list("state", flat=True)) == {"done"}


def test_a_batch_is_started_once(db: None) -> None:
    fleet = Fleet()
    batch = fleet.plan(fleet.moves(4))
    start = [
        partial(
            start_batch,
            batch=Batch.objects.get(pk=batch.pk),
            actor=fleet.actor,
            now=fleet.now,
            settings=settings.OVZ,
        )
        for _ in range(6)
    ]
    assert raised(all_at_once(*start), NotStartable) == 5
    assert Migration.objects.count() == 4
    assert AuditLine.objects.filter(verb="start_batch").count() == 1


def test_two_batches_of_the_same_containers_share_them_out(db: None) -> None:
    fleet = Fleet()
    rows = fleet.containers(6)
    batches = [fleet.plan([fleet.move(row, target) for row in rows]) for target in ("node-2", "node-3")]
    start = [
        partial(start_batch, batch=batch, actor=fleet.actor, now=fleet.now, settings=settings.OVZ) for batch in batches
    ]
    assert raised(all_at_once(*start), AssertionError) == 0
    assert Migration.objects.held().count() == 6
    for one, other in zip(*(states(batch) for batch in batches), strict=True):
        assert {one, other} == {"waiting", "skipped"}


def test_a_cancel_and_ticks_cross(db: None) -> None:
    """What was let go in time goes on, everything else is given up; nothing is left held."""
    fleet = Fleet()
    batch = fleet.begin(fleet.moves(6), most_at_once=2)
    tick = partial(advance_batch, batch_id=batch.pk, now=fleet.now, settings=settings.OVZ)
    cancel = partial(
        cancel_batch,
        batch=Batch.objects.get(pk=batch.pk),
        actor=fleet.actor,
        now=fleet.now,
        settings=settings.OVZ,
    )
    assert raised(all_at_once(tick, cancel, tick), AssertionError) == 0
    assert set(states(batch)) <= {"moving", "skipped"}
    assert states(batch).count("moving") in (0, 2)
    assert not Migration.objects.held().exists()
