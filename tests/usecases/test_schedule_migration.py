"""Whom the panel does not schedule: pinned ones, to nodes out of service, into freeze periods."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from migrations_app.models import Container, FreezePeriod, Migration, Node, Notice
from migrations_app.usecases.schedule_migration import ScheduleRefused, schedule_migration
from tests.factories import make_container, make_customer, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def container() -> Container:
    return make_container(ctid="101", hostname="", node=make_node(name="home"), owner=make_customer())


@pytest.fixture
def target() -> Node:
    return make_node(name="away")


def schedule(container: Container, target: Node, **more: Any) -> Migration:
    return schedule_migration(
        container=container, target=target, method="stream", actor=None, now=START, settings=settings.OVZ, **more
    )


def refused(container: Container, target: Node, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(ScheduleRefused) as refusal:
        schedule(container, target, **more)
    assert not Migration.objects.exists()
    return refusal.value.objections


@pytest.mark.parametrize("duty", ["draining", "maintenance"])
def test_a_node_out_of_service_is_no_target(container: Container, target: Node, duty: str) -> None:
    target.duty = duty
    assert refused(container, target) == [
        (
            "target",
            f"away is out of service ({duty}): choose another node, or put it back into service on its page first.",
        )
    ]


def test_a_pinned_container_stays(container: Container, target: Node) -> None:
    container.pinned, container.pin_reason = True, "licence dongle"
    assert refused(container, target) == [
        ("container", "101 is pinned to home (licence dongle): unpin it on its page first.")
    ]


@pytest.mark.parametrize("scope", ["everywhere", "source", "target", "owner"])
def test_nothing_is_scheduled_into_a_freeze_period(container: Container, target: Node, scope: str) -> None:
    scopes: dict[str, dict[str, Any]] = {
        "everywhere": {},
        "source": {"node": container.node},
        "target": {"node": target},
        "owner": {"customer": container.owner},
    }
    FreezePeriod.objects.create(
        name="sale", starts_at=START + HOUR, ends_at=START + 3 * HOUR, created_at=START, **scopes[scope]
    )
    assert refused(container, target, not_before=START + 2 * HOUR) == [
        (
            "not_before",
            "2026-03-02 12:00 UTC is in the freeze period sale: "
            "begin after 2026-03-02 13:00 UTC, or remove that period.",
        )
    ]
    assert schedule(container, target, not_before=START + 3 * HOUR).pk


def test_a_freeze_period_of_others_is_no_reason(container: Container, target: Node) -> None:
    for scope in ({"node": make_node()}, {"customer": make_customer()}):
        FreezePeriod.objects.create(name="x", starts_at=START, ends_at=START + HOUR, created_at=START, **scope)
    assert schedule(container, target).pk


def test_held_it_is_planned_told_to_its_owner_and_due_never(container: Container, target: Node) -> None:
    target.duty = Node.Duty.DRAINING
    migration = schedule(container, target, held=True, not_before=START + HOUR)
    assert (migration.is_held, migration.not_before) == (True, START + HOUR)
    assert not Migration.objects.due(START + 2 * HOUR).exists()
    assert list(Notice.objects.values_list("kind", "audience")) == [("scheduled", "customer")]


def test_while_one_is_held_the_container_is_in_no_other(container: Container, target: Node) -> None:
    schedule(container, target, held=True)
    with pytest.raises(ScheduleRefused, match="has a migration that has not ended"):
        schedule(container, target)


def test_a_wish_nobody_knows_is_a_mistake_of_the_caller(container: Container, target: Node) -> None:
    with pytest.raises(TypeError, match="nobody knows the wish rehearsal"):
        schedule(container, target, rehearsal=False)
