"""Freeze periods: named, taken back, and obeyed by what people schedule by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, Batch, FreezePeriod
from migrations_app.usecases.add_freeze_period import FreezePeriodRefused, add_freeze_period
from migrations_app.usecases.remove_freeze_period import remove_freeze_period
from tests.factories import make_customer, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def add(**given: Any) -> FreezePeriod:
    plain = {"name": "sale", "starts_at": START, "ends_at": START + HOUR, "actor": None, "now": START}
    return add_freeze_period(**plain | given)


def test_it_is_written_down_with_who_named_it(ada: User) -> None:
    node = make_node()
    period = add(node=node, actor=ada)
    assert (period.node, period.customer, period.created_by, period.created_at) == (node, None, ada, START)
    assert AuditLine.objects.get().verb == "add_freeze_period"


def test_batches_hear_of_it_at_once() -> None:
    batch = Batch.objects.create(
        name="b", state="running", created_at=START, freeze_budget_seconds=5, next_tick_at=START + HOUR
    )
    period = add()
    batch.refresh_from_db()
    assert batch.next_tick_at == START
    Batch.objects.update(next_tick_at=START + HOUR)
    remove_freeze_period(period=period, actor=None, now=START)
    batch.refresh_from_db()
    assert batch.next_tick_at == START


def test_it_can_be_removed_twice(ada: User) -> None:
    period = add()
    for _ in range(2):
        remove_freeze_period(period=period, actor=ada, now=START)
    assert not FreezePeriod.objects.exists()
    assert AuditLine.objects.filter(verb="remove_freeze_period").count() == 1


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 121}, ["name"]),
        ({"ends_at": START}, ["ends_at"]),
        ({"starts_at": START - 2 * HOUR, "ends_at": START - HOUR}, ["ends_at"]),
        ({"ends_at": START + timedelta(days=400)}, ["ends_at"]),
        ({"name": "", "ends_at": START - HOUR}, ["name", "ends_at"]),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(FreezePeriodRefused) as refusal:
        add(**given)
    assert [field for field, _ in refusal.value.objections] == fields
    assert not FreezePeriod.objects.exists()


def test_it_is_a_nodes_or_a_customers() -> None:
    with pytest.raises(FreezePeriodRefused, match="make two"):
        add(node=make_node(), customer=make_customer())
