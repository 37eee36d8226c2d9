"""Planning a batch: what is written down, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Batch, Container, Migration, Node
from migrations_app.usecases.plan_batch import BatchRefused, BatchTerms, PlannedMove, plan_batch
from tests.factories import make_container, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db


@pytest.fixture
def home() -> Node:
    return make_node(name="home")


@pytest.fixture
def away() -> Node:
    return make_node(name="away")


def plan(*moves: PlannedMove, actor: User | None = None, name: str = "Empty home", **terms: Any) -> Batch:
    return plan_batch(name=name, moves=moves, terms=BatchTerms(**terms), actor=actor, now=START, settings=settings.OVZ)


def refused(*moves: PlannedMove, name: str = "Empty home", **terms: Any) -> list[tuple[str, str]]:
    with pytest.raises(BatchRefused) as refusal:
        plan(*moves, name=name, **terms)
    assert not Batch.objects.exists()
    return refusal.value.objections


def container(home: Node, ctid: str, **columns: Any) -> Container:
    return make_container(node=home, ctid=ctid, hostname="", **columns)


def test_it_is_a_draft_that_binds_nothing(home: Node, away: Node, ada: User) -> None:
    batch = plan(PlannedMove(container=container(home, "101"), target=away), actor=ada)
    assert (batch.state, batch.next_tick_at, batch.created_by) == (Batch.State.DRAFT, None, ada)
    assert not Migration.objects.exists()
    assert batch.freeze_budget_seconds == settings.OVZ["freeze_budget_seconds"]
    assert AuditLine.objects.get().verb == "plan_batch"


def test_each_move_knows_where_it_begins_what_it_costs_and_when_it_is_its_turn(home: Node, away: Node) -> None:
    row, third = container(home, "101", disk_used_mib=10_000), make_node(name="third")
    batch = plan(
        PlannedMove(container=row, target=away, parks=True, reason="to make room", method="stream"),
        PlannedMove(container=row, target=third, after=(0, 0), move_bytes=7, method="stream"),
        canaries=0,
    )
    first, second = batch.items.select_related("source", "target").all()
    assert (first.source, first.target, second.source, second.target) == (home, away, away, third)
    assert (first.parks, first.reason, second.after) == (True, "to make room", [0])
    assert (first.bytes_forecast, second.bytes_forecast) == (10_000 * 1_048_576, 7)
    assert first.seconds_forecast == 175.0
    assert (first.planned_from, second.planned_from) == (START, START + timedelta(seconds=175))


def test_canaries_are_the_smallest_that_may_go_first(home: Node, away: Node) -> None:
    sizes = {"101": 500, "102": 1, "103": 2, "104": 3, "105": 900}
    rows = {ctid: container(home, ctid, disk_used_mib=size) for ctid, size in sizes.items()}
    afters = {"102": (0,)}
    moves = [PlannedMove(container=row, target=away, after=afters.get(ctid, ())) for ctid, row in rows.items()]
    batch = plan(*moves, canaries=2)
    assert set(batch.items.filter(is_canary=True).values_list("container__ctid", flat=True)) == {"103", "104"}


def test_the_forecast_reads_each_history_once(home: Node, away: Node, django_assert_max_num_queries: Any) -> None:
    moves = [PlannedMove(container=container(home, str(101 + n)), target=away) for n in range(40)]
    with django_assert_max_num_queries(20):
        plan(*moves)


def test_a_deadline_that_cannot_be_met_is_no_reason_to_refuse(home: Node, away: Node) -> None:
    row = container(home, "101", disk_used_mib=1_000_000)
    batch = plan(PlannedMove(container=row, target=away), deadline=START + timedelta(minutes=1))
    assert batch.items.get().planned_until > batch.deadline


def test_all_that_is_wrong_with_moves_is_said_at_once(home: Node, away: Node) -> None:
    gone = container(home, "101", gone_at=START)
    pinned = container(home, "102", pinned=True)
    well = container(home, "103")
    new = make_node(name="new", state=Node.State.NEW)
    drained = make_node(name="drained", duty=Node.Duty.DRAINING)
    reasons = refused(
        PlannedMove(container=gone, target=away),
        PlannedMove(container=pinned, target=away),
        PlannedMove(container=well, target=home),
        PlannedMove(container=container(home, "104"), target=new),
        PlannedMove(container=container(home, "105"), target=drained),
        PlannedMove(container=container(home, "106"), target=away, method="teleport"),
        PlannedMove(container=container(home, "107"), target=away, after=(7,)),
        PlannedMove(container=container(home, "108"), target=away, after=(7,)),
    )
    assert reasons == [
        ("moves", "101 was not seen on home at the last scan."),
        ("moves", "102 is pinned to home: unpin it, or leave it out."),
        ("moves", "103 is on home already."),
        ("moves", "new is not ready: asking for its host key."),
        ("moves", "drained is out of service (draining): choose another node for 105."),
        ("moves", "106: choose live, dump, stream or auto."),
        ("moves", "107 is to wait for a move that does not come before it."),
        ("moves", "108 is to wait for a move that does not come before it."),
    ]


def test_nothing_to_move_and_no_name_are_refused() -> None:
    assert [field for field, _ in refused(name="  ")] == ["name", "moves"]
    assert [field for field, _ in refused(name="x" * 121)] == ["name", "moves"]


@pytest.mark.parametrize(
    ("terms", "fields"),
    [
        ({"most_at_once": 0, "most_per_node": 501}, ["most_at_once", "most_per_node"]),
        ({"most_per_link": -1, "most_per_customer": 0}, ["most_per_link", "most_per_customer"]),
        ({"canaries": -1}, ["canaries"]),
        ({"freeze_budget_seconds": 0.0}, ["freeze_budget_seconds"]),
        ({"freeze_budget_seconds": float("nan")}, ["freeze_budget_seconds"]),
        ({"bandwidth_limit_kib": 1}, ["bandwidth_limit_kib"]),
        ({"opens_at": time(22), "closes_at": time(22), "canaries": 999}, ["closes_at", "canaries"]),
        ({"time_zone": "Nowhere/There"}, ["time_zone"]),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(
    home: Node, away: Node, terms: dict[str, Any], fields: list[str]
) -> None:
    move = PlannedMove(container=container(home, "101"), target=away)
    assert [field for field, _ in refused(move, **terms)] == fields


def test_terms_are_those_of_the_batch(home: Node, away: Node) -> None:
    given = BatchTerms(weekdays=(6, 0, 6), opens_at=time(22), closes_at=time(4), time_zone="Europe/Berlin", canaries=0)
    move = PlannedMove(container=container(home, "101"), target=away)
    batch = plan_batch(
        name=" x ", moves=[move], terms=replace(given, rehearse=False), actor=None, now=START, settings=settings.OVZ
    )
    batch.refresh_from_db()
    assert (batch.name, batch.weekdays, batch.opens_at, batch.rehearse) == ("x", [0, 6], time(22), False)
