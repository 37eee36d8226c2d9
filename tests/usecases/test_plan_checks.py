"""The night's choice of pairs, its budget, and what a person may order by day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.models import AuditLine, PairCheck, Round
from migrations_app.usecases.plan_checks import plan_checks, plan_checks_now
from tests.compatibility.test_matrix import make_result
from tests.factories import make_container, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

NIGHT = START.replace(hour=2, minute=0, second=5)
DAY = START.replace(hour=12)


def plan(now=NIGHT, **overrides: int) -> int:  # type: ignore[no-untyped-def]
    row, _ = Round.objects.get_or_create(name=Round.Name.PLAN_PAIRS)
    return plan_checks(round_id=row.pk, now=now, settings=settings.OVZ | overrides)


def fleet(count: int = 3) -> None:
    for _ in range(count):
        make_container(node=make_node())


def test_it_puts_all_pairs_of_a_small_fleet_in_line_and_has_them_begun() -> None:
    fleet()
    assert plan() == PairCheck.objects.filter(state="waiting").count() == 6
    assert Round.objects.get(name=Round.Name.PAIRS).next_at == NIGHT
    assert Round.objects.get(name=Round.Name.PLAN_PAIRS).next_at == NIGHT.replace(second=0) + timedelta(days=1)
    assert AuditLine.objects.filter(verb="plan_checks").count() == 1


def test_rung_twice_it_keeps_to_its_budget() -> None:
    fleet()
    assert plan(compatibility_per_night=4) == 4
    assert plan(compatibility_per_night=4) == 0


def test_by_day_it_plans_nothing_by_itself() -> None:
    fleet()
    assert plan(DAY) == 0
    assert Round.objects.get(name=Round.Name.PLAN_PAIRS).next_at == NIGHT.replace(second=0) + timedelta(days=1)


def test_a_person_may_have_all_checked_by_day_also_what_was_checked_just_now(ada: User) -> None:
    fleet(2)
    one, two = (check.pk for check in [*_nodes()])
    make_result(*_nodes(), "possible", at=DAY - timedelta(minutes=5))
    assert plan_checks_now(actor=ada, now=DAY, settings=settings.OVZ) == 2
    assert set(PairCheck.objects.filter(asked_by=ada).values_list("source", "target")) == {(one, two), (two, one)}
    assert plan_checks_now(actor=ada, now=DAY, settings=settings.OVZ) == 0


def test_by_night_what_was_checked_in_the_evening_is_left_alone() -> None:
    fleet(2)
    make_result(*_nodes(), "possible", at=NIGHT - timedelta(hours=5))
    assert plan() == 1


def test_nodes_in_maintenance_not_ready_or_without_a_running_container_are_not_chosen() -> None:
    make_container(node=make_node(duty="maintenance"))
    make_container(node=make_node(state="key_pinned"))
    source = make_container(node=make_node()).node
    target = make_container(node=make_node(), status="stopped").node
    assert plan() == 1
    check = PairCheck.objects.get()
    assert (check.source, check.target) == (source, target)


def test_results_past_their_time_are_taken_away() -> None:
    fleet(2)
    old = make_result(*_nodes(), "possible", at=NIGHT - timedelta(days=61))
    kept = make_result(*_nodes(), "possible", at=NIGHT - timedelta(days=59))
    plan()
    left = set(PairCheck.objects.filter(state="ended").values_list("pk", flat=True))
    assert (old.pk in left, kept.pk in left) == (False, True)


def _nodes():  # type: ignore[no-untyped-def]
    from migrations_app.models import Node

    return Node.objects.order_by("pk")
