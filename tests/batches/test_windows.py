"""Windows and freeze periods: when moves of a batch begin, and when one that was not done goes on."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from migrations_app.models import Batch, FreezePeriod, Migration
from migrations_app.usecases.add_freeze_period import add_freeze_period
from migrations_app.usecases.remove_freeze_period import remove_freeze_period
from tests.batches.stage import Fleet, states, whys
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

NIGHT = {"opens_at": time(22), "closes_at": time(4), "time_zone": "Europe/Berlin"}
# The fleet's clock stands at 11:00 in Berlin.
OPENS = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nights_pass_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migrations_app.usecases.advance_batch.QUIET_BEAT", timedelta(hours=12))


def begun(fleet: Fleet) -> list[datetime]:
    rows = Migration.objects.filter(started_at__isnull=False).order_by("started_at")
    return [at for at in rows.values_list("started_at", flat=True) if at is not None]


def test_nothing_begins_before_the_window_opens(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3), **NIGHT)
    planned = set(Migration.objects.values_list("not_before", "window_ends_at"))
    assert planned == {(OPENS, OPENS + timedelta(hours=6))}
    fleet.tick(batch)
    assert whys(batch)[0] == "Waits for its window, which opens at 2026-03-02 21:00 UTC."
    fleet.run()
    assert begun(fleet) == [OPENS] * 3
    assert {row.window_ends_at for row in Migration.objects.all()} == {OPENS + timedelta(hours=6)}


def test_it_waits_for_the_earliest_moment_too(fleet: Fleet) -> None:
    fleet.begin(fleet.moves(1), not_before=OPENS + timedelta(days=2, hours=1), **NIGHT)
    fleet.run()
    assert begun(fleet) == [OPENS + timedelta(days=2, hours=1)]


def test_one_that_would_not_be_done_in_time_waits_for_the_next_window(fleet: Fleet) -> None:
    fleet.clock.set(OPENS + timedelta(hours=5, minutes=50))
    long = fleet.container("101", disk_used_mib=60_000)  # forecast: about 14 minutes
    batch = fleet.begin([fleet.move(long, "node-2"), fleet.move(fleet.container("102"), "node-2")], **NIGHT)
    fleet.run()
    assert fleet.order == ["102", "101"]
    assert begun(fleet)[1] == OPENS + timedelta(days=1)
    assert states(batch) == ["done", "done"]


def test_one_that_is_longer_than_any_window_begins_all_the_same(fleet: Fleet) -> None:
    fleet.clock.set(OPENS + timedelta(hours=1))
    fleet.begin([fleet.move(fleet.container("101", disk_used_mib=4_000_000), "node-2")], **NIGHT)
    fleet.run()
    assert begun(fleet) == [OPENS + timedelta(hours=1)]


def test_what_the_window_closed_on_goes_on_in_the_next(fleet: Fleet) -> None:
    fleet.clock.set(OPENS + timedelta(hours=5, minutes=59))
    fleet.seconds["101"] = 7200
    batch = fleet.begin(fleet.moves(1), **NIGHT)
    fleet.run(until=lambda: Migration.objects.filter(state="parked").exists())
    fleet.tick(batch)
    assert (batch.state, states(batch)) == (Batch.State.RUNNING, ["moving"])
    assert whys(batch) == ["WindowClosed: closed"]
    fleet.run()
    migration = Migration.objects.get()
    assert (migration.state, migration.failure) == ("done", "")
    assert migration.finished_at == OPENS + timedelta(days=1)
    assert migration.window_ends_at == OPENS + timedelta(days=1, hours=6)
    assert states(batch) == ["done"]


def test_the_window_keeps_to_the_wall_when_the_clock_is_put_forward(fleet: Fleet) -> None:
    fleet.clock.set(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))
    fleet.seconds["101"] = 7200
    fleet.begin(fleet.moves(1), opens_at=time(1), closes_at=time(2, 30), time_zone="Europe/Berlin")
    fleet.run()
    migration = Migration.objects.get()
    # On the 29th there is no half past two: it closes when the clock jumps over it.
    assert migration.window_ends_at == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)
    assert migration.started_at == datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert migration.finished_at == datetime(2026, 3, 29, 23, 0, tzinfo=UTC)  # one o'clock again, in summer time


@pytest.mark.parametrize("scope", ["everywhere", "source", "target", "customer"])
def test_nothing_that_it_concerns_begins_in_a_freeze_period(fleet: Fleet, scope: str) -> None:
    shop = make_customer()
    scopes = {
        "everywhere": {},
        "source": {"node": fleet.rows["node-1"]},
        "target": {"node": fleet.rows["node-2"]},
        "customer": {"customer": shop},
    }
    ends = fleet.now + timedelta(hours=3)
    add_freeze_period(name="sale", starts_at=fleet.now, ends_at=ends, actor=None, now=fleet.now, **scopes[scope])
    unconcerned = fleet.move(fleet.container("301", "node-3"), "node-1" if scope == "target" else "node-2")
    batch = fleet.begin([fleet.move(fleet.container("101", owner=shop), "node-2"), unconcerned])
    fleet.run()
    assert states(batch) == ["done", "done"]
    times = begun(fleet)
    assert times[-1] == ends
    assert (times[0] == ends) == (scope == "everywhere")


def test_a_freeze_period_that_is_named_meanwhile_holds_and_one_removed_lets_go(fleet: Fleet) -> None:
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    fleet.tick(batch)
    period = add_freeze_period(
        name="incident", starts_at=fleet.now, ends_at=fleet.now + timedelta(days=1), actor=None, now=fleet.now
    )
    fleet.run_for(120)
    assert states(batch) == ["done", "waiting", "waiting"]
    remove_freeze_period(period=period, actor=None, now=fleet.now)
    removed_at = fleet.now
    fleet.run()
    assert begun(fleet)[1] == removed_at
    assert not FreezePeriod.objects.exists()


def test_a_freeze_period_ends_the_time_of_what_has_begun_before(fleet: Fleet) -> None:
    starts = fleet.now + timedelta(hours=1)
    add_freeze_period(name="sale", starts_at=starts, ends_at=starts + timedelta(hours=2), actor=None, now=fleet.now)
    fleet.begin(fleet.moves(1))
    fleet.run()
    assert Migration.objects.get().window_ends_at == starts


def test_planned_times_follow_what_really_happens(fleet: Fleet) -> None:
    fleet.seconds["101"] = 400
    batch = fleet.begin(fleet.moves(3), most_at_once=1)
    said = batch.items.all()[2].planned_from
    assert said is not None
    fleet.run(until=lambda: "102" in fleet.order)
    fleet.tick(batch)
    item = batch.items.select_related("migration").all()[2]
    assert item.planned_from is not None
    assert item.planned_from - said > timedelta(minutes=5)
    assert item.migration is not None
    assert item.migration.not_before == item.planned_from
