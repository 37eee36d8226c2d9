"""Which state follows which, and what is written with a change."""

from __future__ import annotations

from datetime import timedelta

import pytest

from migrations_app.execution import states
from migrations_app.execution.states import LEGAL, ChangedMeanwhile, IllegalChange
from migrations_app.models import Container, LogLine, Migration
from tests.execution.stage import begun
from tests.factories import make_container, make_migration, make_node
from tests.fakes.clock import START

pytestmark = pytest.mark.django_db

State = Migration.State
PAIRS = [(old, new) for old in State for new in State]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_it_changes_only_to_a_state_that_may_follow(old: State, new: State) -> None:
    migration = make_migration(state=old)
    if new in LEGAL[old]:
        states.change(migration, new)
    else:
        with pytest.raises(IllegalChange):
            states.change(migration, new)
    migration.refresh_from_db()
    assert migration.state == (new if new in LEGAL[old] else old)


def test_every_state_says_what_may_follow() -> None:
    assert set(LEGAL) == set(State.values)


@pytest.mark.parametrize("state", Migration.ACTIVE_STATES)
def test_every_active_state_leads_to_an_end(state: State) -> None:
    reached, frontier = {state}, [state]
    while frontier:
        frontier = [new for old in frontier for new in LEGAL[old] if new not in reached]
        reached.update(frontier)
    assert reached & {State.DONE, State.ROLLED_BACK, State.CANCELLED}


def test_it_refuses_when_somebody_else_was_faster() -> None:
    migration = make_migration(**begun())
    Migration.objects.update(state=State.PAUSED)
    with pytest.raises(ChangedMeanwhile):
        states.park(migration, token=0, now=START, failure="Blocked", detail="")
    migration.refresh_from_db()
    assert (migration.state, migration.failure) == (State.PAUSED, "")


def test_it_refuses_a_worker_whose_lease_is_not_the_newest() -> None:
    migration = make_migration(**begun(), lease_token=8)
    with pytest.raises(ChangedMeanwhile):
        states.finish(migration, token=7, now=START)


def test_a_parked_one_remembers_where_it_was() -> None:
    migration = make_migration(state=State.ROLLING_BACK)
    states.park(migration, token=0, now=START, failure="SourceDoesNotStart", detail="it does not")
    states.unpark(migration, now=START)
    migration.refresh_from_db()
    assert (migration.state, migration.parked_from, migration.next_tick_at) == (State.ROLLING_BACK, "", START)


def test_a_parked_one_waits_for_a_person() -> None:
    migration = make_migration(**begun())
    states.park(migration, token=0, now=START, failure="Blocked", detail="")
    assert migration.next_tick_at is None


def test_one_that_may_come_back_is_looked_at_again() -> None:
    migration = make_migration(**begun())
    states.park(migration, token=0, now=START, failure="NodeUnreachable", detail="", may_come_back=True)
    assert migration.next_tick_at == START + timedelta(seconds=15)


def test_going_on_forgets_what_was_wrong() -> None:
    migration = make_migration(**begun())
    states.park(migration, token=0, now=START, failure="Blocked", detail="full")
    states.unpark(migration, now=START)
    assert (migration.failure, migration.failure_detail) == ("", "")


def test_going_back_keeps_why() -> None:
    migration = make_migration(state=State.ROLLING_BACK, failure="CopyFailed", failure_detail="23")
    states.park(migration, token=0, now=START, failure="RunsOnTarget", detail="it runs")
    states.unpark(migration, now=START)
    assert migration.failure == "RunsOnTarget"


def test_what_was_cancelled_ends_as_cancelled_even_if_it_was_parked_on_the_way() -> None:
    migration = make_migration(**begun())
    states.roll_back(migration, now=START, failure="Cancelled", detail="A person cancelled the migration.")
    states.park(migration, token=0, now=START, failure="NodeUnreachable", detail="", may_come_back=True)
    states.look_again(migration, token=0, now=START)
    states.end_rollback(migration, token=0, now=START)
    assert migration.state == State.CANCELLED


def test_what_failed_ends_as_rolled_back() -> None:
    migration = make_migration(**begun())
    states.roll_back(migration, now=START, failure="CopyFailed", detail="23")
    states.end_rollback(migration, token=0, now=START)
    assert migration.state == State.ROLLED_BACK


def test_the_container_is_on_the_target_from_the_point_of_no_return_on() -> None:
    source, target = make_node(), make_node()
    container = make_container(node=source, ctid="101", moved_from=None)
    migration = make_migration(container=container, target=target, **begun())
    states.settle_on_target(migration, now=START)
    container.refresh_from_db()
    assert (container.node, container.ctid, container.gone_at) == (target, "101", None)
    assert Migration.objects.get().point_of_no_return_at == START


def test_a_row_that_a_scan_made_of_the_arrived_copy_gives_way() -> None:
    target = make_node()
    container = make_container(ctid="101")
    migration = make_migration(container=container, target=target, **begun())
    seen_by_scan = make_container(node=target, ctid="101")
    states.settle_on_target(migration, now=START)
    seen_by_scan.refresh_from_db()
    assert seen_by_scan.gone_at == START
    assert Container.objects.get(node=target, ctid="101", gone_at=None) == container


def test_its_story_is_bounded() -> None:
    migration = make_migration()
    states.tell(migration, "x" * 10_000, at=START)
    assert len(LogLine.objects.get().text) == 4000
