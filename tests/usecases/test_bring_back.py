"""Ordering a return trip, and what speaks against one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from migrations_app.execution import forwards, handover
from migrations_app.models import AuditLine, Container, Migration, Node, StepRun
from migrations_app.usecases.bring_back import NotBroughtBack, bring_back
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db
State = Migration.State
OLD, NEW = "192.0.2.101", "198.51.100.101"
NOW = START + timedelta(hours=3)


def moved(**overrides: Any) -> Migration:
    """Make a move that gave a container another address and has ended."""
    home, far = make_node(name="node-home"), make_node(name="node-far")
    container = make_container(node=home, ctid="101", addresses=[OLD])
    usual: dict[str, Any] = {
        "state": State.DONE,
        "method": "stream",
        "point_of_no_return_at": START,
        "old_addresses": [OLD],
        "new_addresses": [NEW],
        "next_tick_at": None,
    }
    first = make_migration(container=container, target=far, **usual | overrides)
    Container.objects.filter(pk=container.pk).update(node=far)
    first.refresh_from_db()
    return first


def passing_on(**overrides: Any) -> Migration:
    first = moved(state=State.RUNNING, next_tick_at=START, lease_token=7, **overrides)
    for position, (name, state) in enumerate(
        [("fence", "done"), ("stay_until_quiet", "running"), ("end_forward", "pending")]
    ):
        StepRun.objects.create(migration=first, position=position, name=name, title=name, state=state)
    forwards.begin(first.pk, old=OLD, new=NEW, kind="gre", now=START)
    return first


def order_back(first: Migration, actor: User) -> Migration:
    return bring_back(migration=first, actor=actor, now=NOW, settings=settings.OVZ)


def test_it_goes_home_to_what_it_had(ada: User) -> None:
    first = moved(new_hostname="far.example.net", old_hostname="ct101.example.net")
    back = order_back(first, ada)
    assert (back.source, back.target, back.returns) == (first.target, first.source, first)
    assert (back.old_addresses, back.new_addresses) == ([NEW], [OLD])
    assert (back.old_hostname, back.new_hostname) == ("far.example.net", "ct101.example.net")
    line = AuditLine.objects.get(verb="bring_back")
    assert (line.actor, line.subject) == (ada, str(first))


def test_a_move_that_kept_its_address_is_taken_back_likewise(ada: User) -> None:
    back = order_back(moved(old_addresses=[], new_addresses=[]), ada)
    assert (back.target.name, back.old_addresses, back.new_addresses) == ("node-home", [], [])


def test_what_is_still_passed_on_is_handed_over_and_a_late_worker_writes_nothing(ada: User) -> None:
    first = passing_on()
    back = order_back(first, ada)
    first.refresh_from_db()
    assert (first.state, first.finished_at, first.lease_token > 7) == (State.DONE, NOW, True)
    assert back.lease_token > first.lease_token
    assert [run.state for run in first.steps.all()] == ["done", "skipped", "skipped"]
    assert [row.old for row in forwards.taken_over(back.pk)] == [OLD]


def test_what_was_handed_over_is_given_back_as_it_was(ada: User) -> None:
    first = passing_on()
    back = order_back(first, ada)
    Migration.objects.filter(pk=back.pk).update(state=State.ROLLED_BACK)
    handover.give_back(back, now=NOW)
    first.refresh_from_db()
    assert (first.state, first.finished_at, first.next_tick_at) == (State.RUNNING, None, NOW)
    assert first.lease_token > back.lease_token
    assert [run.state for run in first.steps.all()] == ["done", "pending", "pending"]
    assert forwards.taken_over(back.pk) == []
    assert [row.old for row in forwards.of(first.pk)] == [OLD]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": State.RUNNING, "point_of_no_return_at": None}, "is running and has not moved the container"),
        ({"state": State.ROLLED_BACK, "point_of_no_return_at": None}, "is rolled back and has not moved"),
        ({"state": State.RUNNING}, "is running and has not settled on node-far yet"),
        ({"state": State.RETIRING}, "is removing the old copy and has not settled"),
        ({"retired_at": START}, "copy on node-home was given up at 2026-03-02 10:00 UTC"),
    ],
)
def test_it_refuses_by_name(ada: User, changes: dict[str, Any], reason: str) -> None:
    first = moved(**changes)
    with pytest.raises(NotBroughtBack, match=reason):
        order_back(first, ada)
    assert not AuditLine.objects.exists()


def test_it_refuses_while_the_old_node_is_out_of_service_and_keeps_the_forward(ada: User) -> None:
    first = passing_on()
    Node.objects.filter(name="node-home").update(duty=Node.Duty.DRAINING)
    with pytest.raises(NotBroughtBack, match=r"node-home is out of service \(draining\)"):
        order_back(first, ada)
    first.refresh_from_db()
    assert (first.state, first.lease_token) == (State.RUNNING, 7)
    assert [run.state for run in first.steps.all()] == ["done", "running", "pending"]
    assert [row.handed_to for row in forwards.of(first.pk)] == [None]


def test_it_refuses_where_somebody_else_has_the_old_address_now(ada: User) -> None:
    first = moved()
    make_container(ctid="150", addresses=[OLD])
    with pytest.raises(NotBroughtBack, match=f"{OLD} is in use by container 150"):
        order_back(first, ada)


def test_only_the_newest_move_is_taken_back(ada: User) -> None:
    first = moved()
    onward = make_migration(
        container=first.container,
        target=make_node(name="node-third"),
        state=State.DONE,
        point_of_no_return_at=START + timedelta(hours=1),
    )
    with pytest.raises(NotBroughtBack, match=f"moved on since, with m{onward.pk}"):
        order_back(first, ada)


def test_addresses_that_it_did_not_give_are_not_taken_away(ada: User) -> None:
    first = moved()
    Container.objects.filter(pk=first.container_id).update(addresses=[NEW, "198.51.100.9"])
    with pytest.raises(NotBroughtBack, match=r"has 198\.51\.100\.9 now"):
        order_back(first, ada)


def test_it_is_ordered_once(ada: User) -> None:
    first = passing_on()
    order_back(first, ada)
    with pytest.raises(NotBroughtBack, match="has a migration that has not ended"):
        order_back(first, ada)
