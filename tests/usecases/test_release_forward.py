"""Ending the forward of an old address by a person's word."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from migrations_app.execution import forwards
from migrations_app.models import AuditLine, Migration, StepRun
from migrations_app.usecases.release_forward import NotForwarding, offered_for, release_forward
from tests.factories import make_migration
from tests.fakes.clock import START

LATER = START + timedelta(hours=2)


def forwarding(**overrides: object) -> Migration:
    migration = make_migration(
        state=Migration.State.RUNNING, new_addresses=["198.51.100.7"], old_addresses=["192.0.2.7"], **overrides
    )
    forwards.begin(migration.pk, old="192.0.2.7", new="198.51.100.7", kind="gre", now=START)
    return migration


def test_it_lets_the_engine_end_it_at_once(ada: User) -> None:
    migration = forwarding(next_tick_at=LATER + timedelta(seconds=20))
    release_forward(migration=migration, actor=ada, now=LATER)
    migration.refresh_from_db()
    assert (migration.forward_released_at, migration.next_tick_at) == (LATER, LATER)


def test_it_writes_down_who_did_it_and_how_many_still_came(ada: User) -> None:
    migration = forwarding()
    forwards.note(forwards.of(migration.pk)[0], counter=12, packets=60, callers=["203.0.113.9"], now=START)
    release_forward(migration=migration, actor=ada, now=LATER)
    line = AuditLine.objects.get()
    assert (line.verb, line.actor, line.detail) == ("release_forward", ada, {"new_connections": {"192.0.2.7": 12}})


@pytest.mark.parametrize("state", [Migration.State.DONE, Migration.State.PARKED])
def test_it_refuses_where_nobody_is_at_it(ada: User, state: str) -> None:
    migration = forwarding()
    Migration.objects.filter(pk=migration.pk).update(state=state)
    with pytest.raises(NotForwarding, match="passes no old address on"):
        release_forward(migration=migration, actor=ada, now=LATER)


@pytest.mark.parametrize(("step", "may"), [("forward", True), ("probe_outside", True), ("switch_names", False)])
def test_it_goes_on_from_where_only_the_old_address_is_missing(ada: User, step: str, may: bool) -> None:
    stuck = {"state": Migration.State.PARKED, "parked_from": Migration.State.RUNNING, "next_tick_at": None}
    migration = make_migration(new_addresses=["198.51.100.7"], old_addresses=["192.0.2.7"], **stuck)
    StepRun.objects.create(migration=migration, position=0, name=step, title=step, state=StepRun.State.FAILED)
    assert offered_for(migration) is may
    if may:
        release_forward(migration=migration, actor=ada, now=LATER)
    migration.refresh_from_db()
    assert (migration.state == Migration.State.RUNNING, migration.next_tick_at) == (may, LATER if may else None)
    assert migration.steps.get().state == ("pending" if may else "failed")


def test_it_refuses_where_nothing_is_passed_on(ada: User) -> None:
    with pytest.raises(NotForwarding):
        release_forward(migration=make_migration(state=Migration.State.RUNNING), actor=ada, now=LATER)
    assert not AuditLine.objects.exists()


def test_a_counter_that_begins_anew_loses_nothing(db: None) -> None:
    migration = forwarding()
    for counter in (5, 9, 2):
        forwards.note(forwards.of(migration.pk)[0], counter=counter, packets=counter, callers=[], now=LATER)
    assert forwards.of(migration.pk)[0].new_connections == 11
